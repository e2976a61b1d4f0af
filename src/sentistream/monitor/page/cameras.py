"""The cameras' forms: add, change, remove, draw zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.page.alerts import key_from
from sentistream.monitor.page.fields import FormField, form_fields
from sentistream.monitor.page.forms import Form, blame, sent_form, values_of
from sentistream.monitor.page.saving import save
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Manager
from sentistream.monitor.settings import CameraSettings, Settings

SentForm = Annotated[Form, Depends(sent_form)]
NEW = "new"


class CameraProblemError(Exception):
    """Something that only shows beside the other cameras."""


def camera_routes(page: PageState, sections: Mapping[str, object]) -> APIRouter:
    """The routes of the cameras' settings."""
    routes = APIRouter(prefix="/settings/cameras")

    def show(
        request: Request,
        user: User,
        key: str,
        *,
        fields: list[FormField] | None = None,
        problems: Sequence[str] = (),
        saved: bool = False,
        status: int = 200,
    ) -> HTMLResponse:
        camera = page.services.configuration.settings.cameras.get(key)
        if fields is None:
            fields = form_fields(
                CameraSettings.model_fields,
                {} if camera is None else dict(camera),
                group="camerasettings",
                say=page.say(request),
            )
        source = next(each for each in fields if each.name == "source")
        source.required = camera is None
        source.hint = "" if camera is None else camera.redacted_source
        return page.render(
            request,
            "settings_camera",
            user=user,
            status=status,
            key=key if camera is not None else "",
            camera=camera,
            sections=sections,
            fields=fields,
            problems=problems,
            saved=saved,
        )

    @routes.get("/{key}")
    def camera(request: Request, user: Manager, key: str, saved: bool = False) -> Response:
        if key != NEW and key not in page.services.configuration.settings.cameras:
            return RedirectResponse("/settings", 303)
        return show(request, user, key, saved=saved)

    @routes.post("/{key}")
    def keep(request: Request, user: Manager, form: SentForm, key: str) -> Response:
        say = page.say(request)
        target = key

        def change(settings: Settings) -> dict[str, Any]:
            nonlocal target
            held = settings.cameras.get(key)
            if held is None and key != NEW:
                raise CameraProblemError(say("camera.gone"))
            made = CameraSettings.model_validate(values_of(CameraSettings.model_fields, form, held))
            if held is None:
                target = _free_key(made.name, settings)
            return {"cameras": {**settings.cameras, target: made}}

        try:
            save(page, change)
        except ValidationError as error:
            held = page.services.configuration.settings.cameras.get(key)
            values = values_of(CameraSettings.model_fields, form, held)
            fields = form_fields(
                CameraSettings.model_fields, values, group="camerasettings", say=say
            )
            left = blame(fields, error, say)
            return show(request, user, key, fields=fields, problems=left, status=422)
        except (SentistreamError, CameraProblemError) as error:
            return show(request, user, key, problems=[say.reasons(str(error))], status=409)
        return RedirectResponse(f"/settings/cameras/{target}?saved=true", 303)

    @routes.post("/{key}/remove")
    def remove(request: Request, user: Manager, form: SentForm, key: str) -> Response:
        say = page.say(request)

        def change(settings: Settings) -> dict[str, Any]:
            watching = [rule.name for rule in settings.alerts if rule.camera == key]
            if watching:
                raise CameraProblemError(say("camera.watched", names=", ".join(watching)))
            return {
                "cameras": {name: each for name, each in settings.cameras.items() if name != key}
            }

        try:
            save(page, change)
        except (SentistreamError, CameraProblemError) as error:
            return show(request, user, key, problems=[say.reasons(str(error))], status=409)
        return RedirectResponse("/settings", 303)

    return routes


def _free_key(name: str, settings: Settings) -> str:
    key = key_from(name)[:36].strip("-") or "camera"
    taken = {*settings.cameras, NEW}
    if key not in taken:
        return key
    return next(f"{key}-{n}" for n in range(2, 1000) if f"{key}-{n}" not in taken)
