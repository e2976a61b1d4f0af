"""Accepts only requests for this host, against DNS rebinding."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sentistream.monitor.api.problems import ProblemResponse, refuse
from sentistream.monitor.configuration import Configuration

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")


class HostCheck:
    """Rejects a ``Host`` that is neither a plain IP address nor one of the machine's names.

    A page whose own name points to this machine cannot hide that name; a plain address, such as
    192.168.1.10, involves no name.
    """

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration
        own = socket.gethostname().lower()
        self._own = {"localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_ours(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
            return
        detail = "This monitor does not go by that name."
        way_out = "Use its address, or set server.public_url to the name."
        await refuse(scope, receive, send, ProblemResponse(421, detail, way_out))

    def _is_ours(self, host: str) -> bool:
        matched = _HOST.fullmatch(host)
        if matched is None:
            return False
        name = matched["name"].strip("[]").lower()
        try:
            ipaddress.ip_address(name)
            return True
        except ValueError:
            pass
        server = self._configuration.settings.server
        public = urlsplit(server.public_url).hostname or ""
        return name.rstrip(".") in self._own | {server.host.lower(), public.lower()}
