"""The cameras' forms: add, change, remove, draw zones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager
from sentistream.monitor.cameras.capture import file_problem
from sentistream.monitor.settings import CameraSettings, Settings
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.form_data import (
    Form,
    attach_errors,
    first,
    origins,
    read_form,
    unused_key,
    values_of,
)
from sentistream.monitor.web.form_fields import FormField, form_fields
from sentistream.monitor.web.settings_pages import SECTIONS
from sentistream.monitor.web.site import Site, SiteDep

FormDep = Annotated[Form, Depends(read_form)]
NEW = "new"


class CameraInUseError(Exception):
    """An error that only shows in combination with other cameras."""


class SourceProblemError(Exception):
    """A missing file or device."""


router: APIRouter = APIRouter(prefix="/settings/cameras", include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    key: str,
    *,
    fields: list[FormField] | None = None,
    problems: Sequence[str] = (),
    saved: bool = False,
    status: int = 200,
) -> HTMLResponse:
    camera = site.services.configuration.settings.cameras.get(key)
    if fields is None:
        fields = form_fields(
            CameraSettings.model_fields,
            {} if camera is None else dict(camera),
            tr=site.translator(request),
        )
    source = _source(fields)
    source.required = camera is None
    source.hint = "" if camera is None else camera.redacted_source
    return site.render(
        request,
        "settings_camera",
        user=user,
        status=status,
        key=key if camera is not None else "",
        camera=camera,
        sections=SECTIONS,
        fields=fields,
        problems=problems,
        saved=saved,
    )


def _sent(site: Site, form: Form, key: str, tr: Translator) -> list[FormField]:
    """The fields as sent; a source is shown again if it contains no secret."""
    held = site.services.configuration.settings.cameras.get(key)
    fields = form_fields(
        CameraSettings.model_fields,
        values_of(CameraSettings.model_fields, form, held),
        tr=tr,
    )
    origins(form, fields)
    typed = first(form, "source")
    if "@" not in typed and "?" not in typed:
        _source(fields).value = typed
    return fields


@router.get("/{key}")
def camera(
    request: Request, user: CurrentManager, site: SiteDep, key: str, saved: bool = False
) -> Response:
    if key != NEW and key not in site.services.configuration.settings.cameras:
        return RedirectResponse("/settings", 303)
    return _show(site, request, user, key, saved=saved)


@router.post("/{key}")
def keep(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, key: str
) -> Response:
    tr = site.translator(request)
    target = key

    def change(settings: Settings) -> dict[str, Any]:
        nonlocal target
        held = settings.cameras.get(key)
        if held is None and key != NEW:
            raise CameraInUseError(tr.gettext("This camera no longer exists."))
        made = CameraSettings.model_validate(values_of(CameraSettings.model_fields, form, held))
        # an existing one may come back later
        typed = first(form, "source")
        if typed and (wrong := file_problem(typed)):
            raise SourceProblemError(tr.translate(wrong))
        if held is None:
            target = unused_key(made.name, {*settings.cameras, NEW}, otherwise="camera")
        return {"cameras": {**settings.cameras, target: made}}

    try:
        site.save(change)
    except ValidationError as error:
        fields = _sent(site, form, key, tr)
        left = attach_errors(fields, error, tr)
        return _show(site, request, user, key, fields=fields, problems=left, status=422)
    except SourceProblemError as error:
        fields = _sent(site, form, key, tr)
        _source(fields).error = str(error)
        return _show(site, request, user, key, fields=fields, status=422)
    except (SentistreamError, CameraInUseError) as error:
        fields = _sent(site, form, key, tr)
        return _show(
            site,
            request,
            user,
            key,
            fields=fields,
            problems=[_error_sentence(error, tr)],
            status=409,
        )
    return RedirectResponse(f"/settings/cameras/{target}?saved=true", 303)


@router.post("/{key}/remove")
def remove(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, key: str
) -> Response:
    tr = site.translator(request)

    def change(settings: Settings) -> dict[str, Any]:
        watching = [rule.name for rule in settings.alerts if rule.camera == key]
        if watching:
            raise CameraInUseError(
                tr.gettext(
                    "Alert rules use this camera: {names}. Edit or remove them first.",
                    names=", ".join(watching),
                )
            )
        return {"cameras": {name: each for name, each in settings.cameras.items() if name != key}}

    try:
        site.save(change)
    except (SentistreamError, CameraInUseError) as error:
        return _show(site, request, user, key, problems=[_error_sentence(error, tr)], status=409)
    return RedirectResponse("/settings", 303)


def _source(fields: Sequence[FormField]) -> FormField:
    return next(each for each in fields if each.name == "source")


def _error_sentence(error: SentistreamError | CameraInUseError, tr: Translator) -> str:
    return tr.translate(error.message) if isinstance(error, SentistreamError) else str(error)
