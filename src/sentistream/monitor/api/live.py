"""What happens now: newest moments, cameras and their pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path
from fastapi.responses import Response

from sentistream.monitor.api.access import Manager, ServicesHere, viewer
from sentistream.monitor.api.masks import Masks
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.values import Camera, Health, Now
from sentistream.monitor.services import Services

router = APIRouter(prefix="/api", tags=["Now"], dependencies=[Depends(viewer)])

CameraKey = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,64}$", description="The camera's key.")]


@router.get("/live", summary="The newest moment of each camera", responses=documented())
def live(services: ServicesHere) -> list[Now]:
    """Cameras that have seen nothing yet are left out."""
    seen = [services.bus.observation(key) for key in _keys(services)]
    return [Now.of(one) for one in seen if one is not None]


@router.get("/cameras", summary="All cameras and how they do", responses=documented())
def cameras(services: ServicesHere) -> list[Camera]:
    """Those of the configuration, and those of visitors that run now."""
    masks = Masks(services.configuration.settings)
    health = {one.camera: Health.of(one, masks.scrub(one.reason)) for one in services.bus.health()}
    configured = services.configuration.settings.cameras
    found = []
    for key in _keys(services):
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
    summary="Start a camera anew",
    status_code=204,
    responses=documented(403, 404, 422),
)
def restart(camera: CameraKey, services: ServicesHere, _: Manager) -> None:
    """At once, whatever its back-off; for managers."""
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
def preview(camera: CameraKey, services: ServicesHere) -> Response:
    """Faces and all that differs from the background are blurred unless the settings say otherwise.

    The camera makes pictures only while somebody looks: the first answer may be 404; ask again.
    """
    if not services.configuration.settings.privacy.preview:
        raise HTTPException(403, "Live pictures are switched off.")
    if camera not in _keys(services):
        raise HTTPException(404, "There is no such camera.")
    services.cameras.request_preview(camera)
    found = services.bus.preview(camera)
    if found is None:
        raise HTTPException(404, "There is no picture yet; ask again in a second.")
    return Response(found.jpeg, media_type="image/jpeg")


def _keys(services: Services) -> list[str]:
    running = {health.camera for health in services.bus.health()}
    return sorted(running | set(services.configuration.settings.cameras))
