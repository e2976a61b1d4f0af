"""A visitor's own camera and microphone, over WebRTC."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import Field

from sentistream.monitor.api.access import ServicesHere, Viewer, viewer
from sentistream.monitor.api.live import CameraKey
from sentistream.monitor.api.problems import documented
from sentistream.monitor.api.values import Question, Value

router = APIRouter(prefix="/api", tags=["Now"], dependencies=[Depends(viewer)])

LONGEST_OFFER = 65_536
"""Characters of a browser's offer."""
_MOST = 256


class Owners:
    """Which login brought which camera; who brought it may end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def add(self, camera: str, digest: str) -> None:
        """Remembers a camera, and forgets the oldest of too many."""
        with self._lock:
            self._owners[camera] = digest
            while len(self._owners) > _MOST:
                self._owners.popitem(last=False)

    def take(self, camera: str, digest: str | None) -> bool:
        """Forgets a camera if it is this login's (None: anybody's); whether it was."""
        with self._lock:
            owner = self._owners.get(camera)
            if owner is None or digest not in (None, owner):
                return False
            del self._owners[camera]
            return True


def _owners(request: Request) -> Owners:
    owners: Owners = request.app.state.owners
    return owners


OwnersHere = Annotated[Owners, Depends(_owners)]


class Offer(Question):
    """What a browser offers."""

    type: Literal["offer"] = "offer"
    sdp: str = Field(min_length=1, max_length=LONGEST_OFFER, description="The session description.")


class Answer(Value):
    """What the monitor answers."""

    type: Literal["answer"] = "answer"
    sdp: str = Field(description="The session description.")
    camera: str = Field(description="The temporary camera's key.")


@router.post(
    "/browser-camera",
    summary="Watch with the visitor's own camera",
    responses=documented(400, 403, 422),
)
async def offer(
    body: Offer, services: ServicesHere, owners: OwnersHere, identity: Viewer
) -> Answer:
    """Takes the browser's WebRTC offer; end it with DELETE when done."""
    if services.configuration.settings.server.browser_cameras == 0:
        raise HTTPException(403, "Visitors' cameras are switched off.")
    camera, sdp = await services.cameras.connect_browser(body.sdp)
    owners.add(camera, identity.digest)
    return Answer(sdp=sdp, camera=camera)


@router.delete(
    "/browser-camera/{camera}",
    summary="End a visitor's camera",
    status_code=204,
    responses=documented(404, 422),
)
def dismiss(
    camera: CameraKey, services: ServicesHere, owners: OwnersHere, identity: Viewer
) -> None:
    """One's own, or anybody's for managers."""
    if not owners.take(camera, None if identity.user.is_manager else identity.digest):
        raise HTTPException(404, "There is no such visitor's camera.")
    services.cameras.disconnect_browser(camera)
