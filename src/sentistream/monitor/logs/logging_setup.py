"""Configures logging: levels, handlers and the rotated log file, also for the libraries."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from sentistream.errors import OutputError
from sentistream.monitor.logs.log_formats import JsonFormat, TextFormat
from sentistream.monitor.logs.log_redaction import log_redactor
from sentistream.monitor.settings import LoggingSettings

LIBRARIES = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "paho",
    "httpx",
    "httpcore",
    "sqlalchemy",
    "alembic",
    "aiortc",
    "aioice",
    "asyncio",
    "websockets",
    "multipart",
    "libav",
    "py.warnings",
)
"""Loggers whose own handlers are removed."""

QUIET = {
    # addresses of visitors, and of webhooks with their secrets
    "uvicorn.access": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    # statements contain readings
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "aiortc": logging.WARNING,
    "aioice": logging.WARNING,
    "websockets": logging.WARNING,
    "multipart": logging.WARNING,
    "libav": logging.ERROR,
}
"""Minimum levels of some loggers, whatever the level in the settings."""

_log = logging.getLogger("sentistream.monitor")


def configure_logging(settings: LoggingSettings) -> None:
    """Configures all logging of this process; uncaught exceptions are logged too.

    May be called again when the settings change. Set the secrets with
    ``log_redactor.set_secrets_from``; passwords in addresses are redacted in any case.

    Raises:
        OutputError: The file cannot be opened; nothing changes.
    """
    handler: logging.Handler = logging.StreamHandler()
    if settings.file is not None:
        try:
            handler = LogFile(
                settings.file, max_bytes=settings.megabytes * 1_000_000, kept=settings.kept
            )
        except OSError as error:
            raise OutputError(
                f"The log {settings.file} cannot be written ({error.strerror}).",
                "Choose another file in logging.file, or leave it out for the terminal.",
            ) from None
    handler.setFormatter(
        JsonFormat(log_redactor) if settings.format == "json" else TextFormat(log_redactor)
    )
    root = logging.getLogger()
    earlier, root.handlers = root.handlers[:], [handler]
    for each in earlier:
        if isinstance(each, LogFile):
            each.close()
    root.setLevel(settings.level.upper())
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(QUIET.get(name, logging.NOTSET))
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("stopped by an uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is None or issubclass(failed.exc_type, SystemExit):
        return
    _log.critical(
        "a thread was stopped by an uncaught exception",
        exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback),
        extra={"thread_name": failed.thread.name if failed.thread else ""},
    )


WARNING_INTERVAL = 60.0
"""Seconds between two warnings on the terminal that the log cannot be written."""


class LogFile(RotatingFileHandler):
    """A log file rotated by size, readable by its owner only, that never stops the program.

    When the disk is full or the folder gone, lines are lost and counted; once the file can be
    written again, a line tells how many.

    Args:
        path: The file; its folder must exist.
        max_bytes: Size at which it is rotated.
        kept: How many earlier files are kept; with 0, the file is truncated.

    Attributes:
        lost: Lines that could not be written and have not been reported yet.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int, kept: int) -> None:
        self.lost: int = 0
        self._last_warning = -WARNING_INTERVAL
        super().__init__(path, maxBytes=max_bytes, backupCount=kept, encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line, or counts it as lost."""
        lost = self.lost
        super().emit(record)
        if lost and self.lost == lost:
            self.lost = 0
            note = f"{lost} lines of the log could not be written"
            super().emit(
                logging.makeLogRecord(
                    {"name": __name__, "levelname": "WARNING", "levelno": 30, "msg": note}
                )
            )

    def doRollover(self) -> None:  # noqa: N802
        """Rotates the file; without earlier files to keep, the old lines are dropped."""
        if self.backupCount > 0:
            super().doRollover()
            return
        self._drop_stream()
        self.stream = self._open()
        self.stream.truncate(0)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Counts the line and warns on the terminal every now and then."""
        self.lost += 1
        self._drop_stream()
        now = time.monotonic()
        if now - self._last_warning < WARNING_INTERVAL:
            return
        self._last_warning = now
        error = sys.exc_info()[1]
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"The log cannot be written ({reason}): {self.baseFilename}\n")

    def close(self) -> None:
        """Closes the file and drops what could not be written."""
        with contextlib.suppress(OSError, ValueError):
            super().close()

    def _open(self) -> TextIOWrapper:
        opened: IO[Any] = open(  # noqa: SIM115
            self.baseFilename, "a", encoding="utf-8", opener=_for_owner
        )
        assert isinstance(opened, TextIOWrapper)  # noqa: S101
        return opened

    def _drop_stream(self) -> None:
        """Closes the stream and drops what it could not write."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
