"""The login pages in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.served_monitor import MANAGER, PASSWORD, ServedMonitor, settings
from browser_pages import PageOpener, wait_for
from sentistream.monitor.api.app import setup_link

SHOTS = os.environ.get("SENTISTREAM_SHOTS", "")
"""A folder for screenshots of the pages, to inspect."""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[ServedMonitor]:
    with ServedMonitor(tmp_path, people=False) as served:
        yield served


def _open(
    open_page: PageOpener,
    url: str,
    *,
    phone: bool = False,
    dark: bool = False,
    language: str | None = None,
) -> Page:
    """Without scripts, which these pages do not need."""
    size = (360, 640) if phone else (1280, 800)
    cookies = {"sentistream-language": language} if language else None
    return open_page(url, size=size, dark=dark, script=False, cookies=cookies)


def _fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.evaluate(f"document.getElementById({name!r}).value = {value!r}")


def _kept(page: Page, name: str) -> None:
    if SHOTS:
        (Path(SHOTS) / f"{name}.png").write_bytes(page.screenshot())


def test_first_start_login_and_logout_work(open_page: PageOpener, empty: ServedMonitor) -> None:
    link = setup_link(empty.services, empty.url)
    assert link is not None
    page = _open(open_page, link)
    _kept(page, "setup-desktop")
    _fill(page, name="anna", password=PASSWORD, again="something else")
    page.click("button")
    expect(page.locator("[role=alert]").first).to_be_attached()
    _kept(page, "setup-differ")
    assert page.evaluate("document.getElementById('name').value") == "anna"
    _fill(page, password=PASSWORD, again=PASSWORD)
    page.click("button")
    expect(page.locator("h1")).to_have_text("Overview")
    assert page.evaluate("document.cookie") == ""

    page.goto(f"{empty.url}/logout")
    expect(page.locator("h1")).to_have_text("Log out")
    _kept(page, "logout")
    page.click("button")
    expect(page.locator("h1")).to_have_text("Log in")
    _fill(page, name="anna", password="wrong password")  # noqa: S106
    page.click("button")
    expect(page.locator("[role=alert]").first).to_be_attached()
    _kept(page, "login-wrong")
    # after a typing error the password gets the focus
    wait_for(page, "document.activeElement.id !== ''")  # the browser sets the focus after loading
    assert page.evaluate("document.activeElement.id") == "password"
    _fill(page, password=PASSWORD)
    page.click("button")
    expect(page.locator("h1")).to_have_text("Overview")
    refused = [one for one in open_page.log(page).problems if "Security Policy" in one]
    assert refused == []


def test_anonymous_user_is_redirected_to_login_and_back(
    open_page: PageOpener, tmp_path: Path
) -> None:
    with ServedMonitor(tmp_path, settings(language="de")) as served:
        page = _open(open_page, f"{served.url}/")
        assert page.evaluate("location.pathname") == "/login"
        assert page.evaluate("document.documentElement.lang") in ("en", "de")
        _fill(page, name=MANAGER, password=PASSWORD)
        page.click("button")
        expect(page.locator("h1")).to_have_text("Overview")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_readable_and_usable(
    open_page: PageOpener, served: ServedMonitor, phone: bool, dark: bool
) -> None:
    name = f"login-{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
    language = "de" if dark else "en"
    page = _open(open_page, f"{served.url}/login", phone=phone, dark=dark, language=language)
    assert page.evaluate("document.documentElement.lang") == language
    _kept(page, name)
    # nothing overflows, each field has a label and a touch target, the first has the focus
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    fields = "[...document.querySelectorAll('input:not([type=hidden]), button')]"
    assert page.evaluate(f"{fields}.every(one => one.offsetHeight >= 44)")
    assert page.evaluate(
        f"{fields}.every(one => one.tagName === 'BUTTON' || one.labels.length === 1)"
    )
    wait_for(page, "document.activeElement.id !== ''")  # the browser sets the focus after loading
    assert page.evaluate("document.activeElement.id") == "name"
    for selector in ("label", ".tagline", "button", "h1", ".brand", "input"):
        assert _contrast(page, selector) >= 4.5, selector
    page.goto(f"{served.url}/setup/{'A' * 43}")
    wait_for(page, "document.querySelector('a[href=\"/login\"]') !== null")
    _kept(page, name.replace("login", "gone"))


def _contrast(page: Page, selector: str) -> float:
    """Contrast of the first such element's text with its background (WCAG 2)."""
    colors = page.evaluate(
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


def test_api_documentation_is_readable(open_page: PageOpener, served: ServedMonitor) -> None:
    page = _open(open_page, f"{served.url}/login", phone=True, dark=True)
    _fill(page, name=MANAGER, password=PASSWORD)
    page.click("button")
    wait_for(page, "location.pathname !== '/login'")
    page.goto(f"{served.url}/api/docs")
    wait_for(page, "document.querySelectorAll('section').length > 30")
    _kept(page, "docs-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [one for one in open_page.log(page).problems if "Security Policy" in one] == []
