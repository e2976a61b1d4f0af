"""Interrupts a blocking network read from another thread.

PyAV has no call for that. While FFmpeg waits, it asks PyAV several times a second whether the
read has timed out, and PyAV calls ``time`` of its module ``av.container.core``: for a thread
that should end, that clock jumps ahead at each call. If a later PyAV does this differently, such
a read still ends at its own timeout.
"""

from __future__ import annotations

import importlib
import itertools
import threading
import time
from typing import Any

_LEAP = 1e12
"""Seconds, more than any timeout, so that a read that begins after the interruption also ends."""

_leaps = itertools.count(1)
_ending: dict[int, threading.Thread] = {}
"""Threads by id, which may be reused once a thread has ended."""


class _Clock:
    @staticmethod
    def monotonic() -> float:
        thread = _ending.get(threading.get_ident())
        if thread is None or not thread.is_alive():
            return time.monotonic()
        return next(_leaps) * _LEAP

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


vars(importlib.import_module("av.container.core"))["time"] = _Clock()


def interrupt(thread: threading.Thread) -> None:
    """Makes all current and later reads of ``thread`` end at once with ``av.error.ExitError``."""
    if thread.ident is not None and thread.is_alive():
        _ending[thread.ident] = thread


def ended() -> None:
    """To be called last by a thread that may be interrupted."""
    _ending.pop(threading.get_ident(), None)
