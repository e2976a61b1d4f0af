"""The pages around the login in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serving import MANAGER, PASSWORD, Served, settings
from browser import Browser, Page
from sentistream.monitor.api.app import setup_link

SHOTS = os.environ.get("SENTISTREAM_SHOTS", "")
"""A folder for pictures of the pages, to look at."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, people=False) as served:
        yield served


def _open(browser: Browser, url: str, *, phone: bool = False, dark: bool = False) -> Page:
    page = browser.open("about:blank")
    page.ask("Network.enable")
    page.ask("Network.clearBrowserCookies")
    width, height = (360, 640) if phone else (1280, 800)
    screen = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1}
    page.ask("Emulation.setDeviceMetricsOverride", {**screen, "mobile": phone})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    page.ask("Emulation.setEmulatedMedia", {"features": [scheme]})
    # they need no script
    page.ask("Emulation.setScriptExecutionDisabled", {"value": True})
    page.ask("Page.navigate", {"url": url})
    page.wait("document.readyState === 'complete' && document.querySelector('main') !== null")
    return page


def _fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.say(f"document.getElementById({name!r}).value = {value!r}")


def _kept(page: Page, name: str) -> None:
    if SHOTS:
        (Path(SHOTS) / f"{name}.png").write_bytes(page.screenshot())


def test_first_start_login_and_logout(browser: Browser, empty: Served) -> None:
    link = setup_link(empty.services, empty.url)
    assert link is not None
    page = _open(browser, link)
    _kept(page, "setup-desktop")
    _fill(page, name="anna", password=PASSWORD, again="something else")
    page.click("button")
    page.wait("document.querySelector('[role=alert]') !== null")
    _kept(page, "setup-differ")
    assert page.say("document.getElementById('name').value") == "anna"
    _fill(page, password=PASSWORD, again=PASSWORD)
    page.click("button")
    page.wait("document.querySelector('h1').textContent === 'Overview'")
    assert page.say("document.cookie") == ""

    page.ask("Page.navigate", {"url": f"{empty.url}/logout"})
    page.wait("document.querySelector('h1').textContent === 'Log out'")
    _kept(page, "logout")
    page.click("button")
    page.wait("document.querySelector('h1').textContent === 'Log in'")
    _fill(page, name="anna", password="wrong password")  # noqa: S106
    page.click("button")
    page.wait("document.querySelector('[role=alert]') !== null")
    _kept(page, "login-wrong")
    # whoever mistyped goes on at the password
    page.wait("document.activeElement.id !== ''")  # the browser gives the focus after loading
    assert page.say("document.activeElement.id") == "password"
    _fill(page, password=PASSWORD)
    page.click("button")
    page.wait("document.querySelector('h1').textContent === 'Overview'")
    refused = [one for one in page.problems if "Security Policy" in one]
    assert refused == []


def test_a_stranger_is_led_to_the_login_and_on(browser: Browser, tmp_path: Path) -> None:
    with Served(tmp_path, settings(language="de")) as served:
        page = _open(browser, f"{served.url}/")
        assert page.say("location.pathname") == "/login"
        assert page.say("document.documentElement.lang") in ("en", "de")
        _fill(page, name=MANAGER, password=PASSWORD)
        page.click("button")
        page.wait("document.querySelector('h1').textContent === 'Overview'")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_can_be_read_and_used(
    browser: Browser, served: Served, phone: bool, dark: bool
) -> None:
    name = f"login-{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
    page = _open(browser, f"{served.url}/login", phone=phone, dark=dark)
    page.ask(
        "Network.setCookie",
        {"name": "sentistream-language", "value": "de" if dark else "en", "url": served.url},
    )
    page.ask("Page.reload")
    page.wait(f"document.documentElement.lang === {('de' if dark else 'en')!r}")
    page.wait("document.readyState === 'complete'")
    _kept(page, name)
    # nothing sticks out, each field has its label and room for a finger, the first has the focus
    assert page.say("document.documentElement.scrollWidth <= window.innerWidth")
    fields = "[...document.querySelectorAll('input:not([type=hidden]), button')]"
    assert page.say(f"{fields}.every(one => one.offsetHeight >= 44)")
    assert page.say(f"{fields}.every(one => one.tagName === 'BUTTON' || one.labels.length === 1)")
    page.wait("document.activeElement.id !== ''")  # the browser gives the focus after loading
    assert page.say("document.activeElement.id") == "name"
    for selector in ("label", ".tagline", "button", "h1", ".brand", "input"):
        assert _contrast(page, selector) >= 4.5, selector
    page.ask("Page.navigate", {"url": f"{served.url}/setup/{'A' * 43}"})
    page.wait("document.querySelector('a[href=\"/login\"]') !== null")
    _kept(page, name.replace("login", "gone"))


def _contrast(page: Page, selector: str) -> float:
    """Of the first such element's text on what is behind it (WCAG 2)."""
    colors = page.say(
        "(() => { let e = document.querySelector(" + repr(selector) + ");"
        "const ink = getComputedStyle(e).color; let ground;"
        "do { ground = getComputedStyle(e).backgroundColor; e = e.parentElement; }"
        "while (ground === 'rgba(0, 0, 0, 0)'); return ink + ';' + ground; })()"
    )

    def luminance(color: str) -> float:
        parts = [int(one) / 255 for one in color.strip("rgb() ").split(",")[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    one, other = sorted((luminance(color) for color in str(colors).split(";")), reverse=True)
    return (one + 0.05) / (other + 0.05)


def test_the_documentation_can_be_read(browser: Browser, served: Served) -> None:
    page = _open(browser, f"{served.url}/login", phone=True, dark=True)
    _fill(page, name=MANAGER, password=PASSWORD)
    page.click("button")
    page.wait("location.pathname !== '/login'")
    page.ask("Page.navigate", {"url": f"{served.url}/api/docs"})
    page.wait("document.querySelectorAll('section').length > 30")
    _kept(page, "docs-phone-dark")
    assert page.say("document.documentElement.scrollWidth <= window.innerWidth")
    assert [one for one in page.problems if "Security Policy" in one] == []
