"""Alerts, now and before, and the rules that make them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from sentistream.errors import SentistreamError, StorageError
from sentistream.monitor.accounts import User
from sentistream.monitor.observations import Alert
from sentistream.monitor.page.fields import FormField, form_fields
from sentistream.monitor.page.forms import Form, blame, first, sent_form, values_of
from sentistream.monitor.page.saving import save
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.tiles import shown_cameras
from sentistream.monitor.page.visitors import Manager, Visitor
from sentistream.monitor.page.words import Words
from sentistream.monitor.settings import AlertRule, Settings

SHOWN = 200
"""How many of the newest events are looked through."""

SentForm = Annotated[Form, Depends(sent_form)]


@dataclass(frozen=True, slots=True)
class Episode:
    """A rule that came true, and until when it was."""

    alert: Alert
    place: str
    ended: float | None


def alert_routes(page: PageState) -> APIRouter:
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
        settings = page.services.configuration.settings
        say = page.say(request)
        names = shown_cameras(settings, page.services.bus)
        try:
            found = episodes(page.services.store.alerts(limit=SHOWN), names, say)
        except StorageError:
            found = None
        chosen = next((each for each in settings.alerts if each.key == rule), None)
        if fields is None:
            fields = form_fields(
                AlertRule.model_fields,
                {} if chosen is None else dict(chosen),
                group="alertrule",
                say=say,
            )
            _in_percent(fields)
        return page.render(
            request,
            "alerts",
            user=user,
            status=status,
            episodes=found,
            rules=[(each, sentence(each, names, say)) for each in settings.alerts],
            rule="" if chosen is None else rule,
            fields={each.name: each for each in fields},
            problems=problems,
            cameras=names,
            zones=sorted({zone.name for each in settings.cameras.values() for zone in each.zones}),
            smallest=settings.privacy.smallest_group,
        )

    @routes.get("/alerts")
    def alerts(request: Request, user: Visitor, rule: str = "") -> HTMLResponse:
        return show(request, user, rule=rule)

    @routes.post("/alerts/save")
    def keep(request: Request, user: Manager, form: SentForm, rule: str = "") -> Response:
        values = values_of(AlertRule.model_fields, form, None)
        values["limit"] = _share(str(values["limit"]))
        rules = page.services.configuration.settings.alerts
        values["key"] = rule or _free_key(str(values["name"]), [each.key for each in rules])
        say = page.say(request)
        try:
            made = AlertRule.model_validate(values)
            save(page, lambda settings: {"alerts": _with(settings, rule, made)})
        except ValidationError as error:
            fields = form_fields(AlertRule.model_fields, values, group="alertrule", say=say)
            _in_percent(fields)
            left = blame(fields, error, say)
            return show(request, user, rule=rule, fields=fields, problems=left, status=422)
        except SentistreamError as error:
            problems = [say.reasons(str(error))]
            return show(request, user, rule=rule, problems=problems, status=500)
        return RedirectResponse("/alerts", 303)

    @routes.post("/alerts/remove")
    def remove(request: Request, user: Manager, form: SentForm) -> Response:
        key = first(form, "rule")
        try:
            save(
                page,
                lambda settings: {"alerts": tuple(r for r in settings.alerts if r.key != key)},
            )
        except SentistreamError as error:
            problems = [page.say(request).reasons(str(error))]
            return show(request, user, problems=problems, status=500)
        return RedirectResponse("/alerts", 303)

    return routes


def episodes(alerts: Sequence[Alert], names: dict[str, str], say: Words) -> list[Episode]:
    """Beginnings joined with their ends, the newest first.

    Args:
        alerts: The newest first.
        names: Of the cameras, by key.
        say: The words.
    """
    ends: dict[tuple[str, str, str], float] = {}
    found = []
    for alert in alerts:
        about = (alert.rule, alert.camera, alert.zone)
        if alert.active:
            place = names.get(alert.camera, alert.camera)
            if alert.zone:
                place = say("alerts.in_zone", camera=place, zone=alert.zone)
            found.append(Episode(alert, place, ends.pop(about, None)))
        else:
            ends[about] = alert.time
    return found


def sentence(rule: AlertRule, names: dict[str, str], say: Words) -> str:
    """The rule as one would say it."""
    return say(
        "rule.sentence",
        sentiment=say(f"label.{rule.sentiment}"),
        direction=say(f"choice.{rule.direction}"),
        limit=say.percent(rule.limit),
        minutes=say.limit(rule.minutes),
        camera=names.get(rule.camera, rule.camera) if rule.camera else say("rule.each_camera"),
        zone=say("rule.in_zone", zone=rule.zone) if rule.zone else "",
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


def _in_percent(fields: list[FormField]) -> None:
    """The limit is a share; people write per cent."""
    for one in fields:
        if one.name == "limit":
            one.minimum, one.maximum = "0", "100"
            try:
                one.value = f"{float(one.value) * 100:.4g}"
            except ValueError:
                continue


def _free_key(name: str, taken: Sequence[str]) -> str:
    key = key_from(name)[:36].strip("-") or "alert"
    if key not in taken:
        return key
    return next(f"{key}-{n}" for n in range(2, 1000) if f"{key}-{n}" not in taken)


def key_from(name: str) -> str:
    """A short key made of a name for people; empty where nothing of it is left."""
    plain = name.lower()
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        plain = plain.replace(letter, written)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
