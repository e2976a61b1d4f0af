"""The live view in a real browser: up to date, with gaps marked, and stable."""

from __future__ import annotations

import dataclasses
import time

import pytest
from playwright.sync_api import Page, expect

from browser_pages import PageOpener, wait_for
from sentistream.monitor.observations import CameraState, Preview
from sentistream.monitor.web import live_tiles as tiles
from web.fake_monitor import FakeMonitor
from web.fake_people import face, picture

ENTRANCE = "#camera-entrance"


def _keep_seeing(page: Page, monitor: FakeMonitor, condition: str, *faces: object) -> None:
    """A camera keeps seeing somebody until the page shows it."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        monitor.publish_observation("entrance", *faces)  # type: ignore[arg-type]
        time.sleep(0.1)


def test_numbers_are_rendered_without_scripts(
    open_page: PageOpener, busy_monitor: FakeMonitor
) -> None:
    busy_monitor.publish_observation(
        "entrance", face("a", 0.2, "negative"), face("b", 0.6, "positive", speaking=True)
    )
    page = open_page(f"{busy_monitor.url}/live", script=False)
    text = page.inner_text(ENTRANCE)
    for expected in ("Entrance", "Watching", "positive", "Technical details", "Last 15 minutes"):
        assert expected in text
    assert "refuses the connection" in page.inner_text("#camera-yard")


def test_tiles_are_kept_up_to_date(open_page: PageOpener, monitor: FakeMonitor) -> None:
    monitor.health("entrance")
    page = open_page(f"{monitor.url}/live")
    wait_for(page, "document.querySelectorAll('.tile').length === 4")
    assert "Starting" in page.inner_text("#camera-yard .state")
    _keep_seeing(
        page,
        monitor,
        f"document.querySelectorAll('{ENTRANCE} .face').length === 2",
        face("a", 0.2, "negative"),
        dataclasses.replace(face("b", 0.6, "unknown", speaking=True), voice_share=0.314),
    )
    boxes = page.evaluate(
        f"[...document.querySelectorAll('{ENTRANCE} .face')].map(e => [e.innerText.trim(), "
        "e.querySelector('use').getAttribute('href'), e.style.left, "
        "getComputedStyle(e).borderTopColor])"
    )
    assert [box[0].split() for box in boxes] == [["negative"], ["unclear", "speaking"]]
    assert [box[1] for box in boxes] == ["#i-negative", "#i-unknown"]
    assert [box[2] for box in boxes] == ["20%", "60%"]
    assert boxes[0][3] != boxes[1][3]
    assert page.inner_text(f"{ENTRANCE} .face-count").strip() == "2 faces in view"
    expected = page.inner_text(f"{ENTRANCE} .speech").strip()
    assert expected == "1 speaking; 31% of the answer came from the voice"
    # it moves without blinking: the same element at another position
    page.evaluate(f"document.querySelector('{ENTRANCE} .face').mine = true")
    _keep_seeing(
        page,
        monitor,
        f"document.querySelector('{ENTRANCE} .face').style.left === '40%'",
        face("a", 0.4, "negative"),
    )
    assert page.evaluate(f"document.querySelector('{ENTRANCE} .face').mine")
    _keep_seeing(page, monitor, f"!document.querySelector('{ENTRANCE} .face')")
    assert page.inner_text(f"{ENTRANCE} .face-count").strip() == "Nobody in view"
    expect(page.locator(f"{ENTRANCE} .face-count")).to_contain_text("No reading")


def test_untracked_and_unread_faces_are_reported(
    open_page: PageOpener, monitor: FakeMonitor
) -> None:
    monitor.health("entrance")
    shown = (face("a", 0.2, "positive"), face("b", 0.6, "unknown", turned=True))
    monitor.publish_observation("entrance", *shown, max_faces=2, left_out=3)
    page = open_page(f"{monitor.url}/live", script=False)
    expected = "5 faces in view; 3 of them are not tracked (limit: 2)"
    end = time.monotonic() + 60
    while page.inner_text(f"{ENTRANCE} .face-count").strip() != expected:
        # on a slow machine the page may load when the observation is already outdated
        assert time.monotonic() < end
        monitor.publish_observation("entrance", *shown, max_faces=2, left_out=3)
        page.goto(monitor.url)
    page = open_page(f"{monitor.url}/live")
    expected = "2 faces in view; 1 of them is not tracked (limit: 1)"
    end = time.monotonic() + 30
    while page.inner_text(f"{ENTRANCE} .face-count").strip() != expected:
        assert time.monotonic() < end
        monitor.publish_observation("entrance", shown[1], max_faces=1, left_out=1)
        time.sleep(0.1)
    assert page.inner_text(f"{ENTRANCE} .face").strip() == "turned away"
    assert page.inner_text(f"{ENTRANCE} .count[data-count=unknown] b") == "1"
    # the limit alone is not reported
    _keep_seeing(
        page,
        monitor,
        f"document.querySelector('{ENTRANCE} .face-count').innerText.trim() === '1 face in view'",
        shown[0],
    )


def test_camera_states_are_shown_and_announced(open_page: PageOpener, monitor: FakeMonitor) -> None:
    monitor.health("entrance")
    page = open_page(f"{monitor.url}/live")
    wait_for(page, f"document.querySelector('{ENTRANCE}').dataset.state === 'running'")
    assert page.inner_text("#announcements") == ""
    monitor.health("entrance", CameraState.WAITING, reason="The cable is out.")
    expect(page.locator("#announcements")).to_contain_text("The cable is out.")
    assert page.inner_text(f"{ENTRANCE} .state") == "Retrying"
    assert (
        page.inner_text(f"{ENTRANCE} .placeholder").strip()
        == "No picture while the camera is unavailable"
    )
    monitor.health("entrance", moments_per_second=16, tick=0.06, dropped=1284)
    expect(page.locator(f"{ENTRANCE} .statistics").first).to_contain_text("half speed")
    # technical details are in a panel that is closed at first
    assert "1,284 dropped" not in page.inner_text(ENTRANCE)
    page.click(f"{ENTRANCE} details summary")
    assert "1,284 dropped" in page.inner_text(f"{ENTRANCE} details")
    monitor.health("entrance", moments_per_second=8, tick=0.12)
    expect(page.locator(f"{ENTRANCE} .statistics").first).to_contain_text("25% of full")


def test_pictures_load_only_while_visible(
    open_page: PageOpener, monitor: FakeMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "STALE_PICTURE", 1.5)
    monitor.health("entrance")
    page = open_page(f"{monitor.url}/live", size=(1200, 500))
    expect(page.locator(f"{ENTRANCE} .placeholder")).to_contain_text("No picture yet")
    wait_for(page, "performance.now() > 0")
    end = time.monotonic() + 30
    while not page.evaluate(
        f"(c => c.width === 640 && c.getContext('2d').getImageData(320, 300, 1, 1).data[3] > 0)"
        f"(document.querySelector('{ENTRANCE} canvas'))"
    ):
        assert time.monotonic() < end
        monitor.bus.set_preview("entrance", Preview(picture([0.2]), time.time()))
        time.sleep(0.1)
    assert page.evaluate(f"document.querySelector('{ENTRANCE} .placeholder').hidden")
    assert monitor.cameras.watched["entrance"] > 0
    # the last tile is below the fold
    assert "night" not in monitor.cameras.watched
    page.evaluate("document.querySelector('#camera-night').scrollIntoView()")
    end = time.monotonic() + 30
    while "night" not in monitor.cameras.watched:
        assert time.monotonic() < end
        time.sleep(0.05)
    # an outdated picture is not shown
    expect(page.locator(f"{ENTRANCE} .placeholder")).to_be_visible()
    page.close()
    # nobody looks any longer, so no previews are requested
    end = time.monotonic() + 30
    while True:
        before = dict(monitor.cameras.watched)
        time.sleep(0.6)
        if monitor.cameras.watched == before:
            break
        assert time.monotonic() < end


def test_small_groups_and_an_unresponsive_database_are_reported(
    open_page: PageOpener, monitor: FakeMonitor
) -> None:
    monitor.store.broken, monitor.store.hour = True, 10
    page = open_page(f"{monitor.url}/live")
    expect(page.locator(".recent").first).to_be_attached()
    assert "The database is not responding" in page.inner_text(f"{ENTRANCE} .recent")
    monitor.store.broken = False
    expect(page.locator(f"{ENTRANCE} .recent .shares").first).to_be_attached()
    assert "Nothing was recorded" in page.inner_text("#camera-yard .recent")


def test_camera_is_restarted_from_its_tile(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/live")
    expect(page.locator("[data-restart=yard]").first).to_be_attached()
    page.click("[data-restart=yard]")
    expect(page.locator("#announcements")).to_contain_text("restarting")
    assert monitor.cameras.restarted == ["yard"]


def test_lost_server_is_reported_and_reconnected(
    open_page: PageOpener, monitor: FakeMonitor
) -> None:
    monitor.health("entrance")
    page = open_page(f"{monitor.url}/live")
    expect(page.locator(".connection")).to_be_hidden()
    wait_for(page, "performance.getEntriesByType('resource').length > 3")
    monitor.stop()
    expect(page.locator(".connection")).to_contain_text("not responding")
    monitor.start()
    expect(page.locator(".connection")).to_be_hidden()
    _keep_seeing(
        page,
        monitor,
        f"document.querySelectorAll('{ENTRANCE} .face').length === 1",
        face("a", 0.2, "negative"),
    )
    monitor.user = None
    monitor.stop()
    monitor.start()
    expect(page.locator(".connection")).to_contain_text("session has expired")
    assert page.evaluate("document.querySelector('.connection a').getAttribute('href')") == "/login"


def test_page_makes_no_external_requests(open_page: PageOpener, busy_monitor: FakeMonitor) -> None:
    page = open_page(f"{busy_monitor.url}/live")
    wait_for(page, f"document.querySelectorAll('{ENTRANCE} .face').length === 3")
    for path in (
        "/",
        "/history?by=week",
        "/history?by=pattern",
        "/alerts",
        "/settings/cameras/entrance",
        "/privacy",
        "/try",
    ):
        page.goto(busy_monitor.url + path)
    own = busy_monitor.url.partition("//")[2]
    assert open_page.log(page).requests
    assert {
        url.split("/")[2] for url in open_page.log(page).requests if not url.startswith("data:")
    } == {own}
    assert open_page.log(page).problems == []


def test_first_paint_is_fast(open_page: PageOpener, busy_monitor: FakeMonitor) -> None:
    busy_monitor.publish_observation("entrance", face("a", 0.2, "negative"))
    page = open_page("about:blank")
    took = []
    for _ in range(3):
        page.goto(f"{busy_monitor.url}/live")
        wait_for(page, "performance.getEntriesByName('first-contentful-paint').length")
        took.append(
            page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        )
    # benchmarks/page.py has the figure; a slow machine may take its time here
    assert min(took) < 2000, took
