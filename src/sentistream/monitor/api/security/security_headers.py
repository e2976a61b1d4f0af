"""Security headers of every response, and a plain response after an internal error."""

from __future__ import annotations

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentistream.monitor.api.problems import ProblemResponse, refuse
from sentistream.monitor.configuration import Configuration

_log = logging.getLogger(__name__)

_API_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
FORM_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Scripts and styles only from our own files."""

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": (
        "camera=(self), microphone=(self), geolocation=(), payment=(), usb=(), display-capture=()"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeaders:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._add(scope, MutableHeaders(scope=message))
            started = True
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            # an unexpected error's message may contain anything; its location is enough
            _log.error("%s while answering: %s", type(error).__name__, _place(error))
            if started:
                raise RuntimeError("A response could not be finished.") from None
            response = ProblemResponse(500, "The monitor failed at this.", "Its log says where.")
            await refuse(scope, receive, with_headers, response)

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        headers.setdefault("content-security-policy", _policy(scope["path"]))
        headers.setdefault("cache-control", "no-store")
        server = self._configuration.settings.server
        if scope["scheme"] in ("https", "wss") or server.public_url.startswith("https:"):
            headers.setdefault("strict-transport-security", "max-age=31536000")


def _policy(path: str) -> str:
    if path in ("/login", "/logout") or path.startswith("/setup/"):
        return FORM_POLICY
    if path.startswith("/api/") or path in ("/health", "/ready", "/metrics"):
        return _API_POLICY
    return _PAGE


def _place(error: BaseException) -> str:
    trace, places = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/site-packages/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-6:]))
