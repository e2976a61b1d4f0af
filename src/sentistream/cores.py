"""How many processor cores there are for this program."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """The cores this process may run on, at least 1; ``taskset`` and containers may allow few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
