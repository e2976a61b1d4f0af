"""Requests that are too many, too large, too slow, malformed, or for another host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.served_monitor import MANAGER, PASSWORD, ServedMonitor, settings
from sentistream.monitor.api.security import RateLimiter, body_limit
from sentistream.monitor.api.security.rate_limit import client_address


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    custom_settings = settings(
        server={"upload_kilobytes": 4, "public_url": "https://mood.test:8443"}
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        ServedMonitor(tmp_path_factory.mktemp("small"), custom_settings) as served,
    ):
        patch.setattr(body_limit, "BODY_TIMEOUT", 0.5)
        yield served


def _sent(served: ServedMonitor, *pieces: bytes, timeout: float = 20.0) -> bytes:
    """The server's response to raw bytes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout) as line:
        for piece in pieces:
            line.sendall(piece)
        response = b""
        try:
            while block := line.recv(65_536):
                response += block
                head, found, body = response.partition(b"\r\n\r\n")
                if found and b"content-length: %d" % len(body) in head.lower():
                    break
        except ConnectionResetError:
            pass
    return response


def _head(
    served: ServedMonitor, *lines: str, method: str = "POST", path: str = "/api/forget"
) -> bytes:
    token = served.token()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    return ("\r\n".join([*head, "Content-Type: application/json", *lines]) + "\r\n\r\n").encode()


def test_large_bodies_are_refused(small: ServedMonitor) -> None:
    with small.api_client() as client:
        client.headers["content-type"] = "application/json"
        fits = client.post("/api/forget", content=b" " * 4000 + b'{"begin": 1, "end": 2}')
        assert fits.status_code == 200
        for content in (b" " * 4097, iter([b" " * 4000, b" " * 97])):
            answer = client.post("/api/forget", content=content)
            assert answer.status_code == 413
            assert "4 kB" in answer.json()["detail"]


def test_large_body_is_refused_before_it_is_sent(small: ServedMonitor) -> None:
    assert b" 413 " in _sent(small, _head(small, "Content-Length: 99999999999"))
    assert b" 413 " in _sent(small, _head(small, "Content-Length: " + "9" * 19))


def test_endless_chunked_body_is_refused(small: ServedMonitor) -> None:
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    response = _sent(small, _head(small, "Transfer-Encoding: chunked"), chunk * 5)
    assert b" 413 " in response


def test_anonymous_bodies_are_not_read(small: ServedMonitor) -> None:
    head = b"POST /api/forget HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999\r\n\r\n"
    assert b" 401 " in _sent(small, head)


def test_slow_body_is_refused(small: ServedMonitor) -> None:
    assert b" 408 " in _sent(small, _head(small, "Content-Length: 100"), b"{")


def test_slow_header_closes_the_connection(
    small: ServedMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentistream.monitor.api.server.HEAD_TIMEOUT", 0.5)
    assert _sent(small, b"GET /health HTTP/1.1\r\nHost: 127.0") == b""
    assert _sent(small, b"") == b""


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n",
        b"POST /api/forget HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/forget HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n\r\nxx",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused(small: ServedMonitor, request_: bytes) -> None:
    response = _sent(small, request_)
    assert response.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or response == b"", response
    assert b"Traceback" not in response


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"' + b"x" * 1000,
        b"\xff\xfe\xfd",
        b'{"begin": 1e999, "end": 2}',
        b'{"begin": NaN, "end": 2}',
        b'{"begin": {}, "end": []}',
        b'{"begin": "now", "end": true}',
        b"[" * 3000,
        b'{"a":' * 700,
        b'{"begin": 1, "end": 2, "camera": "' + b"x" * 65 + b'"}',
        b'{"begin": "9999-99-99", "end": "0000-00-00"}',
    ],
)
def test_malformed_bodies_are_refused(small: ServedMonitor, content: bytes) -> None:
    with small.api_client() as client:
        answer = client.post(
            "/api/forget", content=content, headers={"content-type": "application/json"}
        )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("content", [b"&" * 4000, b"a=1&" * 900, b"\xff=\xfe", b"name=%FF%FE"])
def test_malformed_forms_are_refused(small: ServedMonitor, content: bytes) -> None:
    with small.anonymous(headers={"content-type": "application/x-www-form-urlencoded"}) as client:
        assert client.post("/login", content=content).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8420", 200),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("[::1]:8420", 200),
        ("192.168.1.10:8420", 200),
        ("mood.test", 200),
        ("mood.test:8443", 200),
        (socket.gethostname(), 200),
        ("evil.test", 421),
        ("mood.test.evil.test", 421),
        ("127.0.0.1.evil.test", 421),
        ("127.0.0.1@evil.test", 421),
        ("mood.test:port", 421),
        ("", 421),
        ("a b", 421),
        ("2130706433", 421),
    ],
)
def test_foreign_host_names_are_refused(small: ServedMonitor, host: str, status: int) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n"
    assert b"HTTP/1.1 %d " % status in _sent(small, request)


def test_rate_limit_applies_per_client(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path, settings(server={"requests_a_minute": 10})) as served:
        one, other = served.token(), served.token()
        with served.anonymous() as client:

            def status_of(token: str, path: str = "/api/me") -> int:
                headers = {"authorization": f"Bearer {token}"} if token else {}
                return client.get(path, headers=headers).status_code

            assert [status_of(one) for _ in range(14)][-3:] == [429] * 3
            assert status_of(other) == 200
            # anonymous clients are counted by address, whatever headers they send
            assert 429 in [status_of(f"sentistream_{n:043}") for n in range(12)]
            waiting = client.get("/health")
            assert waiting.status_code == 429
            assert 1 <= int(waiting.headers["retry-after"]) <= 60


def test_token_buckets_refill_evenly_and_are_bounded() -> None:
    now = 0.0
    limiter = RateLimiter(most=3, clock=lambda: now)
    assert [limiter.take("a", 2) > 0 for _ in range(3)] == [False, False, True]
    assert limiter.take("a", 2) == pytest.approx(30)
    now = 30.0
    assert limiter.take("a", 2) == 0
    limiter.refund("a")
    assert limiter.take("a", 2) == 0
    for key in "bcdefg":
        limiter.take(key, 2)
    assert len(limiter._buckets) == 3


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("testclient", 1), "unknown"),
        (None, "unknown"),
    ],
)
def test_addresses_are_grouped_for_counting(client: object, address: str) -> None:
    assert client_address({"client": client}) == address


def test_every_response_has_security_headers(served: ServedMonitor) -> None:
    with served.api_client() as client, served.anonymous() as anonymous:
        answers = [
            client.get("/api/me"),
            client.get("/api/docs"),
            client.get("/nothing"),
            client.get("/api/history"),
            anonymous.get("/login"),
            anonymous.get("/api/me"),
            anonymous.get("/health"),
            anonymous.get("/health", headers={"host": "evil.test"}),
            anonymous.get("/static-login/login.css"),
            anonymous.post("/login", data={"name": MANAGER, "password": PASSWORD}),
        ]
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "camera=(self), microphone=(self)" in headers["permissions-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        assert "strict-transport-security" not in headers
    assert all("no-store" in one.headers["cache-control"] for one in answers[:8])


def test_internal_error_reveals_no_details(
    served: ServedMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(camera: str) -> None:
        raise RuntimeError("hidden-71 is the password")

    served.cameras.restart = fail  # type: ignore[method-assign]
    try:
        with served.api_client() as client:
            answer = client.post("/api/cameras/door/restart")
    finally:
        del served.cameras.restart
    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "hidden-71" not in answer.text + caplog.text
    assert "RuntimeError while answering" in caplog.text
    assert "test_rate_and_size_limits.py" in caplog.text
