"""Stores and queries alerts, acknowledgements, deliveries and held alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select

from sentistream.monitor.observations import (
    Acknowledgement,
    Alert,
    AlertKind,
    AlertShop,
    Delivery,
    DeliveryState,
    HeldAlert,
)
from sentistream.monitor.store.ingest import insert_into
from sentistream.monitor.store.reading_tables import (
    ACKNOWLEDGEMENTS,
    ALERTS,
    ALERTS_ON_HOLD,
    DELIVERIES,
    REASON,
)
from sentistream.translatable import Translatable


def add_alert(connection: Connection, alert: Alert) -> None:
    """Stores an alert; storing it again changes nothing."""
    connection.execute(
        insert_into(connection.dialect.name, ALERTS).on_conflict_do_nothing(),
        {
            "rule": alert.rule,
            "name": alert.name,
            "camera": alert.camera,
            "zone": alert.zone,
            "time": alert.time,
            "active": alert.active,
            "sentiment": alert.sentiment,
            "share": alert.share,
            "bound": alert.limit,
            "minutes": alert.minutes,
            "kind": str(alert.kind),
            "incident": alert.incident,
            "reason": _packed(alert.reason),
        },
    )


def alerts(
    connection: Connection, *, since: float = 0.0, limit: int = 100, incident: str | None = None
) -> list[Alert]:
    """Alerts since ``since``, newest first; of one incident if given."""
    table = ALERTS.c
    statement = select(ALERTS).where(table.time >= since)
    if incident is not None:
        statement = statement.where(table.incident == incident)
    statement = statement.order_by(table.time.desc(), table.id.desc()).limit(limit)
    return [_alert(row) for row in connection.execute(statement)]


def end_open_alerts(connection: Connection, time: float, reason: str) -> list[Alert]:
    """Ends open alerts of a run that was killed; returns the ends."""
    other = ALERTS.alias()
    ended = exists().where(other.c.incident == ALERTS.c.incident, ~other.c.active)
    chosen = select(ALERTS).where(ALERTS.c.active, ALERTS.c.incident != "", ~ended)
    ends = [
        replace(alert, active=False, time=max(time, alert.time), reason=reason)
        for alert in map(_alert, connection.execute(chosen).all())
    ]
    for alert in ends:
        add_alert(connection, alert)
    return ends


def add_acknowledgement(connection: Connection, given: Acknowledgement) -> Acknowledgement:
    """Stores an acknowledgement unless there is one; returns the valid one."""
    connection.execute(
        insert_into(connection.dialect.name, ACKNOWLEDGEMENTS).on_conflict_do_nothing(),
        {"incident": given.incident, "user_name": given.user, "time": given.time},
    )
    return acknowledgements(connection, [given.incident])[given.incident]


def acknowledgements(
    connection: Connection, incidents: Sequence[str]
) -> dict[str, Acknowledgement]:
    """Those of some incidents."""
    table = ACKNOWLEDGEMENTS.c
    chosen = select(ACKNOWLEDGEMENTS).where(table.incident.in_(incidents))
    return {
        row.incident: Acknowledgement(incident=row.incident, user=row.user_name, time=row.time)
        for row in connection.execute(chosen)
    }


def add_delivery(connection: Connection, delivery: Delivery) -> None:
    """Stores a message's outcome; storing it again changes nothing."""
    connection.execute(
        insert_into(connection.dialect.name, DELIVERIES).on_conflict_do_nothing(),
        {
            "incident": delivery.incident,
            "channel": delivery.channel[:120],
            "event": delivery.event,
            "time": delivery.time,
            "state": str(delivery.state),
            "reason": _packed(delivery.reason),
            "attempts": delivery.attempts,
        },
    )


def deliveries(
    connection: Connection, *, incident: str | None = None, limit: int = 200
) -> list[Delivery]:
    """The newest first; of one incident if given."""
    statement = select(DELIVERIES).order_by(DELIVERIES.c.time.desc(), DELIVERIES.c.id.desc())
    if incident is not None:
        statement = statement.where(DELIVERIES.c.incident == incident)
    return [
        Delivery(
            incident=row.incident,
            channel=row.channel,
            event=row.event,
            time=row.time,
            state=DeliveryState(row.state),
            reason=_unpacked(row.reason),
            attempts=row.attempts,
        )
        for row in connection.execute(statement.limit(limit))
    ]


def hold(connection: Connection, held: HeldAlert) -> int:
    """Stores a held alert; returns its number."""
    alert = held.alert
    values = asdict(alert) | {"kind": str(alert.kind), "reason": _packed(alert.reason)}
    row = {
        "channel": held.channel,
        "time": alert.time,
        "alert": json.dumps(values, ensure_ascii=False),
    }
    key = connection.execute(insert(ALERTS_ON_HOLD).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101
    return int(key[0])


def held_alerts(connection: Connection) -> list[HeldAlert]:
    """The held alerts, the oldest first."""
    found = []
    for row in connection.execute(select(ALERTS_ON_HOLD).order_by(ALERTS_ON_HOLD.c.id)):
        values = json.loads(row.alert)
        values |= {"kind": AlertKind(values["kind"]), "reason": _unpacked(values["reason"])}
        found.append(HeldAlert(number=row.id, channel=row.channel, alert=Alert(**values)))
    return found


def release(connection: Connection, numbers: Sequence[int]) -> None:
    """Deletes held alerts."""
    connection.execute(delete(ALERTS_ON_HOLD).where(ALERTS_ON_HOLD.c.id.in_(numbers)))


def delete_before(connection: Connection, time: float) -> None:
    """Deletes alerts before a time, and what belongs to them."""
    connection.execute(delete(ALERTS).where(ALERTS.c.time < time))
    connection.execute(delete(ACKNOWLEDGEMENTS).where(ACKNOWLEDGEMENTS.c.time < time))
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.time < time))
    connection.execute(delete(ALERTS_ON_HOLD).where(ALERTS_ON_HOLD.c.time < time))


def _alert(row: Any) -> Alert:
    return alert_of(row, AlertKind(row.kind), _unpacked(row.reason))


def alert_of(row: Any, kind: AlertKind, reason: str, shop: AlertShop | None = None) -> Alert:
    """A row of alerts, a site's or a headquarters', as an event."""
    return Alert(
        rule=row.rule,
        name=row.name,
        camera=row.camera,
        zone=row.zone,
        time=row.time,
        active=row.active,
        sentiment=row.sentiment,
        share=row.share,
        limit=row.bound,
        minutes=row.minutes,
        kind=kind,
        incident=row.incident,
        reason=reason,
        shop=shop,
    )


def _packed(sentence: str) -> str:
    """A sentence as text that keeps its template and values, so that it can be translated later."""
    if not sentence:
        return ""
    packed = json.dumps(_tree(sentence), ensure_ascii=False)
    words = str(sentence)[:REASON]
    while len(packed) > REASON:
        words = words[: len(words) * 3 // 4]
        packed = json.dumps(words, ensure_ascii=False)
    return packed


def _tree(value: object) -> object:
    if isinstance(value, Translatable):
        return {"template": value.template, **{n: _tree(v) for n, v in value.values.items()}}
    return value


def _unpacked(text: str) -> str:
    made = _sentence(json.loads(text)) if text else ""
    return made if isinstance(made, str) else str(made)


def _sentence(tree: object) -> object:
    if isinstance(tree, dict):
        values = {name: _sentence(value) for name, value in tree.items() if name != "template"}
        return Translatable(tree["template"], **values)
    return tree
