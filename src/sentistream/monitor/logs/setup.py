"""Puts logging in order, for our own lines and those of the libraries."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

from sentistream.errors import OutputError
from sentistream.monitor.logs.files import LogFile
from sentistream.monitor.logs.formats import JsonFormat, TextFormat
from sentistream.monitor.logs.redaction import redaction
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
"""Loggers whose own ways of writing are taken from them."""

QUIET = {
    # addresses of visitors, and of webhooks with the keys in them
    "uvicorn.access": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    # statements hold readings
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "aiortc": logging.WARNING,
    "aioice": logging.WARNING,
    "websockets": logging.WARNING,
    "multipart": logging.WARNING,
    "libav": logging.ERROR,
}
"""What is kept from writing more than this, whatever the level in the settings."""

_log = logging.getLogger("sentistream.monitor")


def configure_logging(settings: LoggingSettings) -> None:
    """Writes everything that is logged in this process as the settings say.

    May be called again when they change. What nobody caught is logged too. Make the secrets
    known with ``redaction.know_settings``; passwords in addresses are taken out anyway.

    Raises:
        OutputError: The file cannot be opened; then everything stays as it was.
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
        JsonFormat(redaction) if settings.format == "json" else TextFormat(redaction)
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
    _log.critical("ended by an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is None or issubclass(failed.exc_type, SystemExit):
        return
    _log.critical(
        "a thread was ended by an error",
        exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback),
        extra={"thread_name": failed.thread.name if failed.thread else ""},
    )
