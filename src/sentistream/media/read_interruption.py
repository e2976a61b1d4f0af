"""Interrupts a blocking network read from another thread.

PyAV has no call for that. While FFmpeg waits it asks PyAV several times a second whether the
read has taken too long, and PyAV asks the ``time`` of its module ``av.container.core``: for a
thread that is to end, the clock leaps ahead at each look. Should a later PyAV ask elsewhere,
such a read still ends at its own time limit.
"""

from __future__ import annotations

import importlib
import itertools
import threading
import time
from typing import Any

_LEAP = 1e12
"""Seconds, more than any time limit: a read that begins after the interruption ends, too."""

_leaps = itertools.count(1)
_ending: dict[int, threading.Thread] = {}
"""By number, which another thread may be given once this one has ended."""


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
