"""Current and past alerts, their rules, and who is notified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from sentistream.errors import SentistreamError, StorageError
from sentistream.monitor.accounts import User
from sentistream.monitor.alerts import incidents, wording
from sentistream.monitor.alerts.links import alert_path, history_path
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.digest import send_digest
from sentistream.monitor.digest.digest_content import last_day_of
from sentistream.monitor.display_names import DisplayNames, display_names
from sentistream.monitor.notify.channels import (
    NotificationChannel,
    channels,
    find_channel,
    send_test,
)
from sentistream.monitor.observations import Alert, AlertKind, Delivery, DeliveryState
from sentistream.monitor.schedule_words import hours_words
from sentistream.monitor.settings import AlertRule, Settings
from sentistream.monitor.translation import Translator, translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.alert_banner import acknowledged_words
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
from sentistream.monitor.web.site import Site, SiteDep

SHOWN = 200
"""How many of the newest events are searched."""

FormDep = Annotated[Form, Depends(read_form)]


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert from its start to its end, in words.

    Attributes:
        alert: Its start.
        place: The camera and zone; empty for a disk.
        ended: When it ended; None while it is active.
        title: What it is, in a few words.
        text: A sentence.
        link: The path of its page.
        tone: Its appearance: a sentiment, ``camera`` or ``disk``.
        acknowledged: Who has acknowledged it, in words; empty if nobody has.
    """

    alert: Alert
    place: str
    ended: float | None
    title: str
    text: str
    link: str
    tone: str
    acknowledged: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel in the list of who is notified.

    Attributes:
        channel: The channel.
        events: Its events, in words.
        quiet: Its quiet hours, in words; empty for none.
        last: The outcome of its newest message; None before the first.
    """

    channel: NotificationChannel
    events: str
    quiet: str
    last: Delivery | None


@dataclass(frozen=True, slots=True)
class Tested:
    """The outcome of a test message.

    Attributes:
        key: The channel's.
        delivered: Whether it was accepted.
        text: A sentence.
    """

    key: str
    delivered: bool
    text: str


router: APIRouter = APIRouter(include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    *,
    rule: str = "",
    fields: list[FormField] | None = None,
    problems: Sequence[str] = (),
    tested: Tested | None = None,
    status: int = 200,
) -> HTMLResponse:
    settings, store = site.services.configuration.settings, site.services.store
    tr = site.translator(request)
    names = display_names(settings, site.services.bus)
    try:
        found = _acknowledged(site, episodes(store.alerts(limit=SHOWN), names, tr), tr)
        log = store.deliveries(limit=SHOWN)
    except StorageError:
        found, log = None, ()
    chosen = next((each for each in settings.alerts if each.key == rule), None)
    if fields is None:
        fields = form_fields(
            AlertRule.model_fields,
            {} if chosen is None else dict(chosen),
            tr=tr,
        )
        _limits_in_percent(fields, tr)
    return site.render(
        request,
        "alerts",
        user=user,
        status=status,
        episodes=found,
        rules=[(each, wording.rule_sentence(each, names, tr)) for each in settings.alerts],
        rule="" if chosen is None else rule,
        fields={each.name: each for each in fields},
        problems=problems,
        cameras=names.cameras,
        zones=_zones(names),
        smallest=settings.privacy.smallest_group,
        channels=channel_rows(settings, log, tr),
        tested=tested,
        digest_words=digest_words(settings, tr),
        has_mail=bool(settings.email.host),
        today=datetime.fromtimestamp(site.clock()).date().isoformat(),
    )


@router.get("/alerts")
def alerts(request: Request, user: CurrentUser, site: SiteDep, rule: str = "") -> HTMLResponse:
    return _show(site, request, user, rule=rule)


@router.get("/alerts/{incident}")
def alert(request: Request, user: CurrentUser, site: SiteDep, incident: str) -> HTMLResponse:
    services, tr = site.services, site.translator(request)
    found = incidents.find(services.store, services.bus, incident)
    if found is None:
        raise HTTPException(404, "There is no such alert.")
    settings = services.configuration.settings
    names = display_names(settings, services.bus)
    rule = next((each for each in settings.alerts if each.key == found.begin.rule), None)
    (episode,) = episodes(
        [found.begin] if found.end is None else [found.end, found.begin], names, tr
    )
    return site.render(
        request,
        "alert",
        user=user,
        episode=episode,
        ended="" if found.end is None else wording.end_sentence(found.end, names, tr),
        history=history_path(found.begin),
        rule="" if rule is None else wording.rule_sentence(rule, names, tr),
        acknowledged=""
        if found.acknowledgement is None
        else acknowledged_words(found.acknowledgement, tr),
        deliveries=found.deliveries,
        channels=list(channels(settings)),
    )


@router.post("/alerts/{incident}/acknowledge")
def acknowledge(user: CurrentManager, site: SiteDep, incident: str) -> Response:
    services = site.services
    given = incidents.acknowledge(
        services.store, services.bus, incident, user=user.name, now=site.clock()
    )
    if given is None:
        raise HTTPException(404, "There is no such alert.")
    return RedirectResponse(f"/alerts/{incident}", 303)


@router.post("/alerts/channels/{key}/test")
def test(request: Request, user: CurrentManager, site: SiteDep, key: str) -> Response:
    settings, tr = site.services.configuration.settings, site.translator(request)
    channel = find_channel(settings, key)
    if channel is None:
        raise HTTPException(404, "There is no such channel.")
    page = settings.server.public_url or str(request.base_url)
    delivery = send_test(channel, translator(settings.language), page=page.rstrip("/"))
    site.services.bus.publish(delivery)
    delivered = delivery.state is DeliveryState.DELIVERED
    text = (
        tr.gettext("The test message was accepted. Look whether it has arrived.")
        if delivered
        else tr.translate(delivery.reason)
    )
    return _show(site, request, user, tested=Tested(key, delivered, text))


@router.post("/alerts/digest")
def digest(request: Request, user: CurrentManager, site: SiteDep) -> Response:
    services, tr, now = site.services, site.translator(request), site.clock()
    settings = services.configuration.settings
    page = settings.server.public_url or str(request.base_url)
    try:
        delivery = send_digest(
            "week",
            last_day_of("week", now),
            store=services.store,
            settings=settings,
            names=display_names(settings, services.bus),
            page=page.rstrip("/"),
            now=now,
        )
    except SentistreamError as error:
        return _show(
            site, request, user, tested=Tested("digest", False, tr.translate(error.message))
        )
    services.bus.publish(delivery)
    delivered = delivery.state is DeliveryState.DELIVERED
    text = tr.gettext("The digest was sent.") if delivered else tr.translate(delivery.reason)
    return _show(site, request, user, tested=Tested("digest", delivered, text))


@router.post("/alerts/save")
def keep(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, rule: str = ""
) -> Response:
    values = values_of(AlertRule.model_fields, form, None)
    for name in ("limit", "end_limit"):
        values[name] = _share(values[name])
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
        origins(form, fields)
        _limits_in_percent(fields, tr)
        left = attach_errors(fields, error, tr)
        return _show(site, request, user, rule=rule, fields=fields, problems=left, status=422)
    except SentistreamError as error:
        problems = [tr.translate(error.message)]
        return _show(site, request, user, rule=rule, problems=problems, status=500)
    return RedirectResponse("/alerts", 303)


@router.post("/alerts/remove")
def remove(request: Request, user: CurrentManager, site: SiteDep, form: FormDep) -> Response:
    key = first(form, "rule")
    try:
        site.save(
            lambda settings: {"alerts": tuple(r for r in settings.alerts if r.key != key)},
        )
    except SentistreamError as error:
        problems = [site.translator(request).translate(error.message)]
        return _show(site, request, user, problems=problems, status=500)
    return RedirectResponse("/alerts", 303)


def episodes(alerts: Sequence[Alert], names: DisplayNames, tr: Translator) -> list[Episode]:
    """Starts paired with their ends, the newest first.

    Args:
        alerts: The newest first.
        names: Of cameras and zones.
        tr: The translator.
    """
    ends: dict[tuple[str, ...], float] = {}
    found = []
    for alert in alerts:
        about = (alert.incident,) if alert.incident else (alert.rule, alert.camera, alert.zone)
        if not alert.active:
            ends[about] = alert.time
            continue
        found.append(
            Episode(
                alert=alert,
                place=wording.place(alert, names, tr),
                ended=ends.pop(about, None),
                title=wording.title(alert, names, tr),
                text=wording.sentence(alert, names, tr),
                link=alert_path(alert),
                tone=alert.sentiment if alert.kind is AlertKind.SENTIMENT else str(alert.kind),
            )
        )
    return found


def channel_rows(settings: Settings, log: Sequence[Delivery], tr: Translator) -> list[ChannelRow]:
    """The channels of the settings, each with its newest delivery.

    Args:
        settings: The current settings.
        log: Deliveries, the newest first.
        tr: The translator.
    """
    last = {delivery.channel: delivery for delivery in reversed(log)}
    return [
        ChannelRow(
            channel,
            ", ".join(tr.gettext(labels.CHOICES[event]) for event in channel.settings.events),
            hours_words(channel.settings.quiet_hours, tr),
            last.get(channel.name),
        )
        for channel in channels(settings)
    ]


def digest_words(settings: Settings, tr: Translator) -> str:
    """When digests are sent automatically, in a sentence."""
    digest = settings.digest
    clock = f"{digest.send_at:%H:%M}"
    if digest.weekly and digest.monthly:
        return tr.gettext(
            "It is sent on Mondays and on the first of the month, at {clock}.", clock=clock
        )
    if digest.weekly:
        return tr.gettext("It is sent on Mondays at {clock}.", clock=clock)
    if digest.monthly:
        return tr.gettext("It is sent on the first of the month at {clock}.", clock=clock)
    return tr.gettext("It is not sent automatically.")


def _acknowledged(site: Site, found: list[Episode], tr: Translator) -> list[Episode]:
    """Adds who has acknowledged each."""
    known = site.services.store.acknowledgements([each.alert.incident for each in found])
    return [
        replace(each, acknowledged=acknowledged_words(given, tr))
        if (given := known.get(each.alert.incident)) is not None
        else each
        for each in found
    ]


def _zones(names: DisplayNames) -> list[tuple[str, str]]:
    """Keys and names of the zones of all cameras, by name."""
    keys = {zone for _, zone in names.zones}
    return sorted(((key, names.zone("", key)) for key in keys), key=lambda one: one[1].casefold())


def _with(settings: Settings, key: str, made: AlertRule) -> tuple[AlertRule, ...]:
    if any(each.key == key for each in settings.alerts):
        return tuple(made if each.key == key else each for each in settings.alerts)
    return (*settings.alerts, made)


def _share(percent: Any) -> Any:
    try:
        return None if percent is None else float(str(percent).replace(",", ".")) / 100
    except ValueError:
        return percent


def _limits_in_percent(fields: list[FormField], tr: Translator) -> None:
    """Limits are shares; people write per cent."""
    described = {
        "limit": tr.gettext("The share of the time of faces, in per cent."),
        "end_limit": tr.gettext(
            "The share at which the alert ends again, in per cent; empty for five points back "
            "over the limit."
        ),
    }
    for one in fields:
        if one.name in described:
            one.minimum, one.maximum = "0", "100"
            one.description = described[one.name]
            try:
                one.value = f"{float(one.value) * 100:.4g}"
            except ValueError:
                continue
