"""Reads whole request bodies in advance, up to the limit."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentistream.monitor.api.problems import ProblemResponse, refuse
from sentistream.monitor.configuration import Configuration

BODY_TIMEOUT = 30.0
"""Timeout for a body, seconds."""


class BodyLimit:
    """Rejects bodies that are too large (declared or actual) or too slow.

    Stores the body in ``scope["state"]["body"]`` and passes it on.
    """

    def __init__(self, app: ASGIApp, configuration: Configuration) -> None:
        self._app = app
        self._configuration = configuration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        claimed = headers.get("content-length", "0")
        if scope["type"] != "http" or (claimed == "0" and "transfer-encoding" not in headers):
            await self._app(scope, receive, send)
            return
        kilobytes = self._configuration.settings.server.upload_kilobytes
        try:
            body = None
            if not claimed.isdecimal() or int(claimed[:20]) <= kilobytes * 1024:
                body = await asyncio.wait_for(_read(receive, kilobytes * 1024), BODY_TIMEOUT)
        except TimeoutError:
            response = ProblemResponse(
                408, "The request did not come in time.", headers={"connection": "close"}
            )
            await refuse(scope, receive, send, response)
            return
        except ConnectionResetError:
            return
        if body is None:
            response = ProblemResponse(
                413,
                f"A request has at most {kilobytes} kB.",
                "Send less, or raise server.upload_kilobytes.",
                headers={"connection": "close"},
            )
            await refuse(scope, receive, send, response)
            return
        scope["state"]["body"] = body
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive, most: int) -> bytes | None:
    """The body; None if it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
