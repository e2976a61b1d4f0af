"""How the application is served."""

from __future__ import annotations

import asyncio
import os

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sentistream.monitor.settings import ServerSettings

HEADER_BYTES = 32_768
"""Bytes of a request's head."""
CONNECTIONS = 1024
"""Connections and tasks at once; beyond, 503 is answered."""

MESSAGE_QUEUE = 8
"""Messages of a WebSocket that wait to be taken; then its other side has to wait."""

IDLE_SECONDS = 15
"""For which a connection is kept without a request."""

SHUTDOWN_SECONDS = 5
"""In which open connections may end when the monitor does."""

HEAD_TIMEOUT = 15.0
"""In which a new connection has to have sent a request's head."""


class HeadTimeoutProtocol(H11Protocol):
    """Uvicorn's, but a connection that says nothing, or not enough, is hung up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait."""
        super().connection_made(transport)
        # whatever else does with the loggers: setup links are in paths
        self.access_log = False
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._hang_up)

    def _hang_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The head has come; the connection is a WebSocket from now on, however long it is."""
        self._head_timer.cancel()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._head_timer.cancel()
        super().connection_lost(exc)


def server_config(app: FastAPI, server: ServerSettings) -> uvicorn.Config:
    """Uvicorn's options for the open network.

    Addresses that a proxy forwards are believed where ``public_url`` says that there is one, and
    only from this machine, or from the addresses in uvicorn's variable ``FORWARDED_ALLOW_IPS``: to
    a container its own machine is another. Requests are not logged: their paths hold setup links.
    """
    return uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        http=HeadTimeoutProtocol,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws="websockets-sansio",
        ws_max_size=max(65_536, server.upload_kilobytes * 1024),
        ws_max_queue=MESSAGE_QUEUE,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=bool(server.public_url),
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1"),
        server_header=False,
        access_log=False,
        log_config=None,
        # finer, it would write down the headers of WebSockets, tokens among them
        log_level="info",
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
    )
