"""Waiting for conditions, never for times."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    """Returns as soon as it holds; the test fails when it never does."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"It did not come true within {limit:g} s.")
        time.sleep(0.02)
