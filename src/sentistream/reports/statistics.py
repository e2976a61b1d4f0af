"""Shares and means, accumulated moment by moment in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sentistream.reports.columns import mouth_state
from sentistream.types import SENTIMENTS, Distribution, Flag, Label, Reading


@dataclass(slots=True)
class Tally:
    """What was said of one appearance, or of all of them together.

    Attributes:
        readings: How many readings had a face.
        weighed: How many of them had probabilities.
        sums: Sums of the momentary probabilities, in the order of ``SENTIMENTS``.
    """

    first: float = 0.0
    last: float = 0.0
    readings: int = 0
    weighed: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    labels: Counter[str] = field(default_factory=Counter)
    branches: Counter[str] = field(default_factory=Counter)
    mouths: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, reading: Reading, mouth_threshold: float) -> None:
        if self.readings == 0:
            self.first = reading.time
        self.last = reading.time
        self.readings += 1
        self.labels[reading.label.value] += 1
        self.branches[reading.branch.value] += 1
        self.flags.update(flag.value for flag in reading.flags)
        state = mouth_state(reading.mouth_open, mouth_threshold)
        if state is not None:
            self.mouths[state] += 1
        if reading.momentary is not None:
            self.weighed += 1
            for index, value in enumerate(reading.momentary.as_tuple()):
                self.sums[index] += value

    @property
    def mean(self) -> Distribution | None:
        """Mean of the momentary distributions; None where there was none."""
        if not self.weighed:
            return None
        positive, neutral, negative = (value / self.weighed for value in self.sums)
        return Distribution(positive, neutral, negative)

    @property
    def label(self) -> Label:
        """The most probable class of the mean."""
        if not self.readings:
            return Label.NO_FACE
        mean = self.mean
        return mean.label if mean else Label.UNKNOWN

    def share(self, label: str) -> float:
        """Part of the readings with a face that bear this label, 0 to 1."""
        return self.labels[label] / self.readings if self.readings else 0.0

    @property
    def mouth_open_share(self) -> float | None:
        """Part of the readings with a known mouth in which it is open, 0 to 1."""
        known = self.mouths.total()
        return self.mouths["open"] / known if known else None

    def as_dict(self) -> dict[str, object]:
        """As ``summary.json`` has it."""
        mean = self.mean
        return {
            "label": self.label.value,
            "probabilities": probabilities(mean),
            "shares": {name: round(self.share(name), 6) for name in (*SENTIMENTS, "unknown")},
            "mouth_open_share": _rounded(self.mouth_open_share),
            "branches": {name: self.branches[name] for name in ("face", "fused", "none")},
            "flags": {flag.value: self.flags[flag.value] for flag in Flag},
        }


def probabilities(distribution: Distribution | None) -> dict[str, float | None]:
    """The three classes by name; all None where there is no distribution."""
    if distribution is None:
        return dict.fromkeys(SENTIMENTS)
    return {
        name: round(value, 6)
        for name, value in zip(SENTIMENTS, distribution.as_tuple(), strict=True)
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


TRACKS_TOLD = 1_000
"""How many faces are told of one by one; later ones count in the whole only."""


class Statistics:
    """All that the summary and the page say in numbers.

    Overall is the mean of the momentary distributions of all faces at all moments: every face
    weighs by how long it was seen. Smoothed values are not averaged, since they count the past
    twice.
    """

    def __init__(self, mouth_threshold: float) -> None:
        self._threshold = mouth_threshold
        self.moments = 0
        self.moments_with_face = 0
        self.first: float | None = None
        self.last: float | None = None
        self.most_faces = 0
        self.moments_with_more = 0
        self.most_left_out = 0
        self.overall = Tally()
        self.appearances = 0
        self._highest = 0
        self.tracks: dict[int, Tally] = {}

    def add(self, time: float, readings: Sequence[Reading]) -> None:
        """Count one moment."""
        self.moments += 1
        self.first = time if self.first is None else self.first
        self.last = time
        left_out = max((reading.left_out for reading in readings), default=0)
        self.moments_with_more += left_out > 0
        self.most_left_out = max(self.most_left_out, left_out)
        faces = 0
        for reading in readings:
            if reading.track is None:
                continue
            faces += 1
            self.overall.add(reading, self._threshold)
            tally = self.tracks.get(reading.track)
            if tally is None and len(self.tracks) < TRACKS_TOLD:
                tally = self.tracks[reading.track] = Tally()
                self.appearances += 1
            elif tally is None and reading.track > self._highest:
                self.appearances += 1  # numbers are given in order and never again
            self._highest = max(self._highest, reading.track)
            if tally is not None:
                tally.add(reading, self._threshold)
        self.moments_with_face += faces > 0
        self.most_faces = max(self.most_faces, faces)
