"""Alerts, now and before, and the rules that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from sentistream.errors import SentistreamError, StorageError
from sentistream.monitor.accounts import User
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.observations import Alert
from sentistream.monitor.settings import AlertRule, Settings
from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.form_data import (
    Form,
    attach_errors,
    first,
    read_form,
    unused_key,
    values_of,
)
from sentistream.monitor.web.form_fields import FormField, form_fields
from sentistream.monitor.web.live_tiles import shown_cameras
from sentistream.monitor.web.site import Site

SHOWN = 200
"""How many of the newest events are looked through."""

FormDep = Annotated[Form, Depends(read_form)]


@dataclass(frozen=True, slots=True)
class Episode:
    """A rule that came true, and until when it was."""

    alert: Alert
    place: str
    ended: float | None


def alert_routes(site: Site) -> APIRouter:
    """The routes of the alerts."""
    routes = APIRouter()

    def show(
        request: Request,
        user: User,
        *,
        rule: str = "",
        fields: list[FormField] | None = None,
        problems: Sequence[str] = (),
        status: int = 200,
    ) -> HTMLResponse:
        settings = site.services.configuration.settings
        tr = site.translator(request)
        names = shown_cameras(settings, site.services.bus)
        try:
            found = episodes(site.services.store.alerts(limit=SHOWN), names, tr)
        except StorageError:
            found = None
        chosen = next((each for each in settings.alerts if each.key == rule), None)
        if fields is None:
            fields = form_fields(
                AlertRule.model_fields,
                {} if chosen is None else dict(chosen),
                tr=tr,
            )
            _limit_in_percent(fields, tr)
        return site.render(
            request,
            "alerts",
            user=user,
            status=status,
            episodes=found,
            rules=[(each, sentence(each, names, tr)) for each in settings.alerts],
            rule="" if chosen is None else rule,
            fields={each.name: each for each in fields},
            problems=problems,
            cameras=names,
            zones=sorted({zone.name for each in settings.cameras.values() for zone in each.zones}),
            smallest=settings.privacy.smallest_group,
        )

    @routes.get("/alerts")
    def alerts(request: Request, user: CurrentUser, rule: str = "") -> HTMLResponse:
        return show(request, user, rule=rule)

    @routes.post("/alerts/save")
    def keep(request: Request, user: CurrentManager, form: FormDep, rule: str = "") -> Response:
        values = values_of(AlertRule.model_fields, form, None)
        values["limit"] = _share(str(values["limit"]))
        rules = site.services.configuration.settings.alerts
        values["key"] = rule or unused_key(
            str(values["name"]), {each.key for each in rules}, otherwise="alert"
        )
        tr = site.translator(request)
        try:
            made = AlertRule.model_validate(values)
            site.save(lambda settings: {"alerts": _with(settings, rule, made)})
        except ValidationError as error:
            fields = form_fields(AlertRule.model_fields, values, tr=tr)
            _limit_in_percent(fields, tr)
            left = attach_errors(fields, error, tr)
            return show(request, user, rule=rule, fields=fields, problems=left, status=422)
        except SentistreamError as error:
            problems = [tr.translate(error.message)]
            return show(request, user, rule=rule, problems=problems, status=500)
        return RedirectResponse("/alerts", 303)

    @routes.post("/alerts/remove")
    def remove(request: Request, user: CurrentManager, form: FormDep) -> Response:
        key = first(form, "rule")
        try:
            site.save(
                lambda settings: {"alerts": tuple(r for r in settings.alerts if r.key != key)},
            )
        except SentistreamError as error:
            problems = [site.translator(request).translate(error.message)]
            return show(request, user, problems=problems, status=500)
        return RedirectResponse("/alerts", 303)

    return routes


def episodes(alerts: Sequence[Alert], names: dict[str, str], tr: Translator) -> list[Episode]:
    """Beginnings joined with their ends, the newest first.

    Args:
        alerts: The newest first.
        names: Of the cameras, by key.
        tr: The words.
    """
    ends: dict[tuple[str, str, str], float] = {}
    found = []
    for alert in alerts:
        about = (alert.rule, alert.camera, alert.zone)
        if alert.active:
            place = names.get(alert.camera, alert.camera)
            if alert.zone:
                place = tr.gettext("{camera}, zone {zone}", camera=place, zone=alert.zone)
            found.append(Episode(alert, place, ends.pop(about, None)))
        else:
            ends[about] = alert.time
    return found


def sentence(rule: AlertRule, names: dict[str, str], tr: Translator) -> str:
    """The rule as one would say it."""
    values = {
        "sentiment": tr.gettext(labels.SENTIMENTS[rule.sentiment]),
        "direction": tr.gettext(labels.CHOICES[rule.direction]),
        "limit": tr.percent(rule.limit),
        "minutes": tr.compact(rule.minutes),
        "camera": names.get(rule.camera, rule.camera) if rule.camera else tr.gettext("each camera"),
    }
    if rule.zone:
        return tr.gettext(
            "{sentiment} {direction} {limit} for {minutes} minutes, at {camera} in zone {zone}",
            zone=rule.zone,
            **values,
        )
    return tr.gettext(
        "{sentiment} {direction} {limit} for {minutes} minutes, at {camera}", **values
    )


def _with(settings: Settings, key: str, made: AlertRule) -> tuple[AlertRule, ...]:
    if any(each.key == key for each in settings.alerts):
        return tuple(made if each.key == key else each for each in settings.alerts)
    return (*settings.alerts, made)


def _share(percent: str) -> Any:
    try:
        return float(percent.replace(",", ".")) / 100
    except ValueError:
        return percent


def _limit_in_percent(fields: list[FormField], tr: Translator) -> None:
    """The limit is a share; people write per cent."""
    for one in fields:
        if one.name == "limit":
            one.minimum, one.maximum = "0", "100"
            one.description = tr.gettext("The share of the time of faces, in per cent.")
            try:
                one.value = f"{float(one.value) * 100:.4g}"
            except ValueError:
                continue
