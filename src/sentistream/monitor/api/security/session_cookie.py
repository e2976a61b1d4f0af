"""The session's cookie."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sentistream.monitor.settings import ServerSettings

_NAME = "sentistream_session"


def is_secure(server: ServerSettings) -> bool:
    """Whether browsers reach the monitor over TLS alone."""
    return server.tls_certificate is not None or server.public_url.startswith("https:")


def cookie_name(server: ServerSettings) -> str:
    """Over TLS the browser itself sees to it that no other host has set the cookie.

    Below a path only that it was set over TLS: the stronger promise is for whole hosts.
    """
    if not is_secure(server):
        return _NAME
    return f"__Secure-{_NAME}" if server.prefix else f"__Host-{_NAME}"


def session_from(connection: HTTPConnection, server: ServerSettings) -> str:
    """The session id a browser brings; empty without one."""
    return connection.cookies.get(cookie_name(server), "")


def set_session_cookie(response: Response, session: str, server: ServerSettings) -> None:
    """Hands the session id to the browser; scripts cannot read it, other sites not use it."""
    response.set_cookie(
        cookie_name(server),
        session,
        max_age=int(server.session_hours * 3600),
        path=f"{server.prefix}/",
        secure=is_secure(server),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, server: ServerSettings) -> None:
    """Takes the session id from the browser."""
    response.delete_cookie(
        cookie_name(server),
        path=f"{server.prefix}/",
        secure=is_secure(server),
        httponly=True,
        samesite="lax",
    )
