"""Protection against cross-site request forgery (CSRF)."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sentistream.monitor.accounts import Identity
from sentistream.monitor.api.problems import ProblemResponse, refuse
from sentistream.monitor.configuration import Configuration

HEADER = "x-csrf-token"
FIELD = "csrf_token"
SAFE = ("GET", "HEAD", "OPTIONS")
MAX_FIELDS = 20
"""Most fields of a form without script, such as the login."""


def csrf_token(session: str) -> str:
    """The CSRF token of a session id, required for requests that change something."""
    return hashlib.sha256(f"csrf:{session}".encode()).hexdigest()


class CsrfCheck:
    """Requires the same origin for WebSockets and changes by browsers, and a token with a cookie.

    Requests with an API token need neither: browsers never send one automatically.
    """

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = self._refusal(scope)
        if not detail:
            await self._app(scope, receive, send)
            return
        way_out = f"Browsers send the header {HEADER} with the csrf_token of GET /api/me."
        await refuse(scope, receive, send, ProblemResponse(403, detail, way_out))

    def _refusal(self, scope: Scope) -> str:
        if scope["type"] == "lifespan" or scope.get("method", "") in SAFE:
            return ""
        identity: Identity | None = scope["state"].get("identity")
        if identity is not None and identity.user.by_token:
            return ""
        headers = Headers(scope=scope)
        origin = self._is_same_origin(scope, headers)
        if identity is None:
            # the login: no credentials are sent automatically
            return "This comes from another site." if origin is False else ""
        if not origin:
            return "This comes from another site."
        if scope["type"] == "websocket":
            return ""
        given = headers.get(HEADER) or _field(scope, headers)
        if not hmac.compare_digest(given.encode(), scope["state"]["csrf_token"].encode()):
            return "The token against forged requests is missing or wrong."
        return ""

    def _is_same_origin(self, scope: Scope, headers: Headers) -> bool | None:
        """None if the client does not say."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site != "same-origin":
            return False
        if origin is None:
            return None if site is None else True
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        public = self._configuration.settings.server.origin.lower()
        ours = {f"{scheme}://{headers.get('host', '')}".lower(), public} - {""}
        return origin.lower() in ours


def _field(scope: Scope, headers: Headers) -> str:
    if headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return ""
    try:
        body: bytes = scope["state"].get("body", b"")
        fields = parse_qs(body.decode(), max_num_fields=MAX_FIELDS)
    except ValueError:
        return ""
    return fields.get(FIELD, [""])[0]
