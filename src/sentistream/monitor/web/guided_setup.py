"""Guided set-up after the first login: camera, zones, opening hours, first alert, notice."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from sentistream.errors import InputError, SentistreamError
from sentistream.media import list_cameras
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager
from sentistream.monitor.cameras.camera_makers import (
    MAKERS,
    address_of,
    is_whole_address,
    maker_of,
)
from sentistream.monitor.cameras.capture import DEMO, DEMO_CLIP, MIN_SMALL_SIDE, file_problem
from sentistream.monitor.cameras.onvif import discover, find_streams
from sentistream.monitor.cameras.trial_picture import TrialPicture, take_trial_picture
from sentistream.monitor.cameras.worker_protocol import CameraOpener
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.settings import AlertRule, CameraSettings, Settings, Zone
from sentistream.monitor.settings.camera_settings import source_problem
from sentistream.monitor.translation import N_, Translator, translator
from sentistream.monitor.web.camera_pages import NEW, FormDep
from sentistream.monitor.web.form_data import (
    Form,
    attach_errors,
    first,
    problem,
    row_numbers,
    slug,
    unused_key,
    values_of,
)
from sentistream.monitor.web.form_fields import FormField, Kind, form_fields, format_points
from sentistream.monitor.web.site import Site

ONVIF, ADDRESS, WEBCAM = "onvif", "address", "webcam-"
"""Ways to name a camera, besides the makers."""

PRIVACY_FIELDS = ("controller", "contact", "purpose", "legal_basis")

STEPS = {
    "camera": N_("Camera"),
    "zones": N_("Zones"),
    "hours": N_("Opening hours"),
    "alert": N_("First alert"),
    "notice": N_("Notice for the door"),
}
"""In their order."""

WRONG_LOGIN = (
    "{name} cannot be opened: wrong user or password.",
    "{name} refuses the user or the password.",
)
"""Problems that stand beside the password, not the address."""


class FieldProblemError(Exception):
    """Something is wrong with one field of a form.

    Attributes:
        field: Its name.
        text: What, in the visitor's language.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the set-up, as its list shows it.

    Attributes:
        key: In its address.
        title: For people.
        is_done: Whether there is something of its kind.
    """

    key: str
    title: str
    is_done: bool


def guided_setup_routes(site: Site) -> APIRouter:
    """The routes of the set-up; for managers."""
    routes = APIRouter(prefix="/start")

    def show(
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

    @routes.get("")
    def start(_: CurrentManager) -> RedirectResponse:
        settings = site.services.configuration.settings
        return RedirectResponse(f"/start/{next_step(settings)}", 303)

    @routes.get("/camera")
    def camera(request: Request, user: CurrentManager) -> HTMLResponse:
        fields = camera_fields({}, site.translator(request))
        return show(request, user, "camera", fields=fields)

    @routes.post("/camera")
    async def keep_camera(request: Request, user: CurrentManager, form: FormDep) -> Response:
        tr = site.translator(request)
        try:
            made = await run_in_threadpool(_camera, form, tr)
            key = await run_in_threadpool(_add, site, made)
        except FieldProblemError as error:
            fields = camera_fields(form, tr, error)
            return show(request, user, "camera", fields=fields, status=422)
        except SentistreamError as error:
            fields = camera_fields(form, tr)
            problems = [tr.translate(error.message)]
            return show(request, user, "camera", fields=fields, problems=problems, status=500)
        return RedirectResponse(f"/start/zones?camera={key}", 303)

    @routes.post("/camera/try")
    async def try_camera(request: Request, _: CurrentManager, form: FormDep) -> JSONResponse:
        """A picture of a camera that is not yet saved; or which field is wrong, and why."""
        tr = site.translator(request)
        settings = site.services.configuration.settings
        clip = site.services.cameras.state_folder / DEMO_CLIP
        try:
            made = await run_in_threadpool(_camera, form, tr)
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
            found = _problem_of(error, first(form, "maker"), tr)
            return JSONResponse({"field": found.field, "problem": found.text}, 422)
        jpeg = None if seen.jpeg is None else base64.b64encode(seen.jpeg).decode()
        return JSONResponse({"picture": jpeg, "told": trial_in_words(seen, settings, tr)})

    @routes.post("/camera/look")
    async def look(request: Request, _: CurrentManager) -> JSONResponse:
        """Cameras of the local network that answer; only looked for when somebody asks."""
        tr = site.translator(request)
        try:
            found = await run_in_threadpool(discover)
        except InputError as error:
            return JSONResponse({"problem": tr.translate(error.message), "cameras": []})
        return JSONResponse(
            {
                "told": tr.ngettext("1 camera was found.", "{n} cameras were found.", len(found))
                if found
                else tr.gettext(
                    "No camera answered. Many have to be told in their own settings to answer "
                    "ONVIF; you can enter the address by hand."
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

    @routes.get("/zones")
    def zones(request: Request, user: CurrentManager, camera: str = "") -> Response:
        cameras = site.services.configuration.settings.cameras
        key = camera if camera in cameras else next(iter(cameras), "")
        rows = [
            zone_row(n, zone.shown_name, zone.masked, format_points(zone.points), str(n))
            for n, zone in enumerate(cameras[key].zones if key else ())
        ]
        return show(request, user, "zones", camera=key, rows=rows, masks=_masks(rows))

    @routes.post("/zones")
    def keep_zones(
        request: Request, user: CurrentManager, form: FormDep, camera: str = ""
    ) -> Response:
        tr = site.translator(request)
        rows = _sent_rows(form)

        def change(settings: Settings) -> dict[str, Any]:
            held = settings.cameras[camera]
            made = CameraSettings.model_validate(
                dict(held) | {"zones": _zones(rows, held.zones, tr)}
            )
            return {"cameras": {**settings.cameras, camera: made}}

        if camera not in site.services.configuration.settings.cameras:
            return RedirectResponse("/start/zones", 303)
        try:
            site.save(change)
        except (FieldProblemError, ValidationError, SentistreamError) as error:
            told = _row_problem(error, tr)
            return show(
                request,
                user,
                "zones",
                camera=camera,
                rows=rows,
                masks=_masks(rows),
                problems=[told],
                status=422,
            )
        return RedirectResponse("/start/hours", 303)

    @routes.get("/hours")
    def hours(request: Request, user: CurrentManager) -> HTMLResponse:
        cameras = site.services.configuration.settings.cameras
        held = next((each for each in cameras.values() if each.hours), None)
        fields = _hours_fields({} if held is None else dict(held), site.translator(request))
        return show(request, user, "hours", fields=fields, chosen=list(cameras))

    @routes.post("/hours")
    def keep_hours(request: Request, user: CurrentManager, form: FormDep) -> Response:
        tr = site.translator(request)
        chosen = form.get("camera", [])
        values = values_of(_HOURS, form, None)

        def change(settings: Settings) -> dict[str, Any]:
            cameras = {
                key: CameraSettings.model_validate(dict(camera) | values)
                if key in chosen
                else camera
                for key, camera in settings.cameras.items()
            }
            return {"cameras": cameras}

        try:
            site.save(change)
        except ValidationError as error:
            fields = _hours_fields(values, tr)
            left = attach_errors(fields, error, tr)
            return show(
                request, user, "hours", fields=fields, chosen=chosen, problems=left, status=422
            )
        except SentistreamError as error:
            fields = _hours_fields(values, tr)
            problems = [tr.translate(error.message)]
            return show(
                request, user, "hours", fields=fields, chosen=chosen, problems=problems, status=500
            )
        return RedirectResponse("/start/alert", 303)

    @routes.get("/alert")
    def alert(request: Request, user: CurrentManager) -> HTMLResponse:
        rules = site.services.configuration.settings.alerts
        fields = alert_fields({}, site.translator(request))
        return show(request, user, "alert", fields=fields, rules=rules)

    @routes.post("/alert")
    def keep_alert(request: Request, user: CurrentManager, form: FormDep) -> Response:
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
            return show(
                request, user, "alert", fields=fields, rules=rules, problems=left, status=422
            )
        except SentistreamError as error:
            problems = [tr.translate(error.message)]
            return show(
                request, user, "alert", fields=fields, rules=rules, problems=problems, status=500
            )
        return RedirectResponse("/start/notice", 303)

    @routes.get("/notice")
    def notice(request: Request, user: CurrentManager, saved: bool = False) -> HTMLResponse:
        privacy = site.services.configuration.settings.privacy
        fields = form_fields(_privacy(), dict(privacy), tr=site.translator(request))
        lacking = sum(not getattr(privacy, name).strip() for name in PRIVACY_FIELDS)
        return show(request, user, "notice", fields=fields, saved=saved, lacking=lacking)

    @routes.post("/notice")
    def keep_notice(request: Request, user: CurrentManager, form: FormDep) -> Response:
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
            return show(
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

    return routes


def steps(settings: Settings, tr: Translator) -> list[Step]:
    """All steps, with what is done already."""
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
    """The first step that nothing was done for; the last where all are done."""
    undone = (step.key for step in steps(settings, translator(SOURCE)) if not step.is_done)
    return next(undone, list(STEPS)[-1])


def camera_fields(
    form: Form | Mapping[str, list[str]], tr: Translator, error: FieldProblemError | None = None
) -> list[FormField]:
    """The fields of a new camera."""
    webcams = [
        (f"{WEBCAM}{camera.index}", tr.gettext("Webcam: {name}", name=camera.name or camera.index))
        for camera in list_cameras()
    ]
    makers = sorted((maker.name, key) for key, maker in MAKERS.items())
    choices = [
        (ONVIF, tr.gettext("Network camera of any maker, by ONVIF")),
        *((key, name) for name, key in makers),
        (ADDRESS, tr.gettext("Another one: I know its stream address")),
        *webcams,
        (DEMO, tr.gettext("The demonstration clip, to try things out")),
    ]
    fields = [
        FormField(
            name="maker",
            kind=Kind.CHOICE,
            title=tr.gettext("Kind of camera"),
            description=tr.gettext("If in doubt, the first: it asks the camera itself."),
            value=ONVIF,
            choices=tuple(choices),
        ),
        FormField(
            name="host",
            kind=Kind.TEXT,
            title=tr.gettext("Address"),
            description=tr.gettext(
                "As in the list of devices of your router, for instance 192.168.1.20; a port "
                "follows after a colon. A whole address begins with rtsp://."
            ),
            longest=500,
        ),
        FormField(
            name="user",
            kind=Kind.TEXT,
            title=tr.gettext("User name of the camera"),
            description="",
            longest=120,
        ),
        FormField(
            name="password",
            kind=Kind.SECRET,
            title=tr.gettext("Password of the camera"),
            description=tr.gettext(
                "Often on a sticker, or set in the app of its maker. It is kept on this machine "
                "and never shown."
            ),
        ),
        FormField(
            name="channel",
            kind=Kind.NUMBER,
            title=tr.gettext("Channel"),
            description=tr.gettext("Which camera of a recorder; 1 for a camera by itself."),
            value="1",
            minimum="1",
            maximum="64",
            step="1",
        ),
        FormField(
            name="name",
            kind=Kind.TEXT,
            title=tr.gettext("What you call it"),
            description=tr.gettext("For instance Entrance."),
            longest=80,
        ),
    ]
    for each in fields:
        if each.name in form and each.kind is not Kind.SECRET:
            each.value = form[each.name][0]
        if error is not None and each.name == error.field:
            each.error = error.text
    return fields


def trial_in_words(seen: TrialPicture, settings: Settings, tr: Translator) -> str:
    """What a trial has shown."""
    told = [
        tr.gettext(
            "It works: {width} × {height} pixels.",  # noqa: RUF001
            width=seen.width,
            height=seen.height,
        ),
        tr.gettext("Sound comes with it.") if seen.sound else tr.gettext("No sound came with it."),
    ]
    if seen.faces:
        told.append(tr.ngettext("1 face was found.", "{n} faces were found.", seen.faces))
    if not settings.privacy.preview:
        told.append(tr.gettext("Live pictures are turned off, so the picture is not shown."))
    elif settings.privacy.blur:
        told.append(tr.gettext("The picture is shown coarsely, so that nobody is recognized."))
    return " ".join(told)


def _camera(form: Form, tr: Translator) -> CameraSettings:
    """The camera that a form describes; asks it for its stream where that is wanted."""
    name = first(form, "name")
    values = _source(form, tr)
    if missing := file_problem(values["source"]):
        field = "maker" if first(form, "maker").startswith(WEBCAM) else "host"
        raise FieldProblemError(field, tr.translate(missing))
    try:
        return CameraSettings.model_validate({**values, "name": name or _default_name(form, tr)})
    except ValidationError as error:
        fields = camera_fields(form, tr)
        by_name = {"source": "host"}
        for one in error.errors(include_url=False, include_input=False):
            field = by_name.get(str(one["loc"][0]), str(one["loc"][0])) if one["loc"] else "host"
            found = next((each for each in fields if each.name == field), fields[1])
            attach_errors([found], error, tr)
            raise FieldProblemError(
                found.name, found.error or tr.gettext("This value is not valid; see below.")
            ) from None
        raise


def _default_name(form: Form, tr: Translator) -> str:
    maker = first(form, "maker")
    if maker == DEMO:
        return tr.gettext("Demonstration")
    if maker.startswith(WEBCAM):
        return tr.gettext("Webcam")
    return tr.gettext("Camera")


def _source(form: Form, tr: Translator) -> dict[str, str]:
    """The source for the settings, and a smaller stream where the camera tells of one."""
    maker, host = first(form, "maker"), first(form, "host")
    # a password may begin or end with a space
    user, password = first(form, "user"), form.get("password", [""])[0]
    if maker == DEMO:
        return {"source": DEMO}
    if maker.startswith(WEBCAM):
        return {"source": maker.removeprefix(WEBCAM)}
    if not host:
        raise FieldProblemError("host", tr.gettext("This field is required."))
    if maker == ADDRESS or is_whole_address(host):
        if wrong := source_problem(host):
            told = tr.translate(wrong)
            raise FieldProblemError("host", f"{told[:1].upper()}{told[1:].rstrip('.')}.")
        return {"source": _with_login(host, user, password)}
    channel = first(form, "channel") or "1"
    if not channel.isdecimal() or not 1 <= int(channel) <= 64:
        raise FieldProblemError("channel", tr.gettext("Enter a whole number."))
    try:
        if maker in MAKERS:
            source = address_of(maker, host, user=user, password=password, channel=int(channel))
            return {"source": source}
        # checks that it is a host before anything is sent there
        address_of(next(iter(MAKERS)), host)
        service = urlsplit(first(form, "service"))
        is_its_own = service.scheme in ("http", "https") and (
            service.hostname == urlsplit(f"//{host}").hostname
        )
        own = service.geturl() if is_its_own else ""
        streams = find_streams(host, user, password, service=own, enough=MIN_SMALL_SIDE)
        return {"source": streams.main, "small_source": streams.small}
    except ValueError:
        raise FieldProblemError(
            "host",
            tr.gettext("Enter a host only, such as 192.168.1.20 or camera.local:8554."),
        ) from None
    except InputError as error:
        raise _problem_of(error, maker, tr) from None


def _with_login(address: str, user: str, password: str) -> str:
    """A whole address with a user that was given beside it, unless it has one."""
    scheme, mark, rest = address.partition("://")
    if not mark or not user or "@" in rest.partition("/")[0]:
        return address
    login = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    return f"{scheme}://{login}@{rest}"


def _problem_of(error: InputError, maker: str, tr: Translator) -> FieldProblemError:
    """A camera that cannot be opened, beside the field that is most likely wrong."""
    template = getattr(error.problem, "template", error.problem)
    if template in WRONG_LOGIN:
        # the way out speaks of an address; here are fields of their own
        return FieldProblemError("password", tr.translate(error.problem))
    field = "maker" if maker == DEMO or maker.startswith(WEBCAM) else "host"
    return FieldProblemError(
        field, " ".join(filter(None, map(tr.translate, (error.problem, error.way_out))))
    )


def _add(site: Site, made: CameraSettings) -> str:
    key = ""

    def change(settings: Settings) -> dict[str, Any]:
        nonlocal key
        key = unused_key(made.name, {*settings.cameras, NEW}, otherwise="camera")
        return {"cameras": {**settings.cameras, key: made}}

    site.save(change)
    return key


@dataclass(slots=True)
class ZoneRow:
    """A zone in the form of the set-up.

    Attributes:
        number: In the form.
        title: Its display name.
        masked: As in the settings.
        points: Its corners, as one may write them.
        was: Which zone of the settings it has been; empty for a new one.
        error: What is wrong with it.
    """

    number: int
    title: str
    masked: str
    points: str
    was: str
    error: str = ""


def zone_row(number: int, title: str, masked: str, points: str, was: str) -> ZoneRow:
    """A row of the form."""
    return ZoneRow(number, title, masked, points, was)


def _masks(rows: Sequence[ZoneRow]) -> list[tuple[str, str]]:
    """What a zone may be; a schedule only where there is one, for it is made elsewhere."""
    found = [
        ("never", N_("Counted by itself")),
        ("always", N_("Staff works here: always masked")),
    ]
    if any(row.masked == "scheduled" for row in rows):
        found.append(("scheduled", N_("Masked on its schedule")))
    return found


def _sent_rows(form: Form) -> list[ZoneRow]:
    return [
        ZoneRow(
            number,
            first(form, f"zones.{number}.title"),
            first(form, f"zones.{number}.masked") or "never",
            first(form, f"zones.{number}.points"),
            first(form, f"zones.{number}.was"),
        )
        for number in row_numbers(form, "zones")
    ]


def _zones(rows: Sequence[ZoneRow], held: Sequence[Zone], tr: Translator) -> tuple[Zone, ...]:
    """Zones for the settings; one that was there keeps its key, so that its history goes on."""
    taken: set[str] = set()
    known = {str(n): zone for n, zone in enumerate(held)}
    made = []
    kept = {known[row.was].name for row in rows if row.was in known}
    for row in rows:
        before = known.get(row.was)
        if not row.title:
            row.error = tr.gettext("Give this zone a name.")
        elif len(row.points.split()) < 3:
            row.error = tr.gettext("Draw this zone on the picture: it needs three corners or more.")
        if row.error:
            raise FieldProblemError(str(row.number), row.error)
        name = before.name if before is not None else _zone_key(row.title, taken | kept)
        taken.add(name)
        hours = before.hours if before is not None and row.masked == "scheduled" else ()
        try:
            made.append(
                Zone.model_validate(
                    {
                        "name": name,
                        "title": "" if row.title == name else row.title,
                        "masked": row.masked,
                        "hours": hours,
                        "points": [point.split(",") for point in row.points.split()],
                    }
                )
            )
        except ValidationError:
            row.error = tr.gettext("This zone is not valid: draw it again.")
            raise FieldProblemError(str(row.number), row.error) from None
    return tuple(made)


def _zone_key(title: str, taken: set[str]) -> str:
    return unused_key(slug(title), taken, otherwise="zone")


def _row_problem(error: Exception, tr: Translator) -> str:
    if isinstance(error, SentistreamError):
        return tr.translate(error.message)
    if isinstance(error, ValidationError):
        return problem(error.errors(include_url=False, include_input=False)[0], tr)
    return str(error)


_HOURS = {"hours": CameraSettings.model_fields["hours"]}


def _hours_fields(values: Mapping[str, Any], tr: Translator) -> list[FormField]:
    return form_fields(_HOURS, values, tr=tr)


def _privacy() -> dict[str, Any]:
    fields: Any = Settings.model_fields["privacy"].annotation
    return {name: fields.model_fields[name] for name in PRIVACY_FIELDS}


def alert_fields(form: Form | Mapping[str, list[str]], tr: Translator) -> list[FormField]:
    """The fields of the first alert; suggested values where none were sent."""
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
