"""How many CPU cores this program may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """The cores this process may run on, at least 1; ``taskset`` and containers may limit them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
