"""How a line looks: for people, or one JSON object."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from sentistream.monitor.logs.redaction import Redaction

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",  # uvicorn's own
}


class TextFormat(logging.Formatter):
    """``2026-11-24T10:00:00.123Z info sentistream.monitor.x: message key=value``.

    Args:
        redaction: Takes secrets out.
    """

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """One line, control characters made visible; then the lines of an error, indented."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{_time(record)} {_level(record)} {record.name}: {record.getMessage()}{fields}"
        line = "".join(each if each.isprintable() else _visible(each) for each in line)
        error = _error(self, record)
        return self._redaction(line + error.replace("\n", "\n    ") if error else line)


class JsonFormat(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then the fields and the error.

    Args:
        redaction: Takes secrets out.
    """

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON in ASCII."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": _level(record),
            "logger": record.name,
            "message": self._redaction(record.getMessage()),
        }
        for name, value in _fields(record).items():
            plain = value is None or isinstance(value, bool | int | float)
            line.setdefault(name, value if plain else self._redaction(str(value)))
        if error := _error(self, record):
            line["error"] = self._redaction(error.strip())
        return json.dumps(line)


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: each for name, each in vars(record).items() if name not in _OF_EVERY_RECORD}


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    told = ""
    if record.exc_info and record.exc_info[0] is not None:
        told += "\n" + formatter.formatException(record.exc_info)
    if record.stack_info:
        told += "\n" + formatter.formatStack(record.stack_info)
    return told


def _visible(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
