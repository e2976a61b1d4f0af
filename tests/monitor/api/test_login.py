"""Logging in and out, the first start, and what ends with a session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.serving import MANAGER, PASSWORD, VIEWER, Served, hidden_field, settings
from sentistream.monitor.accounts import Role
from sentistream.monitor.api.app import setup_link


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    """Nobody can log in yet."""
    with Served(tmp_path, people=False) as served:
        yield served


def _cookie(served: Served, **headers: str) -> str:
    with served.stranger(headers=headers) as client:
        answer = client.post("/login", data={"name": MANAGER, "password": PASSWORD})
    assert answer.status_code == 303
    return str(answer.headers["set-cookie"])


def test_the_cookie_is_for_this_site_alone(served: Served) -> None:
    parts = _cookie(served).split("; ")
    assert parts[0].startswith("sentistream_session=")
    assert set(parts[1:]) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"}


def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    given = settings(server={"public_url": "https://mood.test", "session_hours": 2})
    with Served(tmp_path, given) as served:
        with served.stranger() as client:
            answer = client.get("/login", headers={"host": "mood.test"})
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        parts = _cookie(served, origin="https://mood.test", host="mood.test").split("; ")
        assert parts[0].startswith("__Host-sentistream_session=")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=7200"} == set(parts[1:])
        with served.stranger(headers={"cookie": parts[0]}) as client:
            assert client.get("/api/me").json()["name"] == MANAGER


def test_a_name_that_nobody_has_gets_the_same_answer(served: Served) -> None:
    with served.stranger() as client:
        wrong = [
            client.post("/login", data={"name": name, "password": "not the password"})
            for name in (MANAGER, "nobody")
        ]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert wrong[0].text.replace(MANAGER, "") == wrong[1].text.replace("nobody", "")
    assert dict(wrong[0].headers).keys() == dict(wrong[1].headers).keys()


@pytest.mark.parametrize(
    ("wanted", "led"),
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
def test_the_login_leads_only_to_our_own_pages(served: Served, wanted: str, led: str) -> None:
    with served.stranger() as client:
        page = client.get("/login", params={"next": wanted})
        assert hidden_field(page.text, "next").replace("&amp;", "&") == led
        form = {"name": MANAGER, "password": PASSWORD, "next": wanted}
        assert client.post("/login", data=form).headers["location"] == led


def test_what_was_typed_is_text_in_the_page(served: Served) -> None:
    evil = '"><script>alert(1)</script>'
    with served.stranger() as client:
        answer = client.post("/login", data={"name": evil, "password": "x", "next": f"/{evil}"})
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "Log in"),
        ({"accept-language": "de-AT,de;q=0.9,en;q=0.8"}, "Anmelden"),
        ({"accept-language": "fr,en;q=0.5,de;q=0.7"}, "Anmelden"),
        ({"accept-language": "de;q=0,xx;q=oops"}, "Log in"),
        ({"accept-language": "de", "cookie": "sentistream-language=en"}, "Log in"),
        ({"cookie": "sentistream-language=de"}, "Anmelden"),
        ({"cookie": "sentistream-language=../../etc"}, "Log in"),
    ],
)
def test_languages(served: Served, headers: dict[str, str], word: str) -> None:
    with served.stranger(headers=headers) as client:
        page = client.get("/login").text
    assert f"<button>{word}</button>" in page
    assert f'lang="{"de" if word == "Anmelden" else "en"}"' in page


def test_logging_out(served: Served) -> None:
    with served.person() as client:
        page = client.get("/logout").text
        token = hidden_field(page, "csrf_token")
        del client.headers["x-csrf-token"]
        cookie = client.cookies["sentistream_session"]
        answer = client.post("/logout", data={"csrf_token": token})
        assert answer.headers["location"] == "/login"
        assert 'sentistream_session=""' in answer.headers["set-cookie"]
    with served.stranger(cookies={"sentistream_session": cookie}) as client:
        assert client.get("/api/me").status_code == 401


def test_the_first_start(empty: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    link = setup_link(empty.services, empty.url + "/")
    assert link is not None
    assert link.startswith(f"{empty.url}/setup/")
    form = {"name": "anna", "password": PASSWORD, "again": PASSWORD}
    with empty.stranger() as client:
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
        made = client.post(link, data=form, headers={"origin": empty.url})
        assert (made.status_code, made.headers["location"]) == (303, "/")
        assert client.get("/api/me").json()["role"] == "manager"
        assert client.get(link).status_code == 404
        assert client.post(link, data=form | {"name": "mallory"}).status_code == 404
    assert [account.name for account in empty.accounts.users()] == ["anna"]
    assert setup_link(empty.services, empty.url) is None
    secret = link.rpartition("/")[2]
    ours = [one for one in caplog.records if not one.name.startswith("http")]
    assert not any(secret in one.getMessage() for one in ours)


def test_a_new_start_ends_the_earlier_link(empty: Served) -> None:
    first, second = (setup_link(empty.services, empty.url) for _ in range(2))
    assert first is not None
    assert second is not None
    with empty.stranger() as client:
        assert client.get(first).status_code == 404
        assert client.get(second).status_code == 200


def test_wrong_passwords_make_an_address_wait(tmp_path: Path) -> None:
    given = settings(server={"login_attempts": 3})
    with Served(tmp_path, given) as served, served.stranger() as client:
        form = {"name": "nobody", "password": "wrong password"}
        assert [
            client.post("/login", data=form | {"name": f"n{n}"}).status_code for n in range(4)
        ] == [401, 401, 401, 429]
        blocked = client.post("/login", data={"name": MANAGER, "password": PASSWORD})
        assert blocked.status_code == 429
        assert 1 <= int(blocked.headers["retry-after"]) <= 20
        assert "set-cookie" not in blocked.headers


def test_wrong_passwords_make_a_name_wait_wherever_they_come_from(tmp_path: Path) -> None:
    given = settings(server={"login_attempts": 3, "public_url": "https://mood.test"})
    with Served(tmp_path, given) as served, served.stranger() as client:

        def login(name: str, password: str, address: str) -> int:
            form = {"name": name, "password": password}
            # a proxy on this machine says where requests come from
            headers = {"x-forwarded-for": address, "host": "mood.test"}
            return client.post("/login", data=form, headers=headers).status_code

        tried = [login(MANAGER, "wrong password", f"192.0.2.{n}") for n in range(4)]
        assert tried == [401, 401, 401, 429]
        assert login(MANAGER.upper(), PASSWORD, "192.0.2.9") == 429
        assert login(VIEWER, PASSWORD, "192.0.2.9") == 303


def test_right_passwords_are_not_counted(tmp_path: Path) -> None:
    with Served(tmp_path, settings(server={"login_attempts": 1})) as served:
        for _ in range(3):
            with served.person():
                pass


def test_without_a_proxy_forwarded_addresses_are_not_believed(tmp_path: Path) -> None:
    given = settings(server={"login_attempts": 2})
    with Served(tmp_path, given) as served, served.stranger() as client:
        form = {"name": "nobody", "password": "wrong password"}
        tried = [
            client.post(
                "/login",
                data=form | {"name": f"n{n}"},
                headers={"x-forwarded-for": f"192.0.2.{n}"},
            ).status_code
            for n in range(3)
        ]
    assert tried == [401, 401, 429]


def test_changing_ones_password(tmp_path: Path) -> None:
    new = "another good password"
    with Served(tmp_path) as served, served.person() as client, served.person() as other:
        wrong = client.post("/api/me/password", json={"old": "wrong", "new": new})
        assert wrong.status_code == 403
        assert (
            client.post("/api/me/password", json={"old": PASSWORD, "new": "short"}).status_code
            == 422
        )
        assert other.get("/api/me").status_code == 200
        right = client.post("/api/me/password", json={"old": PASSWORD, "new": new})
        assert right.status_code == 204
        assert client.get("/api/me").status_code == 200
        assert other.get("/api/me").status_code == 401
        with served.person(password=new):
            pass


@pytest.mark.parametrize("ended", ["logout", "token", "removed", "password"])
def test_websockets_end_with_their_login(tmp_path: Path, ended: str) -> None:
    with Served(tmp_path) as served, served.person(VIEWER) as client:
        token = served.token(Role.VIEWER)
        headers = {"Authorization": f"Bearer {token}"}
        if ended != "token":
            cookie = client.cookies["sentistream_session"]
            headers = {"Cookie": f"sentistream_session={cookie}", "Origin": served.url}
        with connect(
            f"ws://127.0.0.1:{served.port}/api/events", additional_headers=headers
        ) as socket:
            served.sees()
            assert json.loads(socket.recv(10))["kind"] == "health"
            if ended == "logout":
                client.post("/logout")
            elif ended == "token":
                served.accounts.revoke_token(served.accounts.tokens()[0].name)
            elif ended == "removed":
                served.accounts.remove_user(VIEWER)
            else:
                served.accounts.set_password(VIEWER, "another good password")
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    socket.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
