"""The live view, and the socket that keeps it up to date."""

from __future__ import annotations

import asyncio
import contextlib
import json

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketState

from sentistream.monitor.api.words import language_of
from sentistream.monitor.page.broadcast import Broadcast, Viewer
from sentistream.monitor.page.moods import NO_MOOD
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.tiles import shown_cameras, tiles
from sentistream.monitor.page.visitors import Manager, StrangerError, Visitor, visitor
from sentistream.monitor.page.words import words

ROUND = 300.0
"""Seconds after which a socket ends and is opened anew, so that ended sessions are noticed."""

LONGEST = 4096
"""Longest message that a browser may send, characters."""


def live_routes(page: PageState) -> APIRouter:
    """The routes of the live view."""
    routes = APIRouter()

    @routes.get("/")
    async def live(request: Request, user: Visitor) -> HTMLResponse:
        settings = page.services.configuration.settings
        say = page.say(request)
        moods = await run_in_threadpool(page.moods.now)
        seen = tiles(settings, page.services.bus, page.clock(), say)
        return page.render(
            request,
            "live",
            user=user,
            tiles=seen,
            moods=moods or {},
            answered=moods is not None,
            no_mood=NO_MOOD,
            smallest=settings.privacy.smallest_group,
        )

    @routes.get("/live/picture/{camera}")
    async def picture(camera: str, _: Visitor) -> Response:
        """The newest live picture, for those who draw zones on it; nothing where there is none."""
        page.services.cameras.request_preview(camera)
        preview = page.services.bus.preview(camera)
        if preview is None or not page.services.configuration.settings.privacy.preview:
            return Response(status_code=204)
        return Response(
            preview.jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"}
        )

    @routes.get("/live/alive")
    async def alive(_: Visitor) -> Response:
        """Whether the server is there and the session good."""
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    @routes.post("/live/restart/{camera}")
    def restart(camera: str, _: Manager) -> Response:
        try:
            page.services.cameras.restart(camera)
        except KeyError:
            return Response(status_code=404)
        return Response(status_code=204)

    @routes.websocket("/live/socket")
    async def socket(websocket: WebSocket) -> None:
        try:
            visitor(websocket)
        except StrangerError:
            await websocket.close(1008)
            return
        await websocket.accept()
        settings = page.services.configuration.settings
        viewer = Viewer(language_of(websocket, settings.language))
        page.broadcast.join(viewer)
        try:
            await _serve(websocket, viewer, page)
        finally:
            page.broadcast.leave(viewer)

    @routes.websocket("/try/socket/{camera}")
    async def own(websocket: WebSocket, camera: str) -> None:
        """What is read from a visitor's own camera, for the overlay beside it."""
        try:
            visitor(websocket)
        except StrangerError:
            await websocket.close(1008)
            return
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await _serve_own(websocket, camera, page)

    return routes


async def _serve(websocket: WebSocket, viewer: Viewer, page: PageState) -> None:
    """Sends and listens until one of the two ends, or the round is over."""
    tasks = {
        asyncio.create_task(_send(websocket, viewer, page.broadcast)),
        asyncio.create_task(_listen(websocket, viewer, page)),
    }
    try:
        await asyncio.wait(tasks, timeout=ROUND, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(
                result, WebSocketDisconnect | RuntimeError
            ):
                raise result
    if websocket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await websocket.close(1000)


async def _send(websocket: WebSocket, viewer: Viewer, broadcast: Broadcast) -> None:
    """The newest of everything; who is slow skips what has been overtaken meanwhile."""
    state: str | None = None
    moods: str | None = None
    pictures: dict[str, bytes] = {}
    while True:
        await viewer.fresh.wait()
        viewer.fresh.clear()
        newest = broadcast.states.get(viewer.language)
        if newest is not None and newest is not state:
            state = newest
            await websocket.send_text(state)
        newest = broadcast.moods.get(viewer.language)
        if newest is not None and newest is not moods:
            moods = newest
            await websocket.send_text(moods)
        for key in viewer.watching:
            picture = broadcast.pictures.get(key)
            if picture is not None and picture is not pictures.get(key):
                pictures[key] = picture
                await websocket.send_bytes(picture)


async def _listen(websocket: WebSocket, viewer: Viewer, page: PageState) -> None:
    """Which tiles are in sight; anything else ends the connection."""
    while True:
        text = await websocket.receive_text()
        try:
            keys = json.loads(text)["watch"] if len(text) <= LONGEST else None
        except (ValueError, TypeError, KeyError):
            return
        if not isinstance(keys, list):
            return
        known = shown_cameras(page.services.configuration.settings, page.services.bus)
        viewer.watching = frozenset(key for key in keys if isinstance(key, str) and key in known)


async def _serve_own(websocket: WebSocket, camera: str, page: PageState) -> None:
    say = words(language_of(websocket, page.services.configuration.settings.language))
    last = ""
    listening = asyncio.create_task(websocket.receive())
    try:
        while not listening.done():
            text = page.own_camera(camera, say)
            if text != last:
                last = text
                await websocket.send_text(text)
            await asyncio.wait({listening}, timeout=0.12)
    finally:
        listening.cancel()
