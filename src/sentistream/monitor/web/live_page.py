"""The live view, and the socket that keeps it up to date."""

from __future__ import annotations

import asyncio
import contextlib
import json

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketState

from sentistream.monitor.api.auth import CurrentManager, CurrentUser, Viewer
from sentistream.monitor.api.cameras_api import BrowserCameraOwners
from sentistream.monitor.display_names import display_names
from sentistream.monitor.translation import language_of, translator
from sentistream.monitor.web.live_broadcast import Broadcast, LiveClient
from sentistream.monitor.web.live_tiles import tiles
from sentistream.monitor.web.recent import NO_RECENT
from sentistream.monitor.web.site import Site, SiteDep

SOCKET_LIFETIME = 300.0
"""Seconds after which a socket is reopened, so that ended sessions are noticed."""

LONGEST = 4096
"""Longest message that a browser may send, characters."""


router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    settings = site.services.configuration.settings
    tr = site.translator(request)
    recent = await run_in_threadpool(site.recent.now)
    seen = tiles(settings, site.services.bus, site.clock(), tr)
    return site.render(
        request,
        "live",
        user=user,
        tiles=seen,
        configured=bool(settings.cameras),
        recent=recent or {},
        answered=recent is not None,
        no_recent=NO_RECENT,
        smallest=settings.privacy.smallest_group,
    )


@router.get("/live/picture/{camera}")
async def picture(camera: str, _: CurrentUser, site: SiteDep) -> Response:
    """The newest live picture, for drawing zones; empty if there is none."""
    site.services.cameras.request_preview(camera)
    preview = site.services.bus.preview(camera)
    if preview is None or not site.services.configuration.settings.privacy.preview:
        return Response(status_code=204)
    return Response(preview.jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/live/alive")
async def alive(_: CurrentUser) -> Response:
    """Whether the server responds and the session is valid."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post("/live/restart/{camera}")
def restart(camera: str, _: CurrentManager, site: SiteDep) -> Response:
    try:
        site.services.cameras.restart(camera)
    except KeyError:
        return Response(status_code=404)
    return Response(status_code=204)


@router.websocket("/live/socket")
async def socket(websocket: WebSocket, _: CurrentUser, site: SiteDep) -> None:
    await websocket.accept()
    settings = site.services.configuration.settings
    viewer = LiveClient(language_of(websocket, settings.language))
    site.broadcast.join(viewer)
    try:
        await _serve(websocket, viewer, site)
    finally:
        site.broadcast.leave(viewer)


@router.websocket("/try/socket/{camera}")
async def own(websocket: WebSocket, camera: str, identity: Viewer, site: SiteDep) -> None:
    """The readings of a visitor's own camera, for its overlay; only for its owner."""
    owners: BrowserCameraOwners | None = getattr(websocket.app.state, "owners", None)
    if owners is not None and not owners.owns(camera, identity.digest):
        await websocket.close(4403, "This is somebody else's camera.")
        return
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await _serve_browser_camera(websocket, camera, site)


async def _serve(websocket: WebSocket, viewer: LiveClient, site: Site) -> None:
    """Sends and receives until one of the two ends, or the time is over."""
    tasks = {
        asyncio.create_task(_send(websocket, viewer, site.broadcast)),
        asyncio.create_task(_listen(websocket, viewer, site)),
    }
    try:
        await asyncio.wait(tasks, timeout=SOCKET_LIFETIME, return_when=asyncio.FIRST_COMPLETED)
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


async def _send(websocket: WebSocket, viewer: LiveClient, broadcast: Broadcast) -> None:
    """The newest updates; slow clients skip outdated ones."""
    state: str | None = None
    recent: str | None = None
    pictures: dict[str, bytes] = {}
    while True:
        await viewer.fresh.wait()
        viewer.fresh.clear()
        newest = broadcast.states.get(viewer.language)
        if newest is not None and newest is not state:
            state = newest
            await websocket.send_text(state)
        newest = broadcast.recent.get(viewer.language)
        if newest is not None and newest is not recent:
            recent = newest
            await websocket.send_text(recent)
        for key in viewer.watching:
            picture = broadcast.pictures.get(key)
            if picture is not None and picture is not pictures.get(key):
                pictures[key] = picture
                await websocket.send_bytes(picture)


async def _listen(websocket: WebSocket, viewer: LiveClient, site: Site) -> None:
    """Receives which tiles are visible; anything else ends the connection."""
    while True:
        text = await websocket.receive_text()
        try:
            keys = json.loads(text)["watch"] if len(text) <= LONGEST else None
        except (ValueError, TypeError, KeyError):
            return
        if not isinstance(keys, list):
            return
        known = display_names(site.services.configuration.settings, site.services.bus).cameras
        viewer.watching = frozenset(key for key in keys if isinstance(key, str) and key in known)


async def _serve_browser_camera(websocket: WebSocket, camera: str, site: Site) -> None:
    tr = translator(language_of(websocket, site.services.configuration.settings.language))
    last = ""
    listening = asyncio.create_task(websocket.receive())
    try:
        while not listening.done():
            text = site.browser_camera_state(camera, tr)
            if text != last:
                last = text
                await websocket.send_text(text)
            await asyncio.wait({listening}, timeout=0.12)
    finally:
        listening.cancel()
