"""The settings: looked at and changed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request

from sentistream.monitor.api.access import ServicesHere, manager
from sentistream.monitor.api.changes import changed
from sentistream.monitor.api.masks import Masks
from sentistream.monitor.api.problems import documented
from sentistream.monitor.settings import Settings

router = APIRouter(prefix="/api/settings", tags=["Settings"], dependencies=[Depends(manager)])


@router.get("", summary="All settings", responses=documented(403))
def settings(services: ServicesHere) -> dict[str, Any]:
    """Secrets are masked; for managers."""
    return Masks(services.configuration.settings).shown


@router.get("/schema", summary="What can be set", responses=documented(403))
def schema() -> dict[str, Any]:
    """JSON Schema: each setting with title, description, bounds and default; for managers."""
    return Settings.model_json_schema()


@router.patch("", summary="Change settings", responses=documented(400, 403, 422))
def change(
    request: Request,
    services: ServicesHere,
    patch: Annotated[
        dict[str, Any],
        Body(description="A merge patch (RFC 7396) of what GET answers; masks keep secrets."),
    ],
) -> dict[str, Any]:
    """In force at once, for the cameras that change alone; for managers.

    Addresses, ports, files and the database are changed in the configuration file alone (403).
    """
    with request.app.state.changing:
        new = changed(services.configuration.settings, patch)
        services.configuration.change(new)
    return Masks(new).shown
