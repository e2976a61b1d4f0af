"""Users, tokens and the own account in a real browser, with the real login and database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api.served_monitor import MANAGER, PASSWORD, VIEWER, ServedMonitor
from argon2 import PasswordHasher
from playwright.sync_api import Page, expect

from browser_pages import PageOpener, wait_for
from sentistream.monitor.accounts import Role, passwords
from sentistream.monitor.translation import translator
from waiting import wait_until
from web.accessibility import accessibility_violations

LONG_NAME = "maximilian.mustermann@ein-sehr-langer-name-ohne-pause.example"
BAD_NAME = (
    "This name is not valid: letters a to z, digits and . _ @ - are allowed, without spaces, "
    "and a letter or a digit comes first."
)
BAD_PASSWORD = "A password has 10 to 256 characters."  # noqa: S105
EASY = "This is too easy to guess. Use a few words that do not belong together."
NEW_PASSWORD = "staple battery horse"  # noqa: S105


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedMonitor]:
    """The page behind the real login, with cheap password hashes."""
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(1, 1024, 1))
    monitor = ServedMonitor(tmp_path)
    with monitor:
        yield monitor


def log_in(
    open_page: PageOpener,
    served: ServedMonitor,
    name: str = MANAGER,
    password: str = PASSWORD,
    *,
    path: str = "/",
    language: str = "en",
    size: tuple[int, int] = (1280, 800),
    dark: bool = False,
) -> Page:
    """Log in, in a new browser profile."""
    cookies = {"sentistream-language": language}
    page = open_page(f"{served.url}/login?next={path}", cookies=cookies, size=size, dark=dark)
    expect(page.locator("#password").first).to_be_attached()
    page.fill("#name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    wait_for(page, f"location.pathname === '{path}' && document.readyState === 'complete'")
    return page


def of_users(name: str) -> str:
    return f'[data-kind=users] [data-of="{name}"]'


def expect_present(page: Page, selector: str) -> None:
    wait_for(page, f"document.querySelector({selector!r})")


def expect_absent(page: Page, selector: str) -> None:
    wait_for(page, f"!document.querySelector({selector!r})")


def tab_to(page: Page, selector: str) -> None:
    """By keyboard only."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"The keyboard does not reach {selector}.")


def write(page: Page, text: str) -> None:
    page.keyboard.insert_text(text)


def test_manager_creates_a_viewer_who_sees_no_manager_page(
    open_page: PageOpener, real: ServedMonitor
) -> None:
    manager = log_in(open_page, real, path="/settings/people")
    expect_present(manager, of_users(MANAGER))
    manager.fill("#user-name", "carl")
    manager.fill("#user-password", PASSWORD)
    manager.click("[data-kind=users] form .primary")
    expect_present(manager, of_users("carl"))
    expect(manager.locator("[data-kind=users] form .status-message")).to_have_text("Saved.")
    # the typed values are cleared, and the next user may be added at once
    assert manager.evaluate("document.querySelector('#user-password').value") == ""
    assert manager.evaluate("document.activeElement.id") == "user-name"
    assert (
        manager.evaluate(f"document.querySelector('{of_users('carl')} select').value") == "viewer"
    )

    viewer = log_in(open_page, real, "carl")
    links = viewer.evaluate("[...document.querySelectorAll('a')].map(e => e.getAttribute('href'))")
    assert "/account" in links
    assert [link for link in links if link.startswith("/settings")] == []
    for path in ("/settings", "/settings/people", "/settings/server", "/settings/cameras/new"):
        viewer.goto(real.url + path)
        assert viewer.inner_text("h1") == "For managers only"
        assert "change settings" in viewer.inner_text("main")
    viewer.goto(f"{real.url}/alerts")
    assert not viewer.evaluate("Boolean(document.querySelector('main form'))")
    assert viewer.evaluate("fetch('/api/users').then(a => a.status)") == 403
    assert open_page.log(manager).problems == []


def test_manager_resets_a_password(open_page: PageOpener, real: ServedMonitor) -> None:
    manager = log_in(open_page, real, path="/settings/people")
    expect_present(manager, of_users(VIEWER))
    assert not manager.evaluate(f"document.querySelector('{of_users(MANAGER)} [aria-expanded]')")
    opener = f"{of_users(VIEWER)} [aria-expanded]"
    with real.browser_client(VIEWER) as elsewhere:
        manager.click(opener)
        assert manager.evaluate("document.activeElement.id") == "renewed"
        manager.fill("#renewed", "short")
        manager.keyboard.press("Enter")
        expect_present(manager, ".row-form .error")
        assert "10 to 256" in manager.inner_text(".row-form .error")
        manager.evaluate("document.querySelector('#renewed').value = ''")
        manager.fill("#renewed", NEW_PASSWORD)
        manager.keyboard.press("Enter")
        expect_absent(manager, ".row-form")
        expect(manager.locator("[data-kind=users] > .status-message")).to_have_text("Saved.")
        assert manager.evaluate(f"document.activeElement.matches({opener!r})")
        assert elsewhere.get("/api/me").status_code == 401
    log_in(open_page, real, VIEWER, NEW_PASSWORD).close()
    # opened and closed again
    manager.click(opener)
    expect_present(manager, ".row-form")
    manager.click(opener)
    expect_absent(manager, ".row-form")


def test_changed_password_ends_all_other_sessions(
    open_page: PageOpener, real: ServedMonitor
) -> None:
    with real.browser_client(VIEWER) as elsewhere:
        page = log_in(open_page, real, VIEWER, path="/account")
        assert "You are vera, a viewer." in page.inner_text("main")
        page.fill("#old", PASSWORD)
        page.fill("#new", NEW_PASSWORD)
        page.fill("#again", NEW_PASSWORD)
        page.keyboard.press("Enter")
        wait_for(page, "document.querySelector('.status-message').innerText.startsWith('Changed.')")
        assert page.evaluate(
            "[...document.querySelectorAll('[type=password]')].every(e => !e.value)"
        )
        assert elsewhere.get("/api/me").status_code == 401
        # the current one continues
        page.goto(f"{real.url}/history")
        assert page.evaluate("location.pathname") == "/history"
    again = log_in(open_page, real, VIEWER, NEW_PASSWORD)
    with real.anonymous(headers={"origin": real.url}) as old:
        assert old.post("/login", data={"name": VIEWER, "password": PASSWORD}).status_code != 303
    again.close()


def test_token_is_shown_once_works_and_is_revoked(
    open_page: PageOpener, real: ServedMonitor
) -> None:
    page = log_in(open_page, real, path="/settings/people")
    expect(page.locator("[data-kind=tokens]")).to_contain_text("There are no tokens")
    page.fill("#token-name", "home-assistant")
    page.click("[data-kind=tokens] form .primary")
    expect_present(page, '[data-of="home-assistant"]')
    expect(page.locator("[data-token]")).to_be_visible()
    assert page.evaluate("document.activeElement.matches('[data-token]')")
    assert "not shown again" in page.inner_text("[data-token]")
    token = page.inner_text("[data-token] code")
    assert "viewer, created by anna" in page.inner_text('[data-of="home-assistant"]')

    api_client = httpx.Client(
        base_url=real.url, headers={"authorization": f"Bearer {token}"}, timeout=30
    )
    with api_client:
        assert api_client.get("/api/cameras").status_code == 200
        page.goto(f"{real.url}/settings/people")
        expect_present(page, '[data-of="home-assistant"] button')
        assert token not in page.evaluate("document.documentElement.outerHTML")
        page.click('[data-of="home-assistant"] button')
        expect_absent(page, '[data-of="home-assistant"]')
        assert open_page.log(page).dialogs == [
            "Revoke home-assistant? Programs that use it are refused at once."
        ]
        assert api_client.get("/api/cameras").status_code == 401


def test_removed_user_is_logged_out_at_once(open_page: PageOpener, real: ServedMonitor) -> None:
    vera = log_in(open_page, real, VIEWER, path="/live")
    expect(vera.locator(".connection")).to_be_hidden()
    manager = log_in(open_page, real, path="/settings/people")
    expect_present(manager, of_users(VIEWER))
    manager.click(f"{of_users(VIEWER)} [aria-label^=Remove]")
    expect_absent(manager, of_users(VIEWER))
    assert open_page.log(manager).dialogs == [
        "Remove vera? All of vera\u2019s sessions and tokens end."
    ]
    assert manager.inner_text("[data-kind=users] > .status-message") == "Saved."
    wait_for(manager, "document.activeElement.matches('[data-kind=users] > .status-message')")
    # the open page shows it, and every other page is denied
    expect(vera.locator(".connection")).to_contain_text("session has expired")
    vera.goto(f"{real.url}/history")
    assert vera.evaluate("location.pathname") == "/login"


def test_last_manager_cannot_be_removed_but_others_can(
    open_page: PageOpener, real: ServedMonitor
) -> None:
    page = log_in(open_page, real, path="/settings/people")
    expect_present(page, of_users(MANAGER))
    page.click(f"{of_users(MANAGER)} button")
    expect(page.locator("[data-kind=users] > .status-message")).to_contain_text("nobody")
    assert page.evaluate("document.activeElement.matches('[data-kind=users] > .status-message')")
    role = f"{of_users(VIEWER)} select"
    page.evaluate(
        f"(e => {{ e.focus(); e.value = 'manager'; e.dispatchEvent(new Event('change')); }})"
        f"(document.querySelector('{role}'))"
    )
    wait_until(lambda: {each.role for each in real.accounts.users()} == {Role.MANAGER})
    wait_for(page, f"document.querySelector('{role}').value === 'manager'")
    # the list was rendered again, and the keyboard focus is where it was
    wait_for(page, f"document.activeElement === document.querySelector('{role}')")
    # a manager who steps down confirms it, and is sent to a page open to viewers
    page.evaluate(
        "(e => { e.value = 'viewer'; e.dispatchEvent(new Event('change')); })"
        f"(document.querySelector('{of_users(MANAGER)} select'))"
    )
    wait_for(page, "location.pathname === '/account'")
    assert "You are anna, a viewer." in page.inner_text("main")


@pytest.mark.parametrize("language", ["en", "de"])
def test_error_is_shown_at_its_field(
    open_page: PageOpener, real: ServedMonitor, language: str
) -> None:
    say = translator(language)
    page = log_in(open_page, real, path="/settings/people", language=language)
    expect_present(page, of_users(MANAGER))

    def wrong(form: str, field: str, message: str) -> None:
        page.click(f"{form} .primary")
        wait_for(page, f"document.querySelector('#{field}-error')?.innerText === {message!r}")
        assert page.evaluate("document.activeElement.id") == field
        described = page.evaluate("document.activeElement.getAttribute('aria-describedby')")
        assert described.split()[0] == f"{field}-error"
        assert page.evaluate("document.querySelectorAll('.error').length") == 1

    users, tokens = "[data-kind=users] form", "[data-kind=tokens] form"
    page.fill("#user-password", PASSWORD)
    wrong(
        users,
        "user-name",
        say.gettext(BAD_NAME),
    )
    page.fill("#user-name", "Jörg Müller")
    wrong(
        users,
        "user-name",
        say.gettext(BAD_NAME),
    )
    page.fill("#user-name", VIEWER.upper())
    wrong(users, "user-name", say.gettext("This name is taken."))
    page.fill("#user-name", "carl")
    page.fill("#user-password", "too short")
    wrong(users, "user-password", say.gettext(BAD_PASSWORD))
    page.fill("#user-password", "aaaaaaaaaaaa")
    wrong(
        users,
        "user-password",
        say.gettext(EASY),
    )
    page.fill("#user-password", PASSWORD)
    page.click(f"{users} .primary")
    expect_present(page, of_users("carl"))
    expect_absent(page, ".error")
    page.fill("#token-name", "Home Assistant")
    wrong(
        tokens,
        "token-name",
        say.gettext(BAD_NAME),
    )
    assert accessibility_violations(page) == []

    page.goto(f"{real.url}/account")
    page.fill("#old", PASSWORD)
    page.fill("#new", NEW_PASSWORD)
    page.fill("#again", "something else")
    wrong("form[data-password]", "again", say.gettext("The two new passwords differ."))
    page.fill("#again", NEW_PASSWORD)
    page.fill("#old", "not the password")
    wrong("form[data-password]", "old", say.gettext("The current password is wrong."))
    page.fill("#old", PASSWORD)
    for password, message in (
        ("short", BAD_PASSWORD),
        ("annaannaanna", EASY),
    ):
        page.fill("#new", password)
        page.fill("#again", password)
        wrong("form[data-password]", "new", say.gettext(message))
    assert accessibility_violations(page) == []
    # no change was made
    assert real.accounts.login(MANAGER, PASSWORD, 1.0) is not None


def test_form_continues_after_logging_in_again_elsewhere(
    open_page: PageOpener, real: ServedMonitor
) -> None:
    page = log_in(open_page, real, path="/account")
    page.fill("#old", PASSWORD)
    page.fill("#new", NEW_PASSWORD)
    page.fill("#again", NEW_PASSWORD)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.click(".primary")
    expect(page.locator(".status-message")).to_contain_text("Your session has expired")
    with real.browser_client() as again:
        (session,) = [each for each in cookies if each["name"] in again.cookies]
        value = again.cookies[session["name"]]
        page.context.add_cookies([{"name": session["name"], "value": value, "url": real.url}])
        page.click(".primary")
        wait_for(page, "document.querySelector('.status-message').innerText.startsWith('Changed.')")


def test_keyboard_alone_is_sufficient(open_page: PageOpener, real: ServedMonitor) -> None:
    page = log_in(open_page, real, path="/settings/people")
    expect_present(page, of_users(VIEWER))
    tab_to(page, "#user-name")
    write(page, "carl")
    tab_to(page, "#user-password")
    write(page, PASSWORD)
    tab_to(page, "[data-kind=users] form .primary")
    page.keyboard.press("Enter")
    expect_present(page, of_users("carl"))
    tab_to(page, "#token-name")
    write(page, "till")
    page.keyboard.press("Enter")
    wait_for(page, "document.activeElement.matches('[data-token]')")
    tab_to(page, "[data-token] button")
    page.evaluate("document.querySelector('.skip-link').focus()")
    tab_to(page, f"{of_users('carl')} [aria-label^=Remove]")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove carl"
    page.keyboard.press("Enter")
    expect_absent(page, of_users("carl"))
    wait_for(page, "document.activeElement.matches('.status-message')")
    tab_to(page, '[data-of="till"] button')
    page.keyboard.press("Enter")
    expect_absent(page, '[data-of="till"]')
    assert page.evaluate("document.querySelector('[data-token]').hidden")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_phone_shows_everything(open_page: PageOpener, real: ServedMonitor, dark: bool) -> None:
    real.accounts.add_user(LONG_NAME, PASSWORD, Role.VIEWER)
    real.accounts.make_token(LONG_NAME, Role.MANAGER, maker=LONG_NAME)
    options = {"language": "de" if dark else "en", "size": (360, 740), "dark": dark}
    page = log_in(open_page, real, path="/settings/people", **options)  # type: ignore[arg-type]
    expect_present(page, of_users(LONG_NAME))
    page.fill("#token-name", "till")
    page.click("[data-kind=tokens] form .primary")
    expect(page.locator("[data-token]")).to_be_visible()
    for path in ("/settings/people", "/account"):
        if path == "/account":
            page.goto(real.url + path)
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360], (
            path
        )
        assert accessibility_violations(page) == []
