"""Payloads of MQTT messages and webhooks, described in docs/mqtt.md and docs/webhooks.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sentistream.monitor.alerts.sliding_window import WindowStats
from sentistream.monitor.logs import log_redactor
from sentistream.monitor.observations import Alert, AlertKind, CameraHealth, CameraState


def iso_time(time: float) -> str:
    """A wall-clock time as ISO 8601 in UTC; the epoch where no calendar date exists."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def state_payload(
    stats: WindowStats, *, faces: int, time: float, minutes: float, smallest_group: int
) -> dict[str, Any]:
    """A camera's state. Shares in per cent; None if there were too few appearances.

    Args:
        stats: The last minutes.
        faces: How many are in view now.
        time: Wall-clock seconds (UTC).
        minutes: Over which the shares are taken.
        smallest_group: How many appearances there must be.
    """
    shares = stats.shares if stats.appearances >= smallest_group else None
    message: dict[str, Any] = {
        "time": iso_time(time),
        "faces": faces,
        "people": faces,  # deprecated; the next version leaves it out
        "minutes": minutes,
        "withheld": stats.shares is not None and shares is None,
        "mood": None if shares is None else _mood(shares),
    }
    for sentiment in ("positive", "neutral", "negative"):
        message[sentiment] = None if shares is None else round(100 * shares[sentiment], 1)
    return message


def health_payload(health: CameraHealth) -> dict[str, Any]:
    """A camera's health."""
    return {
        "state": health.state.value,
        "problem": health.state is CameraState.WAITING,
        "since": iso_time(health.since),
        "reason": log_redactor(health.reason),
        "restarts": health.restarts,
        "moments_per_second": round(health.moments_per_second, 1),
        "dropped": health.dropped,
        "damaged": health.damaged,
    }


def alert_payload(alert: Alert) -> dict[str, Any]:
    """The start or end of an alert. Share and limit 0 to 1."""
    return {
        "active": alert.active,
        "time": iso_time(alert.time),
        "rule": alert.rule,
        "name": alert.name,
        "camera": alert.camera,
        "zone": alert.zone,
        "sentiment": alert.sentiment,
        "share": round(alert.share, 3),
        "limit": alert.limit,
        "minutes": alert.minutes,
    }


def health_alert_payload(alert: Alert) -> dict[str, Any]:
    """The start or end of an alert about a camera, a disk, a shop or the broker."""
    payload: dict[str, Any] = {"failing": alert.active, "time": iso_time(alert.time)}
    if alert.kind is AlertKind.CAMERA:
        payload |= {"camera": alert.camera}
    return payload | {"name": alert.name, "reason": log_redactor(alert.reason)}


def _mood(shares: dict[str, float]) -> str:
    """The largest; on a tie the first of neutral, negative, positive, as everywhere."""
    return max(("neutral", "negative", "positive"), key=lambda name: shares[name])
