"""What the server and a camera's worker say to each other through their pipe.

A worker also sends ``Observation`` and ``Seconds``. No picture is among them but the live
picture, and that only while somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentistream.monitor.observations import Observation, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The worker is well; about twice a second.

    Attributes:
        preparing: What it does before pictures can come, in words; empty when it has done so.
        moments_per_second: Analyzed now.
        tick: Seconds between moments now.
        latency: Seconds from a picture's decoding to its reading, 95th percentile of late.
        dropped: Moments dropped since the worker began.
        damaged: Packets or pictures that could not be decoded since then.
        remarks: What is to be known of its source, a sentence each.
        last_picture: Wall-clock time of the newest picture; None before the first.
        picture_age: Seconds since the newest picture came, or since the worker began to wait.
    """

    preparing: str = ""
    moments_per_second: float = 0.0
    tick: float = 0.0
    latency: float = 0.0
    dropped: int = 0
    damaged: int = 0
    remarks: tuple[str, ...] = ()
    last_picture: float | None = None
    picture_age: float = 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A live picture, as JPEG, and when it was taken: wall-clock seconds (UTC)."""

    jpeg: bytes
    time: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What a visitor's browser is told, in answer to its offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Over:
    """The worker's last word.

    Attributes:
        problem: What went wrong, without passwords; empty where the source simply ended.
        way_out: What to do about it.
        trace: Where in the program, if it was not foreseen; names no values.
        again: Whether it has only prepared, and a worker without the remains is to go on.
    """

    problem: str = ""
    way_out: str = ""
    trace: str = ""
    again: bool = False


Message = Observation | Seconds | Heartbeat | Shown | Answered | Over
"""From the worker."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looks: live pictures are wanted for a while."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell the second under way, and end."""


Command = Look | Finish
"""From the server."""
