"""Login, logout, the first start, and what ends with a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.served_monitor import MANAGER, PASSWORD, ServedMonitor, hidden_field, settings
from sentistream.monitor.api.app import setup_link


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[ServedMonitor]:
    """No user exists yet."""
    with ServedMonitor(tmp_path, people=False) as served:
        yield served


def _cookie(served: ServedMonitor, **headers: str) -> str:
    with served.anonymous(headers=headers) as client:
        answer = client.post("/login", data={"name": MANAGER, "password": PASSWORD})
    assert answer.status_code == 303
    return str(answer.headers["set-cookie"])


def test_session_cookie_is_restricted_to_this_site(served: ServedMonitor) -> None:
    parts = _cookie(served).split("; ")
    assert parts[0].startswith("sentistream_session=")
    assert set(parts[1:]) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"}


def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    custom_settings = settings(server={"public_url": "https://mood.test", "session_hours": 2})
    with ServedMonitor(tmp_path, custom_settings) as served:
        with served.anonymous() as client:
            answer = client.get("/login", headers={"host": "mood.test"})
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        parts = _cookie(served, origin="https://mood.test", host="mood.test").split("; ")
        assert parts[0].startswith("__Host-sentistream_session=")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=7200"} == set(parts[1:])
        with served.anonymous(headers={"cookie": parts[0]}) as client:
            assert client.get("/api/me").json()["name"] == MANAGER
        # without the prefix, any subdomain could have set it
        with served.anonymous(headers={"cookie": parts[0].removeprefix("__Host-")}) as client:
            assert client.get("/api/me").status_code == 401


def test_unknown_name_gets_the_same_answer(served: ServedMonitor) -> None:
    with served.anonymous() as client:
        wrong = [
            client.post("/login", data={"name": name, "password": "not the password"})
            for name in (MANAGER, "nobody")
        ]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert wrong[0].text.replace(MANAGER, "") == wrong[1].text.replace("nobody", "")
    assert dict(wrong[0].headers).keys() == dict(wrong[1].headers).keys()


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/history?day=mon", "/history?day=mon"),
        ("", "/"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("\\\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("///evil.test", "/"),
        ("history", "/"),
    ],
)
def test_login_redirects_only_to_own_pages(served: ServedMonitor, wanted: str, target: str) -> None:
    with served.anonymous() as client:
        page = client.get("/login", params={"next": wanted})
        assert hidden_field(page.text, "next").replace("&amp;", "&") == target
        form = {"name": MANAGER, "password": PASSWORD, "next": wanted}
        assert client.post("/login", data=form).headers["location"] == target


def test_typed_text_is_escaped_in_the_page(served: ServedMonitor) -> None:
    evil = '"><script>alert(1)</script>'
    with served.anonymous() as client:
        answer = client.post("/login", data={"name": evil, "password": "x", "next": f"/{evil}"})
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "Log in"),
        ({"accept-language": "de-AT,de;q=0.9,en;q=0.8"}, "Anmelden"),
        ({"accept-language": "es,en;q=0.5,de;q=0.7"}, "Anmelden"),
        ({"accept-language": "de;q=0,xx;q=oops"}, "Log in"),
        ({"accept-language": "de", "cookie": "sentistream-language=en"}, "Log in"),
        ({"cookie": "sentistream-language=de"}, "Anmelden"),
        ({"cookie": "sentistream-language=../../etc"}, "Log in"),
    ],
)
def test_login_page_is_translated(
    served: ServedMonitor, headers: dict[str, str], word: str
) -> None:
    with served.anonymous(headers=headers) as client:
        page = client.get("/login").text
    assert f"<button>{word}</button>" in page
    assert f'lang="{"de" if word == "Anmelden" else "en"}"' in page


def test_missing_page_is_reported_in_the_users_language(served: ServedMonitor) -> None:
    with served.browser_client() as client:
        browser = {"accept": "text/html", "accept-language": "de"}
        missing = client.get("/nothing", headers=browser)
        assert missing.status_code == 404
        assert "Diese Seite gibt es nicht" in missing.text
        assert "unsafe" not in missing.headers["content-security-policy"]
        assert 'href="/history"' in missing.text  # with the navigation: it is a way on
        assert client.get("/nothing").json()["status"] == 404
        assert client.get("/api/nothing", headers=browser).json()["status"] == 404


def test_logout_ends_the_session(served: ServedMonitor) -> None:
    with served.browser_client() as client:
        page = client.get("/logout").text
        token = hidden_field(page, "csrf_token")
        del client.headers["x-csrf-token"]
        cookie = client.cookies["sentistream_session"]
        answer = client.post("/logout", data={"csrf_token": token})
        assert answer.headers["location"] == "/login"
        assert 'sentistream_session=""' in answer.headers["set-cookie"]
    with served.anonymous(cookies={"sentistream_session": cookie}) as client:
        assert client.get("/api/me").status_code == 401


def test_first_start_creates_a_manager(
    empty: ServedMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    link = setup_link(empty.services, empty.url + "/")
    assert link is not None
    assert link.startswith(f"{empty.url}/setup/")
    form = {"name": "anna", "password": PASSWORD, "again": PASSWORD}
    with empty.anonymous() as client:
        assert client.get(link).status_code == 200
        unfit = [
            client.post(link, data=form | change)
            for change in (
                {"again": "something else"},
                {"name": "<b>"},
                {"password": "short", "again": "short"},
                {"name": ""},
            )
        ]
        assert [answer.status_code for answer in unfit] == [400] * 4
        assert empty.accounts.users() == []
        foreign = client.post(link, data=form, headers={"origin": "http://evil.test"})
        assert foreign.status_code == 403
        created = client.post(link, data=form, headers={"origin": empty.url})
        assert (created.status_code, created.headers["location"]) == (303, "/")
        assert client.get("/api/me").json()["role"] == "manager"
        assert client.get(link).status_code == 404
        assert client.post(link, data=form | {"name": "mallory"}).status_code == 404
    assert [account.name for account in empty.accounts.users()] == ["anna"]
    assert setup_link(empty.services, empty.url) is None
    secret = link.rpartition("/")[2]
    ours = [one for one in caplog.records if not one.name.startswith("http")]
    assert not any(secret in one.getMessage() for one in ours)


def test_restart_invalidates_the_earlier_setup_link(empty: ServedMonitor) -> None:
    first, second = (setup_link(empty.services, empty.url) for _ in range(2))
    assert first is not None
    assert second is not None
    with empty.anonymous() as client:
        assert client.get(first).status_code == 404
        assert client.get(second).status_code == 200
