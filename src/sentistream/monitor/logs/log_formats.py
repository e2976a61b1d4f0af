"""Log formats: text for people, or one JSON object per line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from sentistream.monitor.logs.log_redaction import LogRedactor

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",  # uvicorn's own
}


class _RedactingFormatter(logging.Formatter):
    """A format that removes secrets from each line with ``redact``."""

    def __init__(self, redact: LogRedactor) -> None:
        super().__init__()
        self._redact = redact


class TextFormat(_RedactingFormatter):
    """``2026-11-24T10:00:00.123Z info sentistream.monitor.x: message key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line with control characters escaped; then the lines of an error, indented."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{_time(record)} {_level(record)} {record.name}: {record.getMessage()}{fields}"
        line = "".join(each if each.isprintable() else _escaped(each) for each in line)
        error = _error(self, record)
        return self._redact(line + error.replace("\n", "\n    ") if error else line)


class JsonFormat(_RedactingFormatter):
    """One JSON object per line: time, level, logger, message, then the fields and the error."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON in ASCII."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": _level(record),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        for name, value in _fields(record).items():
            plain = value is None or isinstance(value, bool | int | float)
            line.setdefault(name, value if plain else self._redact(str(value)))
        if error := _error(self, record):
            line["error"] = self._redact(error.strip())
        return json.dumps(line)


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: each for name, each in vars(record).items() if name not in _STANDARD_FIELDS}


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = ""
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + formatter.formatException(record.exc_info)
    if record.stack_info:
        text += "\n" + formatter.formatStack(record.stack_info)
    return text


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
