"""Cameras over REST: newest moments, state, previews, restart, and browser cameras over WebRTC."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import Response
from pydantic import Field

from sentistream.monitor.api.auth import Manager, ServicesDep, Viewer, viewer
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.schemas import (
    Camera,
    Health,
    LatestObservation,
    RequestBody,
    ResponseBody,
)
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.services import Services

router: APIRouter = APIRouter(prefix="/api", tags=["Now"], dependencies=[Depends(viewer)])

CameraKey = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,64}$", description="The camera's key.")]


@router.get("/live", summary="The newest moment of each camera", responses=documented())
def live(services: ServicesDep) -> list[LatestObservation]:
    """Without cameras that have seen nothing yet, and without visitors' own cameras."""
    settings = services.configuration.settings
    keys = [key for key in _camera_keys(services) if is_own_camera(key, settings)]
    seen = [services.bus.observation(key) for key in keys]
    return [LatestObservation.of(one) for one in seen if one is not None]


@router.get("/cameras", summary="All cameras and how they do", responses=documented())
def cameras(services: ServicesDep) -> list[Camera]:
    """The configured ones, and those of visitors that are running."""
    masks = SecretMasks(services.configuration.settings)
    health = {one.camera: Health.of(one, masks.redact(one.reason)) for one in services.bus.health()}
    configured = services.configuration.settings.cameras
    found = []
    for key in _camera_keys(services):
        camera = configured.get(key)
        found.append(
            Camera(
                key=key,
                name=key if camera is None else camera.name,
                source="" if camera is None else camera.redacted_source,
                enabled=camera is None or camera.enabled,
                health=health.get(key),
            )
        )
    return found


@router.post(
    "/cameras/{camera}/restart",
    summary="Restart a camera",
    status_code=204,
    responses=documented(403, 404, 422),
)
def restart(camera: CameraKey, services: ServicesDep, _: Manager) -> None:
    """Immediately, regardless of its back-off; for managers."""
    try:
        services.cameras.restart(camera)
    except KeyError:
        raise HTTPException(404, "There is no such camera.") from None


@router.get(
    "/cameras/{camera}/preview.jpg",
    summary="A camera's live picture",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **documented(403, 404, 422),
    },
)
def preview(camera: CameraKey, services: ServicesDep) -> Response:
    """Faces and whatever differs from the background are blurred unless the settings say otherwise.

    The camera makes pictures only while somebody looks: the first answer may be 404; ask again.
    """
    if not services.configuration.settings.privacy.preview:
        raise HTTPException(403, "Live pictures are turned off.")
    if camera not in _camera_keys(services):
        raise HTTPException(404, "There is no such camera.")
    services.cameras.request_preview(camera)
    found = services.bus.preview(camera)
    if found is None:
        raise HTTPException(404, "There is no picture yet; ask again in a second.")
    return Response(found.jpeg, media_type="image/jpeg")


def _camera_keys(services: Services) -> list[str]:
    running = {health.camera for health in services.bus.health()}
    return sorted(running | set(services.configuration.settings.cameras))


_OWNERS_KEPT = 256


class BrowserCameraOwners:
    """Which login owns which browser camera; only the owner may end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def add(self, camera: str, digest: str) -> None:
        """Remembers a camera, and drops the oldest of too many."""
        with self._lock:
            self._owners[camera] = digest
            while len(self._owners) > _OWNERS_KEPT:
                self._owners.popitem(last=False)

    def owns(self, camera: str, digest: str) -> bool:
        """Whether this login owns the camera."""
        with self._lock:
            return self._owners.get(camera) == digest

    def take(self, camera: str, digest: str | None) -> bool:
        """Removes a camera if this login owns it (None: any login); returns whether it did."""
        with self._lock:
            owner = self._owners.get(camera)
            if owner is None or digest not in (None, owner):
                return False
            del self._owners[camera]
            return True


def _owners(request: Request) -> BrowserCameraOwners:
    owners: BrowserCameraOwners = request.app.state.owners
    return owners


OwnersDep = Annotated[BrowserCameraOwners, Depends(_owners)]


MAX_OFFER = 65_536
"""Characters of a browser's offer."""


class Offer(RequestBody):
    """A browser's offer."""

    type: Literal["offer"] = "offer"
    sdp: str = Field(min_length=1, max_length=MAX_OFFER, description="The session description.")


class Answer(ResponseBody):
    """The monitor's answer."""

    type: Literal["answer"] = "answer"
    sdp: str = Field(description="The session description.")
    camera: str = Field(description="The temporary camera's key.")


@router.post(
    "/browser-camera",
    summary="Watch with the visitor's own camera",
    responses=documented(400, 403, 422),
)
async def offer(body: Offer, services: ServicesDep, owners: OwnersDep, identity: Viewer) -> Answer:
    """Accepts the browser's WebRTC offer; end it with DELETE when done."""
    if services.configuration.settings.server.browser_cameras == 0:
        raise HTTPException(403, "Visitors' cameras are turned off.")
    camera, sdp = await services.cameras.connect_browser(body.sdp)
    owners.add(camera, identity.digest)
    return Answer(sdp=sdp, camera=camera)


@router.delete(
    "/browser-camera/{camera}",
    summary="End a visitor's camera",
    status_code=204,
    responses=documented(404, 422),
)
def dismiss(camera: CameraKey, services: ServicesDep, owners: OwnersDep, identity: Viewer) -> None:
    """Your own, or anybody's for managers."""
    if not owners.take(camera, None if identity.user.is_manager else identity.digest):
        raise HTTPException(404, "There is no such visitor's camera.")
    services.cameras.disconnect_browser(camera)
