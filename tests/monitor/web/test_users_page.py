"""Users, tokens and one's own account in a real browser, on the real login and database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api.serving import MANAGER, PASSWORD, VIEWER, Served, wait_for
from argon2 import PasswordHasher

from browser import Browser, Page
from sentistream.monitor.accounts import Role, passwords
from sentistream.monitor.translation import translator
from web.accessibility import faults

LONG_NAME = "maximilian.mustermann@ein-sehr-langer-name-ohne-pause.example"
BAD_NAME = (
    "This name is not valid: letters a to z, digits and . _ @ - are allowed, without spaces, "
    "and a letter or a digit comes first."
)
BAD_PASSWORD = "A password has 10 to 256 characters."  # noqa: S105
EASY = "This is too easy to guess. Use a few words that do not belong together."
NEW_PASSWORD = "staple battery horse"  # noqa: S105


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The page behind the real login; passwords are hashed with less labour than in life."""
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(1, 1024, 1))
    made = Served(tmp_path)
    with made:
        yield made


def log_in(
    browser: Browser,
    served: Served,
    name: str = MANAGER,
    password: str = PASSWORD,
    *,
    path: str = "/",
    language: str = "en",
    size: tuple[int, int] | None = None,
    dark: bool = False,
) -> Page:
    """Somebody logs in, in a browser of their own."""
    cookies = {"sentistream-language": language}
    page = browser.open(
        f"{served.url}/login?next={path}", cookies=cookies, size=size, dark=dark, alone=True
    )
    page.wait("document.querySelector('#password')")
    page.type("#name", name)
    page.type("#password", password)
    page.press("Enter")
    page.wait(f"location.pathname === '{path}' && document.readyState === 'complete'")
    return page


def of_users(name: str) -> str:
    return f'[data-kind=users] [data-of="{name}"]'


def there(page: Page, selector: str) -> None:
    page.wait(f"document.querySelector({selector!r})")


def gone(page: Page, selector: str) -> None:
    page.wait(f"!document.querySelector({selector!r})")


def tab_to(page: Page, selector: str) -> None:
    """With the keyboard alone."""
    for _ in range(80):
        page.press("Tab")
        if page.say(f"document.activeElement.matches({selector!r})"):
            assert page.say("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"The keyboard does not reach {selector}.")


def write(page: Page, text: str) -> None:
    page.ask("Input.insertText", {"text": text})


def test_a_manager_makes_a_viewer_who_sees_no_managers_page(browser: Browser, real: Served) -> None:
    manager = log_in(browser, real, path="/settings/people")
    there(manager, of_users(MANAGER))
    manager.type("#user-name", "carl")
    manager.type("#user-password", PASSWORD)
    manager.click("[data-kind=users] form .primary")
    there(manager, of_users("carl"))
    manager.wait(
        "document.querySelector('[data-kind=users] form .status-message').innerText === 'Saved.'"
    )
    # what was typed does not stay, and the next may be added at once
    assert manager.say("document.querySelector('#user-password').value") == ""
    assert manager.say("document.activeElement.id") == "user-name"
    assert manager.say(f"document.querySelector('{of_users('carl')} select').value") == "viewer"

    viewer = log_in(browser, real, "carl")
    links = viewer.say("[...document.querySelectorAll('a')].map(e => e.getAttribute('href'))")
    assert "/account" in links
    assert [link for link in links if link.startswith("/settings")] == []
    for path in ("/settings", "/settings/people", "/settings/server", "/settings/cameras/new"):
        viewer.go(real.url + path)
        assert viewer.text("h1") == "For managers only"
        assert "change settings" in viewer.text("main")
    viewer.go(f"{real.url}/alerts")
    assert not viewer.say("Boolean(document.querySelector('main form'))")
    assert viewer.say("fetch('/api/users').then(a => a.status)") == 403
    assert manager.problems == []
    manager.close()
    viewer.close()


def test_a_manager_gives_somebody_a_new_password(browser: Browser, real: Served) -> None:
    manager = log_in(browser, real, path="/settings/people")
    there(manager, of_users(VIEWER))
    assert not manager.say(f"document.querySelector('{of_users(MANAGER)} [aria-expanded]')")
    opener = f"{of_users(VIEWER)} [aria-expanded]"
    with real.person(VIEWER) as elsewhere:
        manager.click(opener)
        assert manager.say("document.activeElement.id") == "renewed"
        manager.type("#renewed", "short")
        manager.press("Enter")
        there(manager, ".row-form .error")
        assert "10 to 256" in manager.text(".row-form .error")
        manager.say("document.querySelector('#renewed').value = ''")
        manager.type("#renewed", NEW_PASSWORD)
        manager.press("Enter")
        gone(manager, ".row-form")
        manager.wait(
            "document.querySelector('[data-kind=users] > .status-message').innerText === 'Saved.'"
        )
        assert manager.say(f"document.activeElement.matches({opener!r})")
        assert elsewhere.get("/api/me").status_code == 401
    log_in(browser, real, VIEWER, NEW_PASSWORD).close()
    # opened and closed again
    manager.click(opener)
    there(manager, ".row-form")
    manager.click(opener)
    gone(manager, ".row-form")
    manager.close()


def test_a_changed_password_ends_all_other_sessions(browser: Browser, real: Served) -> None:
    with real.person(VIEWER) as elsewhere:
        page = log_in(browser, real, VIEWER, path="/account")
        assert "You are vera, a viewer." in page.text("main")
        page.type("#old", PASSWORD)
        page.type("#new", NEW_PASSWORD)
        page.type("#again", NEW_PASSWORD)
        page.press("Enter")
        page.wait("document.querySelector('.status-message').innerText.startsWith('Changed.')")
        assert page.say("[...document.querySelectorAll('[type=password]')].every(e => !e.value)")
        assert elsewhere.get("/api/me").status_code == 401
        # this one goes on
        page.go(f"{real.url}/history")
        assert page.say("location.pathname") == "/history"
    again = log_in(browser, real, VIEWER, NEW_PASSWORD)
    with real.stranger(headers={"origin": real.url}) as old:
        assert old.post("/login", data={"name": VIEWER, "password": PASSWORD}).status_code != 303
    page.close()
    again.close()


def test_a_token_is_shown_once_works_and_is_revoked(browser: Browser, real: Served) -> None:
    page = log_in(browser, real, path="/settings/people")
    page.wait(
        "document.querySelector('[data-kind=tokens]').innerText.includes('There are no tokens')"
    )
    page.type("#token-name", "home-assistant")
    page.click("[data-kind=tokens] form .primary")
    there(page, '[data-of="home-assistant"]')
    page.wait("!document.querySelector('[data-token]').hidden")
    assert page.say("document.activeElement.matches('[data-token]')")
    assert "not shown again" in page.text("[data-token]")
    token = page.text("[data-token] code")
    assert "viewer, created by anna" in page.text('[data-of="home-assistant"]')

    asks = httpx.Client(base_url=real.url, headers={"authorization": f"Bearer {token}"}, timeout=30)
    with asks:
        assert asks.get("/api/cameras").status_code == 200
        page.go(f"{real.url}/settings/people")
        there(page, '[data-of="home-assistant"] button')
        assert token not in page.say("document.documentElement.outerHTML")
        page.click('[data-of="home-assistant"] button')
        gone(page, '[data-of="home-assistant"]')
        assert page.questions == [
            "Revoke home-assistant? Programs that use it are refused at once."
        ]
        assert asks.get("/api/cameras").status_code == 401
    page.close()


def test_who_is_removed_is_out_at_once(browser: Browser, real: Served) -> None:
    vera = log_in(browser, real, VIEWER, path="/live")
    vera.wait("document.querySelector('.connection').hidden")
    manager = log_in(browser, real, path="/settings/people")
    there(manager, of_users(VIEWER))
    manager.click(f"{of_users(VIEWER)} [aria-label^=Remove]")
    gone(manager, of_users(VIEWER))
    assert manager.questions == ["Remove vera? All of vera\u2019s sessions and tokens end."]
    assert manager.text("[data-kind=users] > .status-message") == "Saved."
    manager.wait("document.activeElement.matches('[data-kind=users] > .status-message')")
    # her open page says so, and no other lets her in
    vera.wait("document.querySelector('.connection').innerText.includes('session has expired')")
    vera.go(f"{real.url}/history")
    assert vera.say("location.pathname") == "/login"
    manager.close()
    vera.close()


def test_the_last_manager_stays_and_others_may_go(browser: Browser, real: Served) -> None:
    page = log_in(browser, real, path="/settings/people")
    there(page, of_users(MANAGER))
    page.click(f"{of_users(MANAGER)} button")
    page.wait(
        "document.querySelector('[data-kind=users] > .status-message').innerText.includes('nobody')"
    )
    assert page.say("document.activeElement.matches('[data-kind=users] > .status-message')")
    role = f"{of_users(VIEWER)} select"
    page.say(
        f"(e => {{ e.focus(); e.value = 'manager'; e.dispatchEvent(new Event('change')); }})"
        f"(document.querySelector('{role}'))"
    )
    wait_for(lambda: {each.role for each in real.accounts.users()} == {Role.MANAGER})
    page.wait(f"document.querySelector('{role}').value === 'manager'")
    # the list was made anew, and the keyboard is where it was
    page.wait(f"document.activeElement === document.querySelector('{role}')")
    # who steps down is asked, and finds a page that is open to viewers
    page.say(
        "(e => { e.value = 'viewer'; e.dispatchEvent(new Event('change')); })"
        f"(document.querySelector('{of_users(MANAGER)} select'))"
    )
    page.wait("location.pathname === '/account'")
    assert "You are anna, a viewer." in page.text("main")
    page.close()


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_wrong_is_said_beside_its_field(
    browser: Browser, real: Served, language: str
) -> None:
    say = translator(language)
    page = log_in(browser, real, path="/settings/people", language=language)
    there(page, of_users(MANAGER))

    def wrong(form: str, field: str, message: str) -> None:
        page.click(f"{form} .primary")
        page.wait(f"document.querySelector('#{field}-error')?.innerText === {message!r}")
        assert page.say("document.activeElement.id") == field
        described = page.say("document.activeElement.getAttribute('aria-describedby')")
        assert described.split()[0] == f"{field}-error"
        assert page.say("document.querySelectorAll('.error').length") == 1

    users, tokens = "[data-kind=users] form", "[data-kind=tokens] form"
    page.type("#user-password", PASSWORD)
    wrong(
        users,
        "user-name",
        say.gettext(BAD_NAME),
    )
    page.type("#user-name", "Jörg Müller")
    wrong(
        users,
        "user-name",
        say.gettext(BAD_NAME),
    )
    page.type("#user-name", VIEWER.upper())
    wrong(users, "user-name", say.gettext("This name is taken."))
    page.type("#user-name", "carl")
    page.type("#user-password", "too short")
    wrong(users, "user-password", say.gettext(BAD_PASSWORD))
    page.type("#user-password", "aaaaaaaaaaaa")
    wrong(
        users,
        "user-password",
        say.gettext(EASY),
    )
    page.type("#user-password", PASSWORD)
    page.click(f"{users} .primary")
    there(page, of_users("carl"))
    gone(page, ".error")
    page.type("#token-name", "Home Assistant")
    wrong(
        tokens,
        "token-name",
        say.gettext(BAD_NAME),
    )
    assert faults(page) == []

    page.go(f"{real.url}/account")
    page.type("#old", PASSWORD)
    page.type("#new", NEW_PASSWORD)
    page.type("#again", "something else")
    wrong("form[data-password]", "again", say.gettext("The two new passwords differ."))
    page.type("#again", NEW_PASSWORD)
    page.type("#old", "not the password")
    wrong("form[data-password]", "old", say.gettext("The current password is wrong."))
    page.type("#old", PASSWORD)
    for password, message in (
        ("short", BAD_PASSWORD),
        ("annaannaanna", EASY),
    ):
        page.type("#new", password)
        page.type("#again", password)
        wrong("form[data-password]", "new", say.gettext(message))
    assert faults(page) == []
    # nothing of it came to be
    assert real.accounts.login(MANAGER, PASSWORD, 1.0) is not None
    page.close()


def test_who_logs_in_again_elsewhere_goes_on_here(browser: Browser, real: Served) -> None:
    page = log_in(browser, real, path="/account")
    page.type("#old", PASSWORD)
    page.type("#new", NEW_PASSWORD)
    page.type("#again", NEW_PASSWORD)
    cookies = page.ask("Network.getCookies")["cookies"]
    page.ask("Network.clearBrowserCookies")
    page.click(".primary")
    page.wait(
        "document.querySelector('.status-message').innerText.includes('Your session has expired')"
    )
    with real.person() as again:
        (session,) = [each for each in cookies if each["name"] in again.cookies]
        page.ask(
            "Network.setCookie",
            {"name": session["name"], "value": again.cookies[session["name"]], "url": real.url},
        )
        page.click(".primary")
        page.wait("document.querySelector('.status-message').innerText.startsWith('Changed.')")
    page.close()


def test_the_keyboard_alone_will_do(browser: Browser, real: Served) -> None:
    page = log_in(browser, real, path="/settings/people")
    there(page, of_users(VIEWER))
    tab_to(page, "#user-name")
    write(page, "carl")
    tab_to(page, "#user-password")
    write(page, PASSWORD)
    tab_to(page, "[data-kind=users] form .primary")
    page.press("Enter")
    there(page, of_users("carl"))
    tab_to(page, "#token-name")
    write(page, "till")
    page.press("Enter")
    page.wait("document.activeElement.matches('[data-token]')")
    tab_to(page, "[data-token] button")
    page.say("document.querySelector('.skip-link').focus()")
    tab_to(page, f"{of_users('carl')} [aria-label^=Remove]")
    assert page.say("document.activeElement.getAttribute('aria-label')") == "Remove carl"
    page.press("Enter")
    gone(page, of_users("carl"))
    page.wait("document.activeElement.matches('.status-message')")
    tab_to(page, '[data-of="till"] button')
    page.press("Enter")
    gone(page, '[data-of="till"]')
    assert page.say("document.querySelector('[data-token]').hidden")
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_all_of_it(browser: Browser, real: Served, dark: bool) -> None:
    real.accounts.add_user(LONG_NAME, PASSWORD, Role.VIEWER)
    real.accounts.make_token(LONG_NAME, Role.MANAGER, maker=LONG_NAME)
    options = {"language": "de" if dark else "en", "size": (360, 740), "dark": dark}
    page = log_in(browser, real, path="/settings/people", **options)  # type: ignore[arg-type]
    there(page, of_users(LONG_NAME))
    page.type("#token-name", "till")
    page.click("[data-kind=tokens] form .primary")
    page.wait("!document.querySelector('[data-token]').hidden")
    for path in ("/settings/people", "/account"):
        if path == "/account":
            page.go(real.url + path)
        assert page.say("[document.documentElement.scrollWidth, innerWidth]") == [360, 360], path
        assert faults(page) == []
    page.close()
