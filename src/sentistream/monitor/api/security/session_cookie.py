"""The session cookie."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from sentistream.monitor.settings import ServerSettings

_NAME = "sentistream_session"


def is_secure(server: ServerSettings) -> bool:
    """Whether browsers reach the monitor only over TLS."""
    return server.tls_certificate is not None or server.public_url.startswith("https:")


def cookie_name(server: ServerSettings) -> str:
    """The cookie's name; over TLS its prefix guarantees that no other host has set it.

    Under a path the prefix guarantees only TLS: the stronger one is for whole hosts.
    """
    if not is_secure(server):
        return _NAME
    return f"__Secure-{_NAME}" if server.prefix else f"__Host-{_NAME}"


def session_from(connection: HTTPConnection, server: ServerSettings) -> str:
    """The browser's session id; empty without one."""
    return connection.cookies.get(cookie_name(server), "")


def set_session_cookie(response: Response, session: str, server: ServerSettings) -> None:
    """Sets the session cookie; scripts cannot read it, other sites cannot use it."""
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
    """Deletes the session cookie."""
    response.delete_cookie(
        cookie_name(server),
        path=f"{server.prefix}/",
        secure=is_secure(server),
        httponly=True,
        samesite="lax",
    )
