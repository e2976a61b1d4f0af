"""Guided setup after the first login: camera, zones, opening hours, first alert, notice."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from sentistream.errors import InputError, SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager
from sentistream.monitor.cameras.camera_makers import (
    maker_of,
)
from sentistream.monitor.cameras.capture import DEMO, DEMO_CLIP
from sentistream.monitor.cameras.onvif import discover
from sentistream.monitor.cameras.trial_picture import take_trial_picture
from sentistream.monitor.cameras.worker_protocol import CameraOpener
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.settings import AlertRule, CameraSettings, Settings
from sentistream.monitor.translation import N_, Translator, translator
from sentistream.monitor.web.camera_pages import NEW, FormDep
from sentistream.monitor.web.form_data import (
    FieldProblemError,
    Form,
    attach_errors,
    first,
    unused_key,
    values_of,
)
from sentistream.monitor.web.form_fields import FormField, form_fields, format_points
from sentistream.monitor.web.new_camera_form import (
    camera_fields,
    camera_from_form,
    field_problem,
    trial_sentence,
)
from sentistream.monitor.web.site import Site, SiteDep
from sentistream.monitor.web.zone_form import (
    ZoneRow,
    mask_choices,
    row_problem,
    rows_from_form,
    zones_from_rows,
)

PRIVACY_FIELDS = ("controller", "contact", "purpose", "legal_basis")

STEPS = {
    "camera": N_("Camera"),
    "zones": N_("Zones"),
    "hours": N_("Opening hours"),
    "alert": N_("First alert"),
    "notice": N_("Notice for the door"),
}
"""In their order."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the setup, as its list shows it.

    Attributes:
        key: In its address.
        title: For people.
        is_done: Whether there is something of its kind.
    """

    key: str
    title: str
    is_done: bool


router: APIRouter = APIRouter(prefix="/start", include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    step: str,
    *,
    problems: Sequence[str] = (),
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    settings, tr = site.services.configuration.settings, site.translator(request)
    keys = list(STEPS)
    place = keys.index(step)
    return site.render(
        request,
        f"start_{step}",
        user=user,
        status=status,
        steps=steps(settings, tr),
        step=step,
        following=keys[place + 1] if place + 1 < len(keys) else "",
        cameras=settings.cameras,
        problems=problems,
        **values,
    )


@router.get("")
def start(_: CurrentManager, site: SiteDep) -> RedirectResponse:
    settings = site.services.configuration.settings
    return RedirectResponse(f"/start/{next_step(settings)}", 303)


@router.get("/camera")
def camera(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    fields = camera_fields({}, site.translator(request))
    return _show(site, request, user, "camera", fields=fields)


@router.post("/camera")
async def keep_camera(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep
) -> Response:
    tr = site.translator(request)
    try:
        made = await run_in_threadpool(camera_from_form, form, tr)
        key = await run_in_threadpool(_add, site, made)
    except FieldProblemError as error:
        fields = camera_fields(form, tr, error)
        return _show(site, request, user, "camera", fields=fields, status=422)
    except SentistreamError as error:
        fields = camera_fields(form, tr)
        problems = [tr.translate(error.message)]
        return _show(site, request, user, "camera", fields=fields, problems=problems, status=500)
    return RedirectResponse(f"/start/zones?camera={key}", 303)


@router.post("/camera/try")
async def try_camera(
    request: Request, _: CurrentManager, site: SiteDep, form: FormDep
) -> JSONResponse:
    """A picture of a camera that is not yet saved; or which field is wrong, and why."""
    tr = site.translator(request)
    settings = site.services.configuration.settings
    clip = site.services.cameras.state_folder / DEMO_CLIP
    try:
        made = await run_in_threadpool(camera_from_form, form, tr)
        opener = CameraOpener(made, clip)
        seen = await run_in_threadpool(
            take_trial_picture,
            opener,
            preview=settings.privacy.preview,
            blur=settings.privacy.blur and made.source.get_secret_value() != DEMO,
        )
    except FieldProblemError as error:
        return JSONResponse({"field": error.field, "problem": error.text}, 422)
    except InputError as error:
        found = field_problem(error, first(form, "maker"), tr)
        return JSONResponse({"field": found.field, "problem": found.text}, 422)
    jpeg = None if seen.jpeg is None else base64.b64encode(seen.jpeg).decode()
    return JSONResponse({"picture": jpeg, "message": trial_sentence(seen, settings, tr)})


@router.post("/camera/look")
async def look(request: Request, _: CurrentManager, site: SiteDep) -> JSONResponse:
    """Cameras that answer on the local network; searched only on request."""
    tr = site.translator(request)
    try:
        found = await run_in_threadpool(discover)
    except InputError as error:
        return JSONResponse({"problem": tr.translate(error.message), "cameras": []})
    return JSONResponse(
        {
            "message": tr.ngettext("1 camera was found.", "{n} cameras were found.", len(found))
            if found
            else tr.gettext(
                "No camera answered. In many, ONVIF must first be turned on in the camera's "
                "settings; you can enter the address by hand."
            ),
            "cameras": [
                {
                    "host": each.host,
                    "name": each.name or each.hardware or each.host,
                    "text": " · ".join(filter(None, (each.name, each.hardware, each.host))),
                    "maker": maker_of(each.name, each.hardware),
                    "service": each.service,
                }
                for each in found
            ],
        }
    )


@router.get("/zones")
def zones(request: Request, user: CurrentManager, site: SiteDep, camera: str = "") -> Response:
    cameras = site.services.configuration.settings.cameras
    key = camera if camera in cameras else next(iter(cameras), "")
    rows = [
        ZoneRow(n, zone.shown_name, zone.masked, format_points(zone.points), str(n))
        for n, zone in enumerate(cameras[key].zones if key else ())
    ]
    return _show(site, request, user, "zones", camera=key, rows=rows, masks=mask_choices(rows))


@router.post("/zones")
def keep_zones(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, camera: str = ""
) -> Response:
    tr = site.translator(request)
    rows = rows_from_form(form)

    def change(settings: Settings) -> dict[str, Any]:
        held = settings.cameras[camera]
        made = CameraSettings.model_validate(
            dict(held) | {"zones": zones_from_rows(rows, held.zones, tr)}
        )
        return {"cameras": {**settings.cameras, camera: made}}

    if camera not in site.services.configuration.settings.cameras:
        return RedirectResponse("/start/zones", 303)
    try:
        site.save(change)
    except (FieldProblemError, ValidationError, SentistreamError) as error:
        problem = row_problem(error, tr)
        return _show(
            site,
            request,
            user,
            "zones",
            camera=camera,
            rows=rows,
            masks=mask_choices(rows),
            problems=[problem],
            status=422,
        )
    return RedirectResponse("/start/hours", 303)


@router.get("/hours")
def hours(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    cameras = site.services.configuration.settings.cameras
    held = next((each for each in cameras.values() if each.hours), None)
    fields = _hours_fields({} if held is None else dict(held), site.translator(request))
    return _show(site, request, user, "hours", fields=fields, chosen=list(cameras))


@router.post("/hours")
def keep_hours(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    tr = site.translator(request)
    chosen = form.get("camera", [])
    values = values_of(_HOURS, form, None)

    def change(settings: Settings) -> dict[str, Any]:
        cameras = {
            key: CameraSettings.model_validate(dict(camera) | values) if key in chosen else camera
            for key, camera in settings.cameras.items()
        }
        return {"cameras": cameras}

    try:
        site.save(change)
    except ValidationError as error:
        fields = _hours_fields(values, tr)
        left = attach_errors(fields, error, tr)
        return _show(
            site, request, user, "hours", fields=fields, chosen=chosen, problems=left, status=422
        )
    except SentistreamError as error:
        fields = _hours_fields(values, tr)
        problems = [tr.translate(error.message)]
        return _show(
            site,
            request,
            user,
            "hours",
            fields=fields,
            chosen=chosen,
            problems=problems,
            status=500,
        )
    return RedirectResponse("/start/alert", 303)


@router.get("/alert")
def alert(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    rules = site.services.configuration.settings.alerts
    fields = alert_fields({}, site.translator(request))
    return _show(site, request, user, "alert", fields=fields, rules=rules)


@router.post("/alert")
def keep_alert(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    tr = site.translator(request)
    fields = alert_fields(form, tr)
    rules = site.services.configuration.settings.alerts
    values: dict[str, Any] = {
        "name": first(form, "name"),
        "minutes": first(form, "minutes"),
        "limit": _share(first(form, "limit")),
    }

    def change(settings: Settings) -> dict[str, Any]:
        taken = {rule.key for rule in settings.alerts}
        key = unused_key(str(values["name"]), taken, otherwise="alert")
        made = AlertRule.model_validate(values | {"key": key})
        return {"alerts": (*settings.alerts, made)}

    try:
        site.save(change)
    except ValidationError as error:
        left = attach_errors(fields, error, tr)
        return _show(
            site, request, user, "alert", fields=fields, rules=rules, problems=left, status=422
        )
    except SentistreamError as error:
        problems = [tr.translate(error.message)]
        return _show(
            site, request, user, "alert", fields=fields, rules=rules, problems=problems, status=500
        )
    return RedirectResponse("/start/notice", 303)


@router.get("/notice")
def notice(
    request: Request, user: CurrentManager, site: SiteDep, saved: bool = False
) -> HTMLResponse:
    privacy = site.services.configuration.settings.privacy
    fields = form_fields(_privacy(), dict(privacy), tr=site.translator(request))
    lacking = sum(not getattr(privacy, name).strip() for name in PRIVACY_FIELDS)
    return _show(site, request, user, "notice", fields=fields, saved=saved, lacking=lacking)


@router.post("/notice")
def keep_notice(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    tr = site.translator(request)
    values = {name: first(form, name) for name in PRIVACY_FIELDS}

    def change(settings: Settings) -> dict[str, Any]:
        kept = dict(settings.privacy) | values
        return {"privacy": type(settings.privacy).model_validate(kept)}

    try:
        site.save(change)
    except (ValidationError, SentistreamError) as error:
        fields = form_fields(_privacy(), values, tr=tr)
        problems = (
            attach_errors(fields, error, tr)
            if isinstance(error, ValidationError)
            else [tr.translate(error.message)]
        )
        return _show(
            site,
            request,
            user,
            "notice",
            fields=fields,
            saved=False,
            lacking=0,
            problems=problems,
            status=422,
        )
    return RedirectResponse("/start/notice?saved=true", 303)


def steps(settings: Settings, tr: Translator) -> list[Step]:
    """All steps, with their state."""
    cameras = settings.cameras.values()
    done = {
        "camera": bool(cameras),
        "zones": any(camera.zones for camera in cameras),
        "hours": any(camera.hours for camera in cameras),
        "alert": bool(settings.alerts),
        "notice": all(getattr(settings.privacy, name).strip() for name in PRIVACY_FIELDS),
    }
    return [Step(key, tr.gettext(title), done[key]) for key, title in STEPS.items()]


def next_step(settings: Settings) -> str:
    """The first step that is not done; the last if all are."""
    undone = (step.key for step in steps(settings, translator(SOURCE)) if not step.is_done)
    return next(undone, list(STEPS)[-1])


def _add(site: Site, made: CameraSettings) -> str:
    key = ""

    def change(settings: Settings) -> dict[str, Any]:
        nonlocal key
        key = unused_key(made.name, {*settings.cameras, NEW}, otherwise="camera")
        return {"cameras": {**settings.cameras, key: made}}

    site.save(change)
    return key


_HOURS = {"hours": CameraSettings.model_fields["hours"]}


def _hours_fields(values: Mapping[str, Any], tr: Translator) -> list[FormField]:
    return form_fields(_HOURS, values, tr=tr)


def _privacy() -> dict[str, Any]:
    fields: Any = Settings.model_fields["privacy"].annotation
    return {name: fields.model_fields[name] for name in PRIVACY_FIELDS}


def alert_fields(form: Form | Mapping[str, list[str]], tr: Translator) -> list[FormField]:
    """The fields of the first alert, with suggested values if none were sent."""
    fields = form_fields(
        {name: AlertRule.model_fields[name] for name in ("name", "limit", "minutes")}, {}, tr=tr
    )
    suggested = {"name": tr.gettext("Many negative faces"), "limit": "40", "minutes": "10"}
    for each in fields:
        each.value = form.get(each.name, [suggested[each.name]])[0]
        each.required = False
    name, limit, _ = fields
    name.description = tr.gettext("What the alert is called in messages.")
    limit.minimum, limit.maximum = "0", "100"
    limit.title = tr.gettext("Negative, per cent")
    limit.description = tr.gettext("The share of the time of faces, in per cent.")
    return fields


def _share(percent: str) -> Any:
    try:
        return float(percent.replace(",", ".")) / 100
    except ValueError:
        return percent
