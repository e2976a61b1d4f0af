"""Authentication: every path requires a session or a token, except the public ones."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import anyio
from anyio import CapacityLimiter
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Accounts, Identity
from sentistream.monitor.accounts.credentials import BEARER_PREFIX
from sentistream.monitor.api.problems import ProblemResponse, refuse
from sentistream.monitor.api.security.csrf import csrf_token
from sentistream.monitor.api.security.rate_limit import RateLimiter, client_address
from sentistream.monitor.api.security.session_cookie import session_from
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.settings import ServerSettings

PUBLIC_ROUTES: dict[str, tuple[str, ...]] = {
    r"/health": ("GET", "HEAD"),
    r"/login": ("GET", "HEAD", "POST"),
    r"/setup/[A-Za-z0-9_-]{43}": ("GET", "HEAD", "POST"),
    r"/static-login/[a-z]+\.css": ("GET", "HEAD"),
}
"""The public routes: complete paths and methods."""

_LOW_COST = re.compile(r"/assets/.*|/live/picture/[^/]+|/api/cameras/[^/]+/preview\.jpg")
"""Requests that pages send often and that cost little."""


class Authentication:
    """Requires a session or a token; calls ``deny`` otherwise.

    Puts ``user``, ``identity`` and, for sessions, ``csrf_token`` into ``scope["state"]``; a
    WebSocket is closed when its session or token ends.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, configuration: Configuration) -> None:
        self._app = app
        self._accounts = accounts
        self._configuration = configuration
        self._rates = RateLimiter()
        # sessions are looked up even while all other threads wait for the database
        self._threads = CapacityLimiter(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            return
        state = scope.setdefault("state", {})
        for name in ("user", "identity", "csrf_token", "body"):
            state.pop(name, None)
        server = self._configuration.settings.server
        secret = "" if _is_open(scope) else _credential(scope, server)
        identity = self._accounts.cached_identity(secret) if secret else None
        counted = identity.digest if identity is not None else client_address(scope)
        wait = self._rates.take(counted, server.requests_a_minute, _cost(scope))
        if wait:
            await refuse(scope, receive, send, _too_many_requests(wait))
            return
        try:
            if secret and identity is None:
                identity = await anyio.to_thread.run_sync(
                    self._accounts.identify, secret, limiter=self._threads
                )
        except StorageError:
            # strangers must not learn where the database is
            response = ProblemResponse(
                503, "The database does not answer.", headers={"retry-after": "5"}
            )
            await refuse(scope, receive, send, response)
            return
        if identity is None:
            if _is_open(scope):
                await self._app(scope, receive, send)
            else:
                await refuse(scope, receive, send, _unauthenticated(scope))
            return
        self._set_identity(state, identity, secret)
        if scope["type"] == "websocket":
            await run_until_revoked(
                self._app, scope, receive, send, lambda: self._is_valid(secret, identity)
            )
        else:
            await self._app(scope, receive, send)

    def _set_identity(self, state: dict[str, object], identity: Identity, secret: str) -> None:
        state["identity"] = identity
        state["user"] = identity.user
        state["csrf_token"] = "" if identity.user.by_token else csrf_token(secret)

    async def _is_valid(self, secret: str, identity: Identity) -> bool:
        """Whether it is still the same user, in the same role."""
        found = self._accounts.cached_identity(secret)
        if found is None:
            try:
                found = await anyio.to_thread.run_sync(
                    self._accounts.identify, secret, limiter=self._threads
                )
            except StorageError:
                # nobody is logged out because the database restarts
                return identity.expires is None or time.time() < identity.expires
        return found is not None and found.user == identity.user


def _is_open(scope: Scope) -> bool:
    return scope["type"] == "http" and any(
        scope["method"] in methods and re.fullmatch(path, scope["path"])
        for path, methods in PUBLIC_ROUTES.items()
    )


def _credential(scope: Scope, server: ServerSettings) -> str:
    connection = HTTPConnection(scope)
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        # with a token, only the token counts
        return token if token.startswith(BEARER_PREFIX) else "none"
    session = session_from(connection, server)
    return "none" if session.startswith(BEARER_PREFIX) else session


def _cost(scope: Scope) -> float:
    return 0.1 if _LOW_COST.fullmatch(scope["path"]) else 1.0


def _too_many_requests(wait: float) -> Response:
    seconds = str(math.ceil(wait))
    detail = "Too many requests."
    return ProblemResponse(
        429, detail, f"Try again in {seconds} s.", headers={"retry-after": seconds}
    )


def _unauthenticated(scope: Scope) -> Response:
    path = scope["path"]
    accepts = HTTPConnection(scope).headers.get("accept", "")
    wants_page = scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accepts
    if wants_page and (path == "/api/docs" or not path.startswith("/api/")):
        query = scope.get("query_string", b"").decode("latin-1")
        target = quote(path + (f"?{query}" if query else ""), safe="/")
        return RedirectResponse("/login" if path == "/" else f"/login?next={target}", 303)
    return ProblemResponse(
        401,
        "This needs a login.",
        "Log in on the page, or send an API token as Authorization: Bearer TOKEN.",
        headers={"www-authenticate": "Bearer"},
    )


CHECK_INTERVAL = 1.0
"""Seconds between two checks."""

SESSION_ENDED = 4401
"""The WebSocket close code for a session or token that has ended, or whose role has changed."""


async def run_until_revoked(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    is_valid: Callable[[], Awaitable[bool]],
) -> None:
    """Runs a WebSocket until it ends or ``is_valid`` returns False."""
    ended = asyncio.Event()
    closed = False

    async def poll() -> None:
        while await is_valid():
            await asyncio.sleep(CHECK_INTERVAL)
        ended.set()

    async def receive_or_end() -> Message:
        waiting = asyncio.ensure_future(receive())
        ending = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ended.is_set():
                await close()
                return {"type": "websocket.disconnect", "code": SESSION_ENDED}
            return waiting.result()
        finally:
            waiting.cancel()
            ending.cancel()

    async def close() -> None:
        nonlocal closed
        if not closed:
            closed = True
            await send(
                {"type": "websocket.close", "code": SESSION_ENDED, "reason": "The session ended."}
            )

    async def send_unless_closed(message: Message) -> None:
        nonlocal closed
        if ended.is_set():
            await close()
        if closed:
            return
        closed = message["type"] == "websocket.close"
        await send(message)

    polling = asyncio.create_task(poll())
    try:
        await app(scope, receive_or_end, send_unless_closed)
    finally:
        polling.cancel()
