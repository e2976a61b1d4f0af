"""What is told, as plain values for JSON; docs/mqtt.md and docs/webhooks.md describe them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sentistream.monitor.alerts.window import Measure
from sentistream.monitor.logs import redaction
from sentistream.monitor.observations import Alert, CameraHealth, CameraState


def when(time: float) -> str:
    """A wall-clock time as ISO 8601 in UTC; as near as a calendar allows."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def state_message(
    measure: Measure, *, faces: int, time: float, minutes: float, smallest_group: int
) -> dict[str, Any]:
    """What a camera sees. Shares in per cent; None where there were too few appearances.

    Args:
        measure: The last minutes.
        faces: How many are in view at present.
        time: Wall-clock seconds (UTC).
        minutes: Over which the shares are taken.
        smallest_group: How many appearances there must be.
    """
    shares = measure.shares if measure.appearances >= smallest_group else None
    message: dict[str, Any] = {
        "time": when(time),
        "faces": faces,
        "people": faces,  # deprecated; the next version leaves it out
        "minutes": minutes,
        "withheld": measure.shares is not None and shares is None,
        "mood": None if shares is None else _mood(shares),
    }
    for sentiment in ("positive", "neutral", "negative"):
        message[sentiment] = None if shares is None else round(100 * shares[sentiment], 1)
    return message


def health_message(health: CameraHealth) -> dict[str, Any]:
    """How a camera does."""
    return {
        "state": health.state.value,
        "problem": health.state is CameraState.WAITING,
        "since": when(health.since),
        "reason": redaction(health.reason),
        "restarts": health.restarts,
        "moments_per_second": round(health.moments_per_second, 1),
        "dropped": health.dropped,
        "damaged": health.damaged,
    }


def alert_message(alert: Alert) -> dict[str, Any]:
    """A rule that came true, or is true no longer. Share and limit 0 to 1."""
    return {
        "active": alert.active,
        "time": when(alert.time),
        "rule": alert.rule,
        "name": alert.name,
        "camera": alert.camera,
        "zone": alert.zone,
        "sentiment": alert.sentiment,
        "share": round(alert.share, 3),
        "limit": alert.limit,
        "minutes": alert.minutes,
    }


def _mood(shares: dict[str, float]) -> str:
    """The largest; on a tie the first of neutral, negative, positive, as everywhere."""
    return max(("neutral", "negative", "positive"), key=lambda name: shares[name])
