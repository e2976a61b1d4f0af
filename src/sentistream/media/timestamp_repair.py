"""Repair of a live stream's timestamps that jump, wrap or restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from av import Packet

STEP_BACK = 1.0
"""Seconds by which a live stream's timestamps may step back before they count as a restart."""
LEAP = 5.0
"""Seconds by which they may run ahead of the wall clock before they do."""
_STEP = 0.04


@dataclass(slots=True)
class _Stream:
    shift: float = 0.0
    last: float | None = None
    arrived: float = 0.0


class TimestampRepair:
    """Shifts packet timestamps so that they advance in real time.

    Timestamps jump when a sender restarts, wraps its counter or has its clock set. From there
    on they are shifted to continue by the system's monotonic clock. Audio and video that jump
    together stay in sync: the later of the two uses the other's shift if it fits.

    Args:
        untimed: Whether the packets' timestamps are meaningless (for instance bare JPEGs over
            HTTP); then each is stamped with its arrival time.
    """

    def __init__(self, *, untimed: bool = False) -> None:
        self.restarts: int = 0
        self._untimed = untimed
        self._streams: dict[int, _Stream] = {}
        self._newest = 0.0
        self._begun: float | None = None

    def adjust(self, packet: Packet[Any], arrived: float | None = None) -> None:
        """Shifts the packet's timestamps in place.

        Args:
            packet: The container's next packet.
            arrived: When it arrived (``time.monotonic``); by default now.
        """
        arrived = time.monotonic() if arrived is None else arrived
        if not packet.size or not packet.time_base:
            return
        if self._untimed:
            self._begun = arrived if self._begun is None else self._begun
            packet.pts = packet.dts = round((arrived - self._begun) / packet.time_base)
            return
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None:
            return
        own = float(stamp * packet.time_base)
        stream = self._streams.setdefault(packet.stream_index, _Stream(self._newest))
        if stream.last is not None and not _is_steady(own + stream.shift, stream, arrived):
            if not _is_steady(own + self._newest, stream, arrived):
                passed = max(_STEP, min(arrived - stream.arrived, LEAP))
                self._newest = stream.last + passed - own
                self.restarts += 1
            stream.shift = self._newest
        stream.last, stream.arrived = own + stream.shift, arrived
        ticks = round(stream.shift / packet.time_base)
        if ticks:
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks


def _is_steady(moved: float, stream: _Stream, arrived: float) -> bool:
    assert stream.last is not None  # noqa: S101 - for the type checker
    step = moved - stream.last
    return -STEP_BACK <= step <= max(0.0, arrived - stream.arrived) + LEAP
