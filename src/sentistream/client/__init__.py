"""A small client of the monitor's API; needs httpx and websockets, nothing of the monitor."""

from sentistream.client.client import Client
from sentistream.client.errors import MonitorError, UnreachableError
from sentistream.client.values import (
    Alert,
    Camera,
    Dropped,
    Event,
    Face,
    Health,
    Observation,
    Reading,
    Sum,
)

__all__ = [
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
    "Sum",
    "UnreachableError",
]
