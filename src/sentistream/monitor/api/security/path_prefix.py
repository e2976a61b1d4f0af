"""A monitor under a path of another server: ``https://host/sentistream/``.

Internally, addresses are those of a monitor at the root of a host. They are translated here for
incoming requests and outgoing redirects; code that writes an address into a page or a script
prepends ``prefix_of``.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentistream.monitor.configuration import Configuration


def prefix_of(connection: HTTPConnection) -> str:
    """The prefix of every path for browsers, such as ``/sentistream``, or empty."""
    return str(getattr(connection.state, "prefix", ""))


class PathPrefix:
    """Strips the path of ``server.public_url`` from requests, and adds it to redirects.

    Proxies may pass it on or strip it; both work.
    """

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = self._configuration.settings.server.prefix
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["prefix"] = prefix
        if not prefix:
            await self._app(scope, receive, send)
            return
        if f"{scope['path']}/".startswith(f"{prefix}/"):
            scope["path"] = scope["path"].removeprefix(prefix) or "/"
            raw = scope.get("raw_path")
            if raw is not None:
                scope["raw_path"] = raw.removeprefix(prefix.encode("ascii")) or b"/"
        host = Headers(scope=scope).get("host", "")

        async def send_with_prefix(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = _with_prefix(headers["location"], prefix, host)
            await send(message)

        await self._app(scope, receive, send_with_prefix)


def _with_prefix(location: str, prefix: str, host: str) -> str:
    """An address of this server, as browsers see it; others as they are."""
    parts = urlsplit(location)
    if parts.netloc not in ("", host) or not parts.path.startswith("/"):
        return location
    return urlunsplit(parts._replace(path=prefix + parts.path))
