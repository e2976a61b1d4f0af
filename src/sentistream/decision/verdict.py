"""The interface between the analyzer and a profile's decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sentistream.types import Branch, Distribution, Face, Flag, Moment, Picture


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision for one face at one moment, before smoothing.

    Attributes:
        mouth_open: Probability that the mouth is open, 0 to 1.
        branch: Which networks decided.
        momentary: Their answer.
        accumulated: The answer accumulated up to now; None if moments are to be
            smoothed by Equation 1.
        flags: What lowers its quality.
        voice_share: The part of the answer that came from the voice, 0 to 1: of ``accumulated``
            where that is given, else of ``momentary``; None if that is not known.
    """

    mouth_open: float
    branch: Branch
    momentary: Distribution
    accumulated: Distribution | None = None
    flags: tuple[Flag, ...] = ()
    voice_share: float | None = None


class Decision(Protocol):
    """A profile's networks and how they are combined."""

    def update_faces(self, picture: Picture, faces: Sequence[Face], time: float) -> None:
        """Processes a new picture, taken at ``time`` (seconds), with at least one face."""
        ...

    def decide(self, moment: Moment) -> list[Verdict]:
        """A verdict for each face of the last ``update_faces``, in the same order."""
        ...

    def update_sound(self, moment: Moment) -> None:
        """Processes the sound of a moment without a readable face."""
        ...

    def reset(self) -> None:
        """Clears all state, as for a new source."""
        ...
