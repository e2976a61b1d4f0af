"""Every page on desktop and phone, light and dark, in two languages, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser_pages import PageOpener, wait_for
from sentistream.monitor.observations import CameraState
from web.accessibility import accessibility_violations
from web.fake_monitor import FakeMonitor

PAGES = (
    "/live",
    "/",
    "/history?day=2026-11-20&camera=entrance",
    "/history?by=minute&day=2026-11-20&hour=12&camera=entrance&zone=door",
    "/history?by=day&against=none",
    "/history?by=week",
    "/history?by=month&open=1",
    "/history?by=pattern",
    "/alerts?rule=sour",
    "/try",
    "/privacy",
    "/about",
    "/account",
    "/settings",
    "/settings/server",
    "/settings/mqtt",
    "/settings/people",
    "/settings/cameras/entrance",
    "/settings/cameras/new",
)
NARROW = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.mark.parametrize(
    ("size", "dark", "language"),
    [((1280, 900), False, "en"), ((360, 740), True, "de")],
    ids=["desk, light, English", "phone, dark, German"],
)
def test_pages_are_accessible(
    open_page: PageOpener,
    busy_monitor: FakeMonitor,
    size: tuple[int, int],
    dark: bool,
    language: str,
) -> None:
    cookies = {"sentistream-language": language}
    page = open_page(f"{busy_monitor.url}/live", size=size, dark=dark, cookies=cookies)
    expect(page.locator(".face").first).to_be_attached()
    found: list[tuple[str, str]] = []
    for path in PAGES:
        if path != "/live":
            page.goto(busy_monitor.url + path)
        assert page.evaluate("document.documentElement.lang") == language
        width, screen = page.evaluate(NARROW)
        assert width <= screen, (path, width)
        found += [(path, fault) for fault in accessibility_violations(page)]
    assert found == []


def test_page_is_in_german(open_page: PageOpener, busy_monitor: FakeMonitor) -> None:
    page = open_page(f"{busy_monitor.url}/live")
    expect(page.locator(".languages").first).to_be_attached()
    page.evaluate("document.querySelector('button[value=de]').click()")
    wait_for(page, "document.documentElement.lang === 'de' && document.querySelector('.face')")
    text = page.inner_text("body")
    assert "Die letzten 15 Minuten" in text and "läuft mit halber Geschwindigkeit" in text
    words = page.evaluate("[...document.querySelectorAll('.face span')].map(e => e.innerText)")
    assert set(words) <= {"positiv", "neutral", "negativ", "unklar"}


def test_theme_is_chosen_and_kept(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(monitor.url)
    wait_for(page, "document.querySelector('.theme-button').title === 'Switch to dark'")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click(".theme-button")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.goto(f"{monitor.url}/about")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_phone_menu_opens_and_closes(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(monitor.url, size=(360, 740))
    expect(page.locator(".menu-button").first).to_be_attached()
    assert page.evaluate("document.querySelector('.menu').checkVisibility()") is False
    page.click(".menu-button")
    assert page.evaluate("document.querySelector('.menu').checkVisibility()") is True
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('.menu').checkVisibility()") is False
    assert page.evaluate("document.activeElement.className").endswith("menu-button")


@pytest.mark.parametrize("path", ["/alerts", "/start/camera", "/start/zones?camera=entrance"])
def test_keyboard_reaches_everything_with_visible_focus(
    open_page: PageOpener, monitor: FakeMonitor, path: str
) -> None:
    page = open_page(f"{monitor.url}{path}")
    wait_for(
        page, "document.querySelector('main form button') && document.querySelector('.menu-button')"
    )
    wanted = page.evaluate(
        "[...document.querySelectorAll("
        "'a[href], button:not(:disabled), input:not([type=hidden]), select, summary')]"
        ".filter(e => e.checkVisibility()).map((e, n) => (e.dataset.n = n))"
    )
    reached = []
    for _ in wanted:
        page.keyboard.press("Tab")
        number, outlined = page.evaluate(
            "(e => [Number(e.dataset.n), getComputedStyle(e).outlineStyle !== 'none'])"
            "(document.activeElement)"
        )
        reached.append(number)
        assert outlined, number
    assert reached == wanted
    # the first link skips the navigation
    page.evaluate("document.querySelector('.skip-link').focus()")
    page.keyboard.press("Enter")
    wait_for(page, "document.activeElement.id === 'main'")


def test_unresponsive_database_is_reported(open_page: PageOpener, monitor: FakeMonitor) -> None:
    monitor.store.broken = True
    page = open_page(f"{monitor.url}/history")
    for path in ("/history", "/"):
        page.goto(monitor.url + path)
        assert "The database is not responding" in page.inner_text("[role=alert]")
    # parts that do not need it are still shown
    monitor.health("yard", CameraState.WAITING, reason="The cable is out.")
    page.goto(f"{monitor.url}/")
    assert "The cable is out." in page.inner_text(".attention")
