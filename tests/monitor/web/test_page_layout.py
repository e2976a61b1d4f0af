"""Every page on a desk and on a phone, light and dark, in both languages, by keyboard."""

from __future__ import annotations

import pytest

from browser import Browser
from web.accessibility import faults
from web.fake_monitor import FakeMonitor

PAGES = (
    "/",
    "/history?day=2026-11-20&camera=entrance",
    "/history?by=day&against=none",
    "/history?by=week",
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
    page = browser.open(lively.url, size=size, dark=dark, cookies=cookies)
    page.ready()
    page.wait("document.querySelector('.face')")
    found: list[tuple[str, str]] = []
    for path in PAGES:
        if path != "/":
            page.go(lively.url + path)
        assert page.say("document.documentElement.lang") == language
        width, screen = page.say(NARROW)
        assert width <= screen, (path, width)
        found += [(path, fault) for fault in faults(page)]
    assert found == []
    page.close()


def test_it_is_said_in_german(browser: Browser, lively: FakeMonitor) -> None:
    page = browser.open(lively.url)
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
        "'a[href], button:not(:disabled), input:not([type=hidden]), select')]"
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


def test_history_is_drawn_told_and_stepped_through(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/history?day=2026-11-20&camera=entrance")
    page.ready()
    page.wait("document.querySelectorAll('.bars').length === 2")
    assert page.say("document.querySelectorAll('.bars')[0].querySelectorAll('g').length") == 24
    drawn = page.say(
        "['.fill-positive', '.hatched', '.not-recorded-line', '.previous'].map("
        "s => document.querySelectorAll('.bars ' + s).length)"
    )
    assert all(drawn), drawn
    page.say("document.querySelector('.plot').focus()")
    for _ in range(13):
        page.press("ArrowRight")
    told = page.text(".plot output")
    assert told.startswith("12:00–13:00:") and ("appearances" in told)  # noqa: RUF001
    page.say("document.querySelector('details summary').click()")
    rows = page.say("document.querySelectorAll('table')[0].tBodies[0].rows.length")
    assert rows == 24
    assert "fewer than 5 appearances" in page.text("table") and "not recorded" in page.text("table")
    links = page.say("[...document.querySelectorAll('.downloads a')].map(e => e.href)")
    assert [link.partition("?")[0].rpartition("/")[2] for link in links] == [
        "hour.csv",
        "hour.csv",
        "hour.parquet",
    ]
    house.store.broken = True
    page.go(f"{house.url}/history")
    assert "The database is not responding" in page.text("[role=alert]")
    page.close()
