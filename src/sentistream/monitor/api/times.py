"""Times from and to clients: ISO 8601 or seconds since 1970 in, ISO 8601 in UTC out."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BeforeValidator, WithJsonSchema

LATEST = 4_102_444_800.0
"""2100-01-01; later times are taken for slips."""

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,40})?([eE][+-]?\d{1,3})?")


def _moment(text: str) -> datetime:
    # a plus sign that was not encoded arrives as a space
    for written in (text, "+".join(text.rsplit(" ", 1))):
        try:
            return datetime.fromisoformat(written)
        except ValueError:
            continue
    raise ValueError("write it as 2026-11-23T10:00:00Z, or as seconds since 1970")


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        moment = _moment(value.strip())
        # without a zone it is UTC, as everything here
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return min(max(0.0, (aware - datetime.fromtimestamp(0, UTC)).total_seconds()), LATEST)
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= LATEST:
        raise ValueError("seconds since 1970 lie between 0 and 4102444800")
    return seconds


Instant = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": 0, "maximum": LATEST},
            ],
            "description": "ISO 8601 (UTC where no zone is named), or seconds since 1970.",
        }
    ),
]
"""Wall-clock seconds (UTC), however they were written."""


def utc(seconds: float) -> datetime:
    """For answers, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def check_span(begin: float, end: float, most: float, what: str) -> None:
    """Raises a 400 for what is upside down, or longer than ``most`` seconds."""
    if end <= begin:
        raise HTTPException(400, "The end has to come after the beginning.")
    if end - begin > most:
        days = f"{most / 86_400:g} days"
        raise HTTPException(400, f"At most {days} of {what} at a time; ask for less at once.")
