"""A small client for the monitor's API; needs httpx and websockets, nothing from the monitor."""

import warnings
from typing import Any

from sentistream.client.client import Client
from sentistream.client.errors import MonitorError, UnreachableError
from sentistream.client.values import (
    Aggregate,
    Alert,
    Camera,
    Dropped,
    Event,
    Face,
    Health,
    Observation,
    Reading,
)

__all__ = [
    "Aggregate",
    "Alert",
    "Camera",
    "Client",
    "Dropped",
    "Event",
    "Face",
    "Health",
    "MonitorError",
    "Observation",
    "Reading",
    "UnreachableError",
]


def __getattr__(name: str) -> Any:
    if name == "Sum":  # deprecated name; the next version removes it
        warnings.warn("Sum is called Aggregate now.", DeprecationWarning, stacklevel=2)
        return Aggregate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
