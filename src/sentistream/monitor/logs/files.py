"""A log file that is begun anew when it is large, and that never stops the program."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

SAY_AGAIN = 60.0
"""Seconds between two complaints on the terminal that the log cannot be written."""


class LogFile(RotatingFileHandler):
    """Rotated by size, readable by its owner alone.

    When the disk is full or the folder gone, lines are lost and counted; once it can be
    written to again, a line says how many.

    Args:
        path: The file; its folder must exist.
        max_bytes: At which it is begun anew.
        kept: How many earlier files are kept; without any, the file is cut to nothing.

    Attributes:
        lost: Lines that could not be written and were not told of yet.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int, kept: int) -> None:
        self.lost = 0
        self._complained = -SAY_AGAIN
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
        """Begins anew; without earlier files to keep, the old lines are dropped."""
        if self.backupCount > 0:
            super().doRollover()
            return
        self._drop_stream()
        self.stream = self._open()
        self.stream.truncate(0)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Counts the line and says so on the terminal, now and then."""
        self.lost += 1
        self._drop_stream()
        now = time.monotonic()
        if now - self._complained < SAY_AGAIN:
            return
        self._complained = now
        error = sys.exc_info()[1]
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"The log cannot be written ({reason}): {self.baseFilename}\n")

    def close(self) -> None:
        """Lets go of the file, whatever it still held."""
        with contextlib.suppress(OSError, ValueError):
            super().close()

    def _open(self) -> TextIOWrapper:
        opened: IO[Any] = open(  # noqa: SIM115
            self.baseFilename, "a", encoding="utf-8", opener=_for_owner
        )
        assert isinstance(opened, TextIOWrapper)  # noqa: S101
        return opened

    def _drop_stream(self) -> None:
        """Forgets the stream, and with it what it could not write."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
