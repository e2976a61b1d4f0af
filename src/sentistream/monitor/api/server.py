"""Serves the application."""

from __future__ import annotations

import asyncio
import os

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sentistream.monitor.settings import ServerSettings

HEADER_BYTES = 32_768
"""Most bytes of a request's headers."""
CONNECTIONS = 1024
"""Most simultaneous connections and tasks; beyond that, 503."""

MESSAGE_QUEUE = 8
"""Most queued messages of a WebSocket; then the other side has to wait."""

IDLE_SECONDS = 15
"""How long an idle connection is kept open, seconds."""

SHUTDOWN_SECONDS = 5
"""How long open connections may take to end when the monitor stops, seconds."""

HEAD_TIMEOUT = 15.0
"""Timeout for a new connection to send a request's headers, seconds."""


class HeadTimeoutProtocol(H11Protocol):
    """Uvicorn's protocol, but closes a connection that sends nothing, or not enough."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timeout."""
        super().connection_made(transport)
        # whatever else configures loggers: setup links are in paths
        self.access_log = False
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._hang_up)

    def _hang_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The headers have arrived; from now on the connection is a WebSocket without a time
        limit."""
        self._head_timer.cancel()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeout."""
        self._head_timer.cancel()
        super().connection_lost(exc)


def server_config(app: FastAPI, server: ServerSettings) -> uvicorn.Config:
    """Uvicorn's options for an untrusted network.

    Forwarded addresses are trusted if ``public_url`` says that there is a proxy, and only from
    this machine, or from the addresses in uvicorn's variable ``FORWARDED_ALLOW_IPS``: a container
    sees its host as another machine. Requests are not logged: their paths contain setup links.
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
        # a finer level would log WebSocket headers, including tokens
        log_level="info",
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
    )
