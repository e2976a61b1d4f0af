"""Login throttling, sessions over TLS, and what ends with a session."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
import warnings
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.served_monitor import MANAGER, PASSWORD, VIEWER, ServedMonitor, settings
from sentistream.client import Client
from sentistream.monitor.accounts import Role
from waiting import wait_until


def test_wrong_passwords_throttle_an_address(tmp_path: Path) -> None:
    custom_settings = settings(server={"login_attempts": 3})
    with ServedMonitor(tmp_path, custom_settings) as served, served.anonymous() as client:
        form = {"name": "nobody", "password": "wrong password"}
        assert [
            client.post("/login", data=form | {"name": f"n{n}"}).status_code for n in range(4)
        ] == [401, 401, 401, 429]
        blocked = client.post("/login", data={"name": MANAGER, "password": PASSWORD})
        assert blocked.status_code == 429
        assert 1 <= int(blocked.headers["retry-after"]) <= 20
        assert "set-cookie" not in blocked.headers


def test_wrong_passwords_throttle_a_name_from_all_addresses(tmp_path: Path) -> None:
    custom_settings = settings(server={"login_attempts": 3, "public_url": "https://mood.test"})
    with ServedMonitor(tmp_path, custom_settings) as served, served.anonymous() as client:

        def login(name: str, password: str, address: str) -> int:
            form = {"name": name, "password": password}
            # a proxy on this machine reports the client address
            headers = {"x-forwarded-for": address, "host": "mood.test"}
            return client.post("/login", data=form, headers=headers).status_code

        tried = [login(MANAGER, "wrong password", f"192.0.2.{n}") for n in range(4)]
        assert tried == [401, 401, 401, 429]
        assert login(MANAGER.upper(), PASSWORD, "192.0.2.9") == 429
        assert login(VIEWER, PASSWORD, "192.0.2.9") == 303


def test_right_passwords_are_not_counted(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path, settings(server={"login_attempts": 1})) as served:
        for _ in range(3):
            with served.browser_client():
                pass


def test_forwarded_addresses_are_ignored_without_a_proxy(tmp_path: Path) -> None:
    custom_settings = settings(server={"login_attempts": 2})
    with ServedMonitor(tmp_path, custom_settings) as served, served.anonymous() as client:
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


def test_own_password_is_changed(tmp_path: Path) -> None:
    new = "another good password"
    with (
        ServedMonitor(tmp_path) as served,
        served.browser_client() as client,
        served.browser_client() as other,
    ):
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
        with served.browser_client(password=new):
            pass


def test_monitor_serves_tls_itself(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(  # noqa: S603
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    trusting = ssl.create_default_context(cafile=str(certificate))
    custom_settings = settings(server={"tls_certificate": certificate, "tls_key": key})
    with ServedMonitor(tmp_path, custom_settings) as served:
        with served.anonymous(verify=trusting, headers={"origin": served.url}) as client:
            form = {"name": MANAGER, "password": PASSWORD}
            answer = client.post("/login", data=form)
            assert answer.status_code == 303
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert answer.headers["set-cookie"].startswith("__Host-sentistream_session=")
            assert client.get("/api/me").json()["name"] == MANAGER
            token = client.get("/api/me").json()["csrf_token"]
            plain = {"origin": served.url.replace("https", "http"), "x-csrf-token": token}
            assert client.post("/api/cameras/door/restart", headers=plain).status_code == 403
        with Client(served.url, served.token(), tls=trusting) as program:
            assert program.live() == []
            events = program.events()
            threading.Thread(target=lambda: _see(served)).start()
            assert next(events)
            events.close()  # type: ignore[attr-defined]
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(certificate)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with served.anonymous(verify=old) as client, pytest.raises(httpx.ConnectError):
            client.get("/health")


def _see(served: ServedMonitor) -> None:
    wait_until(lambda: served.bus.subscribers)
    served.publish_observation()


@pytest.mark.parametrize("ended", ["logout", "token", "removed", "password", "role"])
def test_websockets_close_with_their_login(tmp_path: Path, ended: str) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client(VIEWER) as client:
        token = served.token(Role.VIEWER)
        headers = {"Authorization": f"Bearer {token}"}
        if ended != "token":
            cookie = client.cookies["sentistream_session"]
            headers = {"Cookie": f"sentistream_session={cookie}", "Origin": served.url}
        with connect(
            f"ws://127.0.0.1:{served.port}/api/events", additional_headers=headers, open_timeout=60
        ) as socket:
            served.publish_observation()
            assert json.loads(socket.recv(60))["kind"] == "health"
            if ended == "logout":
                client.post("/logout")
            elif ended == "token":
                served.accounts.revoke_token(served.accounts.tokens()[0].name)
            elif ended == "role":
                served.accounts.change_user(VIEWER, role=Role.MANAGER)
            elif ended == "removed":
                served.accounts.remove_user(VIEWER)
            else:
                served.accounts.change_user(VIEWER, password="another good one")  # noqa: S106
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    socket.recv(60)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
