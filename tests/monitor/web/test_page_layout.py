"""Every page on a desk and on a phone, light and dark, in both languages, by keyboard."""

from __future__ import annotations

import pytest

from browser import Browser
from sentistream.monitor.observations import CameraState
from web.accessibility import faults
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
def test_pages_are_fit_for_everybody(
    browser: Browser, lively: FakeMonitor, size: tuple[int, int], dark: bool, language: str
) -> None:
    cookies = {"sentistream-language": language}
    page = browser.open(f"{lively.url}/live", size=size, dark=dark, cookies=cookies)
    page.ready()
    page.wait("document.querySelector('.face')")
    found: list[tuple[str, str]] = []
    for path in PAGES:
        if path != "/live":
            page.go(lively.url + path)
        assert page.say("document.documentElement.lang") == language
        width, screen = page.say(NARROW)
        assert width <= screen, (path, width)
        found += [(path, fault) for fault in faults(page)]
    assert found == []
    page.close()


def test_it_is_said_in_german(browser: Browser, lively: FakeMonitor) -> None:
    page = browser.open(f"{lively.url}/live")
    page.ready()
    page.wait("document.querySelector('.languages')")
    page.say("document.querySelector('button[value=de]').click()")
    page.wait("document.documentElement.lang === 'de' && document.querySelector('.face')")
    text = page.text("body")
    assert "Die letzten 15 Minuten" in text and "läuft mit halber Geschwindigkeit" in text
    words = page.say("[...document.querySelectorAll('.face span')].map(e => e.innerText)")
    assert set(words) <= {"positiv", "neutral", "negativ", "unklar"}
    page.close()


def test_a_theme_is_chosen_and_kept(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(house.url)
    page.ready()
    page.wait("document.querySelector('.theme-button').title === 'Switch to dark'")
    light = page.say("getComputedStyle(document.body).backgroundColor")
    page.click(".theme-button")
    assert page.say("getComputedStyle(document.body).backgroundColor") != light
    page.go(f"{house.url}/about")
    assert page.say("document.documentElement.dataset.theme") == "dark"
    assert page.say("getComputedStyle(document.body).backgroundColor") != light
    page.close()


def test_the_menu_of_a_phone_opens_and_closes(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(house.url, size=(360, 740))
    page.ready()
    page.wait("document.querySelector('.menu-button')")
    assert page.say("document.querySelector('.menu').checkVisibility()") is False
    page.click(".menu-button")
    assert page.say("document.querySelector('.menu').checkVisibility()") is True
    page.press("Escape")
    assert page.say("document.querySelector('.menu').checkVisibility()") is False
    assert page.say("document.activeElement.className").endswith("menu-button")
    page.close()


@pytest.mark.parametrize("path", ["/alerts", "/start/camera", "/start/zones?camera=entrance"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    browser: Browser, house: FakeMonitor, path: str
) -> None:
    page = browser.open(f"{house.url}{path}")
    page.ready()
    page.wait(
        "document.querySelector('main form button') && document.querySelector('.menu-button')"
    )
    wanted = page.say(
        "[...document.querySelectorAll("
        "'a[href], button:not(:disabled), input:not([type=hidden]), select, summary')]"
        ".filter(e => e.checkVisibility()).map((e, n) => (e.dataset.n = n))"
    )
    reached = []
    for _ in wanted:
        page.press("Tab")
        number, outlined = page.say(
            "(e => [Number(e.dataset.n), getComputedStyle(e).outlineStyle !== 'none'])"
            "(document.activeElement)"
        )
        reached.append(number)
        assert outlined, number
    assert reached == wanted
    # the first of them leads past the navigation
    page.say("document.querySelector('.skip-link').focus()")
    page.press("Enter")
    page.wait("document.activeElement.id === 'main'")
    page.close()


def test_a_silent_database_is_told(browser: Browser, house: FakeMonitor) -> None:
    house.store.broken = True
    page = browser.open(f"{house.url}/history")
    for path in ("/history", "/"):
        page.go(house.url + path)
        assert "The database is not responding" in page.text("[role=alert]")
    # what does not need it is still told
    house.health("yard", CameraState.WAITING, reason="The cable is out.")
    page.go(f"{house.url}/")
    assert "The cable is out." in page.text(".attention")
    page.close()
