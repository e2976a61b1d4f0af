"""Conversion of requests for the API, and of its responses to values and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sentistream.client.errors import MonitorError
from sentistream.client.values import Alert, Dropped, Event, Health, Observation, Reading

if TYPE_CHECKING:
    import httpx

Time = datetime | float
"""A datetime (UTC if it has no time zone), or seconds since 1970."""


def query_of(**fields: Time | str | int | None) -> dict[str, str]:
    return {name: _written(value) for name, value in fields.items() if value is not None}


def _written(value: Time | str | int) -> str:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.isoformat()
    return str(value)


def refused(answer: httpx.Response) -> MonitorError:
    return refusal(answer.status_code, answer.content, answer.headers.get("retry-after"))


def refusal(status: int, body: bytes | bytearray | None, after: str | None) -> MonitorError:
    try:
        problem = json.loads(body or b"{}")
        fields = [f"{one['where']}: {one['message']}" for one in problem.get("errors", [])]
        detail = " ".join([problem.get("detail") or problem["title"], *fields])
        way_out = problem.get("way_out", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, way_out = f"The monitor answers with status {status}.", "Check the address."
    wait = float(after) if after is not None and after.isdecimal() else None
    return MonitorError(status, detail, way_out, wait=wait)


def event_of(message: Mapping[str, Any]) -> Event | None:
    """None for kinds that are newer than this client."""
    kind = message["kind"]
    if kind == "dropped":
        return Dropped(count=message["dropped"])
    if kind == "observation":
        return Observation.of(message[kind])
    if kind == "health":
        return Health.of(message[kind])
    if kind == "alert":
        return Alert.of(message[kind])
    return Reading.of(message[kind]) if kind == "reading" else None
