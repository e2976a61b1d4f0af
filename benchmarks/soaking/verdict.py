"""What each fault cost, and whether anything else was lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.soaking.ledger import Ledger

STEADY = 5
"""Consecutive seconds that must be present for a camera to count as recovered."""
EDGE = 2
"""Seconds attributed to a fault besides its duration: the current one, and that of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault that was injected.

    Attributes:
        name: Its name.
        affects: The affected cameras.
        begin, end: True seconds (UTC) at which the cause began and ended.
        error: Why it could not be injected; empty if it was.
    """

    name: str
    affects: tuple[str, ...]
    begin: float
    end: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The effect of a fault.

    Attributes:
        fault: The injected fault.
        recovery: Seconds from the cause's end until every camera was read again; None: never.
        lost: Seconds without a reading, by camera.
        lost_elsewhere: The same for unaffected cameras.
    """

    fault: Injected
    recovery: float | None
    lost: dict[str, int]
    lost_elsewhere: int


def outcome(fault: Injected, ledger: Ledger, until: int) -> Outcome:
    """What a fault cost.

    Args:
        fault: The injected fault.
        ledger: The stored seconds.
        until: The second at which the next fault came, or the end.
    """
    begin = math.floor(fault.begin) - EDGE
    lost: dict[str, int] = {}
    elsewhere, recoveries = 0, [0.0]
    recovered = True
    for camera, seconds in ledger.seconds.items():
        missing = [second for second in range(begin, until) if second not in seconds]
        if camera not in fault.affects:
            elsewhere += len(missing)
        if missing:
            lost[camera] = len(missing)
        again = _again(seconds, math.floor(fault.end), until)
        if again is None:
            recovered = False
        else:
            recoveries.append(again - fault.end)
    return Outcome(
        fault=fault,
        recovery=max(recoveries) if recovered else None,
        lost=lost,
        lost_elsewhere=elsewhere,
    )


def _again(seconds: set[int], begin: int, until: int) -> int | None:
    """The first of the next ``STEADY`` consecutive seconds that are all present."""
    for again in range(begin, until - STEADY + 1):
        if all(second in seconds for second in range(again, again + STEADY)):
            return again
    return None


def lost_outside(
    ledger: Ledger, begin: int, end: int, outcomes: list[Outcome]
) -> dict[str, list[int]]:
    """Seconds of [begin, end) without a reading that no fault accounts for."""
    excused: set[int] = set()
    for one in outcomes:
        last = one.fault.end + (one.recovery if one.recovery is not None else 60)
        excused.update(range(math.floor(one.fault.begin) - EDGE, math.ceil(last) + EDGE))
    return {
        camera: [s for s in range(begin, end) if s not in seconds and s not in excused]
        for camera, seconds in ledger.seconds.items()
    }
