"""The report in Chromium, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from browser_pages import wait_for
from sentistream.media.video_writer import VideoWriter
from sentistream.reports.result_folder import ResultFolder
from synthetic_readings import Info, Subject, moments

SECONDS = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of grey of growing brightness."""
    path = tmp_path_factory.mktemp("clip") / "shop #1.mp4"
    with VideoWriter(path, width=320, height=240) as video:
        for frame in range(25 * SECONDS):
            video.write(frame / 25, np.full((240, 320, 3), 40 + frame, np.uint8))
    return path


def report(folder: Path, clip: Path | None, report_video: str = "link") -> str:
    """The address of a page with two appearances."""
    subject = Subject(info=Info(name="shop #1.mp4", audio_codec=None))
    with ResultFolder(folder, subject, {}, clip=clip, report_video=report_video) as log:
        for moment, readings in moments(SECONDS):
            log.add(moment, readings)
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        console: list[str] = []
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("console", lambda message: console.append(message.text))
        yield page
        # the browser itself logs a missing clip
        assert [text for text in console if "ERR_FILE_NOT_FOUND" not in text] == []


def click(page: Page, share: float) -> None:
    """Click the timeline at a share of its length."""
    page.locator("#cover").scroll_into_view_if_needed()
    box = page.locator("#cover").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + share * box["width"], box["y"] + 20)


def shown(page: Page) -> tuple[float, float]:
    """The displayed range of the timeline, in bins."""
    first, _, width, _ = (page.locator("svg.feel").first.get_attribute("viewBox") or "").split()
    return float(first), float(first) + float(width)


@pytest.mark.parametrize("report_video", ["link", "embed"])
def test_click_plays_the_clip_from_there(
    page: Page, clip: Path, tmp_path: Path, report_video: str
) -> None:
    page.goto(report(tmp_path / "out", clip, report_video))
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if "clip" in path.name) == []
    wait_for(page, "document.getElementById('video').readyState >= 1")
    assert page.evaluate("document.getElementById('video').duration") == pytest.approx(6, abs=0.1)
    assert "Click the timeline to play the clip from there." in page.inner_text("#hint")
    click(page, 0.5)
    wait_for(page, "!document.getElementById('video').paused")
    wait_for(page, "document.getElementById('video').currentTime > 2.95")
    assert page.evaluate("document.getElementById('video').currentTime") < 5
    captions = "[...document.getElementById('video').textTracks[0].cues].map(c => c.text)"
    assert "1: positive\n2: neutral" in page.evaluate(captions)


def test_missing_clip_can_be_selected(page: Page, clip: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(clip.read_bytes())
    address = report(tmp_path / "out", gone)
    gone.unlink()
    page.goto(address)
    page.wait_for_selector("#elsewhere:visible")
    assert "gone.mp4" in page.inner_text("#elsewhere")
    page.set_input_files("#choose", clip)
    page.wait_for_selector("#video:visible")
    click(page, 0.5)
    wait_for(page, "document.getElementById('video').currentTime > 2.95")


def test_hovering_shows_the_reading(page: Page, tmp_path: Path) -> None:
    page.goto(report(tmp_path, None))
    assert page.locator("#video").count() == 0
    click(page, 0.2)
    console = " ".join(page.inner_text("#readout").split())
    assert console.startswith("0:01.2")
    assert "Appearance 1 positive" in console
    assert "Appearance 2 positive 25 %, neutral 60 %, negative 15 %" in console
    assert "mouth closed; face alone" in console
    box = page.locator("#cover").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    console = page.inner_text("#readout")
    assert "Appearance 1" in console
    assert "Appearance 2" not in console  # absent for a while


def test_timeline_zooms_by_dragging_wheel_and_keys(page: Page, tmp_path: Path) -> None:
    page.goto(report(tmp_path, None))
    assert shown(page) == pytest.approx((0, 60), abs=0.5)
    page.locator("#cover").scroll_into_view_if_needed()
    box = page.locator("#cover").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 30, steps=5)
    page.mouse.up()
    assert shown(page) == pytest.approx((15, 45), abs=0.5)
    labels = page.locator(".axis").last.locator("span").all_inner_texts()
    assert labels[0] == "0:01.5"
    page.keyboard.press("0")
    assert shown(page) == pytest.approx((0, 60), abs=0.5)
    page.keyboard.press("End")
    page.keyboard.press("+")
    assert shown(page) == pytest.approx((30, 60), abs=0.5)
    page.keyboard.press("Home")
    first, last = shown(page)
    assert first == 0
    assert last == pytest.approx(30, abs=0.5)
    page.click("#later")
    assert shown(page)[0] == pytest.approx(15, abs=0.5)
    page.click("#whole")
    page.keyboard.down("Control")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    wait_for(page, "!document.getElementById('whole').disabled")


def test_pinch_zooms_and_tap_plays(chromium: Browser, clip: Path, tmp_path: Path) -> None:
    address = report(tmp_path / "out", clip)
    phone = chromium.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    )
    with phone as context:
        page = context.new_page()
        page.goto(address)
        wait_for(page, "document.getElementById('video').readyState >= 1")
        page.evaluate("document.getElementById('cover').scrollIntoView({block: 'center'})")
        page.wait_for_timeout(300)
        box = page.locator("#cover").bounding_box()
        assert box is not None
        devtools = context.new_cdp_session(page)

        def touch(kind: str, *shares: float) -> None:
            points = [
                {"x": box["x"] + share * box["width"], "y": box["y"] + 40, "id": number}
                for number, share in enumerate(shares)
            ]
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 0.4)
        touch("touchStart", 0.4, 0.6)
        for step in range(1, 6):
            touch("touchMove", 0.4 - 0.06 * step, 0.6 + 0.06 * step)
        touch("touchEnd")
        # what was under the fingers still is: a fifth of the time is now four fifths of the width
        assert shown(page) == pytest.approx((22.5, 37.5), abs=0.5)
        touch("touchStart", 0.5)
        touch("touchEnd")
        wait_for(page, "document.getElementById('video').currentTime > 2.95")


@pytest.mark.parametrize("width", [1440, 390])
def test_labels_are_on_their_lines_and_nothing_overflows(
    page: Page, tmp_path: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report(tmp_path, None))
    middles = "e => e.getBoundingClientRect().left + e.getBoundingClientRect().width / 2"
    labels = page.locator(".axis").last.locator("span").evaluate_all(f"all => all.map({middles})")
    lines = page.locator("#cover .line").evaluate_all(f"all => all.map({middles})")
    assert len(labels) >= 3
    assert labels == pytest.approx(lines, abs=0.6)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_lanes_are_drawn_without_scripts(chromium: Browser, tmp_path: Path) -> None:
    address = report(tmp_path, None)
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        assert page.locator("svg.feel").count() == 3
        assert page.locator(".axis span").count() > 4
        assert page.locator("#tools").is_hidden()
        assert "script does not run here" in page.inner_text("main")
