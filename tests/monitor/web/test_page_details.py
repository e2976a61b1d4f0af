"""Details of the pages: definitions, errors, language, labels, print."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from sentistream.monitor.observations import FaceState
from sentistream.monitor.web.info_pages import _is_own
from web.fake_monitor import FakeMonitor
from web.fake_people import alert, face


@pytest.fixture
def context(chromium: Browser, monitor: FakeMonitor) -> BrowserContext:
    return chromium.new_context(base_url=monitor.url, viewport={"width": 1280, "height": 900})


def test_definition_is_one_click_away(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/live")
    meaning = page.get_by_text("The part of the time of all faces in view")
    expect(meaning).to_be_hidden()
    button = page.get_by_role("button", name="What does “share” mean?").first
    button.click()
    expect(meaning).to_be_visible()
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    # and by keyboard alone
    button.focus()
    page.keyboard.press("Enter")
    expect(meaning).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(meaning).to_be_hidden()
    context.close()


def test_missing_page_has_a_link_onward(context: BrowserContext) -> None:
    page = context.new_page()
    answer = page.goto("/nowhere")
    assert answer is not None and answer.status == 404
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="History").click()
    page.wait_for_url("**/history")
    context.close()


def test_language_is_remembered_and_the_view_kept(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/history?by=day&camera=entrance")
    page.get_by_role("button", name="Français").click()
    page.wait_for_url("**/history?by=day&camera=entrance")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.close()
    another = context.new_page()
    another.goto("/about")
    expect(another.locator("html")).to_have_attribute("lang", "fr")
    context.close()


@pytest.mark.parametrize("language", ["de", "fr", "en"])
def test_browser_language_is_the_default(
    chromium: Browser, monitor: FakeMonitor, language: str
) -> None:
    context = chromium.new_context(locale=f"{language}-CH")
    page = context.new_page()
    page.goto(monitor.url)
    expect(page.locator("html")).to_have_attribute("lang", language)
    context.close()


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("/", True),
        ("/history?by=day&camera=a-b&day=2026-11-20", True),
        ("//evil.example", False),
        ("/history?x=//evil.example", False),
        ("https://evil.example", False),
        ("/\\evil.example", False),
        ("/a b", False),
    ],
)
def test_back_links_lead_only_to_own_addresses(address: str, own: bool) -> None:
    assert _is_own(address) is own


def _at(track: str, left: float) -> FaceState:
    return face(track, left, "negative", speaking=True)


def test_labels_are_never_clipped(chromium: Browser, monitor: FakeMonitor) -> None:
    context = chromium.new_context(base_url=monitor.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/live")
    monitor.health("entrance")
    stage = page.locator("#camera-entrance .overlay")
    for places in ((0.93, 0.90), (0.0, 0.02), (0.5, 0.52, 0.54)):
        faces = [_at(f"{place}", place) for place in places]
        for _ in range(200):
            monitor.publish_observation("entrance", *faces)
            page.wait_for_timeout(50)
            if stage.locator(".face").count() == len(faces):
                break
        page.wait_for_timeout(400)  # boxes move to their position gradually
        monitor.publish_observation("entrance", *faces)
        page.wait_for_timeout(400)
        boxes = [label.bounding_box() for label in stage.locator(".face p").all()]
        room = stage.bounding_box()
        assert room is not None
        for place, box in enumerate(boxes):
            assert box is not None
            assert box["x"] >= room["x"] - 1
            assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
            assert room["y"] - 1 <= box["y"] <= room["y"] + room["height"] - box["height"] + 1
            for other in boxes[:place]:
                assert other is not None
                apart = (
                    box["x"] >= other["x"] + other["width"] - 1
                    or other["x"] >= box["x"] + box["width"] - 1
                    or box["y"] >= other["y"] + other["height"] - 1
                    or other["y"] >= box["y"] + box["height"] - 1
                )
                assert apart, (places, box, other)
    context.close()


@pytest.mark.parametrize("path", ["/", "/history?day=2026-11-20", "/privacy", "/alerts"])
def test_print_has_neither_navigation_nor_dark_theme(
    chromium: Browser, monitor: FakeMonitor, path: str
) -> None:
    context = chromium.new_context(base_url=monitor.url, color_scheme="dark")
    page = context.new_page()
    page.goto(path)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    for gone in (".site-header", "body > footer", "main .button", "main button"):
        assert page.locator(f"{gone}:visible").count() == 0
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert len(page.pdf(format="A4")) > 1000
    context.close()


def test_numbers_are_right_aligned(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/about")
    # every table of the pages
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<table><thead><tr><th>a"
        "</th><th>b</th></tr></thead><tbody><tr><th>c</th><td>12</td></tr></tbody></table>')"
    )
    cells = (
        "[...document.querySelectorAll('table :is(th, td)')]"
        ".map(e => getComputedStyle(e).textAlign)"
    )
    assert page.evaluate(cells) == ["left", "right", "left", "right"]
    context.close()


def test_engine_figures_are_collapsed(context: BrowserContext, monitor: FakeMonitor) -> None:
    monitor.health("entrance", moments_per_second=28.0, tick=0.03, latency=0.1)
    page = context.new_page()
    page.goto("/live")
    tile = page.locator("#camera-entrance")
    expect(tile.get_by_text("28 moments per second")).to_be_hidden()
    tile.get_by_text("Technical details").click()
    expect(tile.get_by_text("28 moments per second")).to_be_visible()
    context.close()


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_zones_are_called_by_their_names(tmp_path: Path, language: str) -> None:
    zone = {"name": "z-17", "title": "By the tills", "points": [[0, 0], [1, 0], [1, 1]]}
    door = {"name": "Front door", "source": "0", "zones": [zone]}
    rule = {"key": "sour", "name": "Sour mood", "camera": "door", "zone": "z-17"}
    monitor = FakeMonitor(tmp_path, {"cameras": {"door": door}, "alerts": [rule]})
    monitor.health("door")
    monitor.store.stored_alerts = [
        replace(
            alert(time.time() - 60, 0.5, active=True, incident="a1"), camera="door", zone="z-17"
        )
    ]
    monitor.bus.publish(monitor.store.stored_alerts[0])
    for path in (
        "/",
        "/history",
        "/history?by=minute&camera=door&zone=z-17",
        "/history?by=pattern&camera=door",
        "/alerts",
        "/alerts/a1",
        "/privacy/assessment",
    ):
        answer = httpx.get(monitor.url + path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        text = re.sub(r"<script.*?</script>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
        assert "By the tills" in text, path
        assert "z-17" not in text, path
