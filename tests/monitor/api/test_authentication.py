"""No route answers unauthenticated requests, whatever is mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.served_monitor import ServedMonitor
from sentistream.monitor.api.security.authentication import PUBLIC_ROUTES

SECRET = "A" * 43
_OPEN = {
    ("GET", "/health"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/setup/{secret}"),
    ("POST", "/setup/{secret}"),
    ("GET", "/static-login/{name}.css"),
}
"""Everything public; any change here must be deliberate."""


def _page(app: FastAPI) -> None:
    """What a page would mount: routes at the root, and a sub-application with a WebSocket."""
    page = FastAPI(openapi_url=None)

    @page.get("/")
    def start() -> PlainTextResponse:
        return PlainTextResponse("secret page")

    @page.post("/parts/client/{number}/upload")
    def upload(number: str) -> PlainTextResponse:
        return PlainTextResponse("secret upload")

    async def sockets(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "secret"})
        else:
            await PlainTextResponse("secret poll")(scope, receive, send)

    page.mount("/sockets_of_a_page/", sockets)
    app.mount("/", page)


def _listed(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, including mounted applications; WS for WebSockets."""
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            inside = getattr(route.app, "routes", None)
            if inside:
                yield from _listed(inside, prefix + route.path)
            else:
                yield from ((m, f"{prefix}{route.path}/any/thing") for m in ("GET", "POST", "WS"))
            continue
        path = prefix + str(context.path or getattr(route, "path", ""))
        methods = getattr(context, "methods", None) or getattr(route, "methods", None)
        for method in sorted(methods) if methods else ["WS"]:
            yield method, path


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    with ServedMonitor(tmp_path_factory.mktemp("mounted"), mount=_page) as served:
        served.publish_observation()
        yield served


def _filled(path: str) -> str:
    values = {"secret": SECRET, "name": "login", "what": "hour", "kind": "csv"}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values.get(found[1], "door"), path)


def test_every_route_refuses_anonymous_requests(mounted: ServedMonitor) -> None:
    listed = set(_listed(mounted.app.routes))
    assert len(listed) > 35, listed
    assert {"/api/readings", "/api/events", "/metrics", "/sockets_of_a_page/any/thing"} <= {
        path for _, path in listed
    }
    assert {route for route in listed if route in _OPEN} == _OPEN
    with mounted.anonymous() as client:
        for method, path in sorted(listed - _OPEN):
            if method == "HEAD" and ("GET", path) in _OPEN:
                continue
            if method == "WS":
                with pytest.raises(InvalidStatus) as refused:
                    connect(f"ws://127.0.0.1:{mounted.port}{_filled(path)}")
                assert refused.value.response.status_code == 401, path
                continue
            answer = client.request(method, _filled(path))
            assert answer.status_code == 401, (method, path)
            assert b"secret" not in answer.content
            if method != "HEAD":
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == 401


def test_public_routes_reveal_nothing(mounted: ServedMonitor) -> None:
    with mounted.anonymous() as client:
        assert client.get("/health").json() in ({"status": "ok"}, {"status": "degraded"})
        assert client.get("/login").status_code == 200
        assert client.get(f"/setup/{SECRET}").status_code == 404
        assert client.get("/static-login/login.css").status_code == 200
        for path in ("/login", f"/setup/{SECRET}", "/health"):
            text = client.get(path).text
            assert not any(word in text for word in ("anna", "door", "Till", "sqlite", "camera"))


def test_only_listed_routes_are_public() -> None:
    patterns = {(method, path) for path, methods in PUBLIC_ROUTES.items() for method in methods}
    assert len([one for one in patterns if one[0] != "HEAD"]) == len(_OPEN)
    for method, path in _OPEN:
        assert any(
            re.fullmatch(pattern, _filled(path)) and method in methods
            for pattern, methods in PUBLIC_ROUTES.items()
        )


@pytest.mark.parametrize(
    "path",
    [
        "/health/",
        "//health",
        "/health/../api/live",
        "/login/../api/live",
        "/health%2F..%2Fapi%2Flive",
        "/static-login/../api/live.css",
        "/static-login/%2e%2e/app.css",
        "/setup/../api/live",
        "/setup/" + "A" * 42 + "/",
        "/api/live?x=/health",
        "/api/live;/health",
        "/API/LIVE",
        "/api//live",
        "/%61pi/live",
        "/nothing",
        "/favicon.ico",
        "/docs",
        "/openapi.json",
        "/sockets_of_a_page/socket.io/?EIO=4&transport=polling",
    ],
)
def test_malformed_paths_are_refused(mounted: ServedMonitor, path: str) -> None:
    # httpx would normalize the path; the server must see it unchanged
    url = httpx.URL(mounted.url).copy_with(raw_path=path.encode())
    with mounted.anonymous() as client:
        answer = client.get(url)
    assert answer.status_code in (401, 404, 422), answer.text
    assert b"k3x" not in answer.content
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer"},
        {"authorization": "Bearer none"},
        {"authorization": "Bearer sentistream_" + "A" * 43},
        {"authorization": "Basic YW5uYTphbm5h"},
        {"cookie": "sentistream_session=" + "A" * 43},
        {"cookie": "__Host-sentistream_session=" + "A" * 43},
        {"cookie": "sentistream_session='; DROP TABLE users; --"},
        {"x-forwarded-user": "anna", "x-user": "anna", "remote-user": "anna"},
        {"x-original-url": "/health", "x-rewrite-url": "/health"},
        {"x-http-method-override": "GET"},
    ],
)
def test_invalid_credentials_are_refused(mounted: ServedMonitor, headers: dict[str, str]) -> None:
    with mounted.anonymous(headers=headers) as client:
        assert client.get("/api/live").status_code == 401
        assert client.post("/health").status_code == 401


def test_pages_redirect_to_the_login_and_back(mounted: ServedMonitor) -> None:
    with mounted.anonymous(headers={"accept": "text/html"}) as client:
        assert client.get("/").headers["location"] == "/login"
        answer = client.get("/history?week=3&day=mon")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/login?next=/history%3Fweek%3D3%26day%3Dmon"
        assert client.get("/api/docs").status_code == 303
        assert client.get("/api/live").status_code == 401


def test_token_in_the_session_cookie_is_refused(mounted: ServedMonitor) -> None:
    token = mounted.token()
    with mounted.browser_client() as client:
        session = client.cookies["sentistream_session"]
    with mounted.anonymous(headers={"authorization": f"Bearer {session}"}) as client:
        assert client.get("/api/live").status_code == 401
    with mounted.anonymous(cookies={"sentistream_session": token}) as client:
        assert client.get("/api/live").status_code == 401
