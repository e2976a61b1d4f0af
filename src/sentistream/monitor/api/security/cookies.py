"""The session's cookie."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sentistream.monitor.settings import ServerSettings

_NAME = "sentistream_session"


def session_of(connection: HTTPConnection) -> str:
    """The session id a browser brings; empty without one."""
    cookies = connection.cookies
    return cookies.get(f"__Host-{_NAME}") or cookies.get(_NAME, "")


def is_secure(server: ServerSettings) -> bool:
    """Whether browsers reach the monitor over TLS alone."""
    return server.tls_certificate is not None or server.public_url.startswith("https:")


def give_session(response: Response, session: str, server: ServerSettings) -> None:
    """Hands the session id to the browser; scripts cannot read it, other sites not use it."""
    secure = is_secure(server)
    response.set_cookie(
        f"__Host-{_NAME}" if secure else _NAME,
        session,
        max_age=int(server.session_hours * 3600),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def take_session(response: Response, server: ServerSettings) -> None:
    """Takes the session id from the browser."""
    secure = is_secure(server)
    response.delete_cookie(
        f"__Host-{_NAME}" if secure else _NAME,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
