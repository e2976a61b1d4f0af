"""Interrupts a blocking network read from another thread.

PyAV has no call for that. While FFmpeg waits it asks PyAV several times a second whether the
read has taken too long, and PyAV asks the ``time`` of its module ``av.container.core``: for a
thread that is to end, the time reported here is infinite. Should a later PyAV ask
elsewhere, such a read still ends at its own time limit.
"""

from __future__ import annotations

import importlib
import math
import threading
import time
from typing import Any

_ending: set[int] = set()


class _Clock:
    @staticmethod
    def monotonic() -> float:
        return math.inf if threading.get_ident() in _ending else time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


vars(importlib.import_module("av.container.core"))["time"] = _Clock()


def interrupt(thread: threading.Thread) -> None:
    """Makes all current and later reads of ``thread`` end at once with ``av.error.ExitError``."""
    if thread.ident is not None and thread.is_alive():
        _ending.add(thread.ident)


def ended() -> None:
    """To be called last by a thread that may be interrupted: its number may be given again."""
    _ending.discard(threading.get_ident())
