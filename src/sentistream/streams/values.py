"""What comes out of several streams."""

from __future__ import annotations

from dataclasses import dataclass

from sentistream.errors import SentistreamError
from sentistream.media import Faults
from sentistream.types import Reading


@dataclass(frozen=True, slots=True)
class StreamMoment:
    """A moment of one stream.

    Attributes:
        stream: The source's place among those given, from 0.
        time: Seconds on that stream's own media clock.
        readings: As ``Analyzer.process`` gives them.
        latency: Seconds from the end of decoding to these readings.
        tick: Seconds from one analyzed moment of it to the next at present; more than the
            profile's where a live stream is more than the machine can keep up with.
    """

    stream: int
    time: float
    readings: tuple[Reading, ...]
    latency: float
    tick: float


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Nothing more comes of one stream; the others go on.

    Attributes:
        stream: The source's place among those given, from 0.
        problem: Why, if it did not simply end.
        faults: What could not be read.
    """

    stream: int
    problem: SentistreamError | None
    faults: Faults
