"""Wait for conditions, never for fixed times."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    """Return as soon as it holds; fail if it does not within the limit."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"It did not come true within {limit:g} s.")
        time.sleep(0.02)
