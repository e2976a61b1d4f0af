"""Wait for conditions, never for fixed times."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str = "", *, limit: float = 30.0) -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: It did not hold within ``limit`` seconds; the message contains ``what``.
    """
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what or condition}")
        time.sleep(0.02)
