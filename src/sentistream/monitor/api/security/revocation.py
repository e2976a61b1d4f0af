"""WebSockets end with the session or token they were opened with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK_SECONDS = 1.0
"""Between two looks."""

ENDED = 4401
"""The WebSocket close code for a session or token that has ended, or whose role has changed."""


async def watched(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, is_in: Callable[[], Awaitable[bool]]
) -> None:
    """Runs a WebSocket until it ends by itself or ``is_in`` says no."""
    ended = asyncio.Event()
    closed = False

    async def look() -> None:
        while await is_in():
            await asyncio.sleep(LOOK_SECONDS)
        ended.set()

    async def heard() -> Message:
        waiting = asyncio.ensure_future(receive())
        ending = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ended.is_set():
                await close()
                return {"type": "websocket.disconnect", "code": ENDED}
            return waiting.result()
        finally:
            waiting.cancel()
            ending.cancel()

    async def close() -> None:
        nonlocal closed
        if not closed:
            closed = True
            await send({"type": "websocket.close", "code": ENDED, "reason": "The session ended."})

    async def said(message: Message) -> None:
        nonlocal closed
        if ended.is_set():
            await close()
        if closed:
            return
        closed = message["type"] == "websocket.close"
        await send(message)

    looking = asyncio.create_task(look())
    try:
        await app(scope, heard, said)
    finally:
        looking.cancel()
