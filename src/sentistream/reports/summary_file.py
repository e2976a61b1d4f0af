"""``summary.json``: the statistics and settings of a run."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sentistream import __version__
from sentistream.accumulation import Overall, is_sure
from sentistream.prior import Shares
from sentistream.profiles import Profile
from sentistream.reports.output_files import Output, write_atomically
from sentistream.tables import mouth_state
from sentistream.types import SENTIMENTS, Branch, Distribution, Flag, Label, Moment, Reading


class Subject(Protocol):
    """What an output knows about the run besides its readings; implemented by ``Analysis``."""

    @property
    def info(self) -> Any:
        """Facts of the input: a dataclass."""
        ...

    @property
    def faults(self) -> Any:
        """Counters of what could not be read: a dataclass."""
        ...

    @property
    def profile(self) -> Profile: ...

    @property
    def models(self) -> Sequence[dict[str, Any]]:
        """Name, version and checksum of each network."""
        ...

    @property
    def max_faces(self) -> int:
        """Most faces tracked at once."""
        ...


def prior_dict(profile: Profile, learned: Shares | None = None) -> dict[str, Any]:
    """The prior of the answers, and the shares that they were corrected from and to.

    Args:
        profile: With its prior.
        learned: Shares in the training data, if they are not those of the profile.
    """
    prior, learned = profile.prior, learned or profile.learned_shares
    shares = learned if prior.shares is None else prior.shares
    return {
        "name": prior.name,
        "shares": dict(zip(SENTIMENTS, (round(share, 4) for share in shares), strict=True)),
        "learned": dict(zip(SENTIMENTS, (round(share, 4) for share in learned), strict=True)),
    }


class SummaryFile(Output):
    """``summary.json``, written at the end, also for an interrupted run.

    Args:
        path: The file; replaced where it exists.
        subject: The analysis.
        settings: What the user asked for, as plain values.
        file: Size and time of the analyzed file, from ``file_facts``.
    """

    def __init__(
        self,
        path: Path,
        subject: Subject,
        settings: dict[str, Any],
        *,
        file: dict[str, Any] | None = None,
    ) -> None:
        self._path = path
        self._subject = subject
        self._settings = settings
        self._file = file
        self.statistics: Statistics = Statistics(subject.profile)

    @property
    def profile(self) -> Profile:
        """The profile of the readings."""
        return self._subject.profile

    def open(self) -> None:
        self._started = time.monotonic()
        self._elapsed = 0.0
        self._created = datetime.now(UTC)

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self.statistics.add(moment.time, readings)
        self._elapsed = time.monotonic() - self._started

    def close(self, *, complete: bool) -> None:
        facts = self.facts(complete=complete)
        write_atomically(
            self._path, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )

    def facts(self, *, complete: bool) -> dict[str, Any]:
        """The summary so far, as plain values."""
        statistics, profile = self.statistics, self._subject.profile
        elapsed = self._elapsed
        seconds = 0.0
        if statistics.first is not None and statistics.last is not None:
            seconds = statistics.last - statistics.first + profile.tick
        return {
            "sentistream": __version__,
            "created": self._created.isoformat(timespec="seconds"),
            "complete": complete,
            "input": dataclasses.asdict(self._subject.info),
            "file": self._file,
            "seconds_analyzed": round(seconds, 3),
            "overall": statistics.overall.answer_dict(),
            "appearances": statistics.appearances,
            "faces": statistics.appearances,  # deprecated; the next version leaves it out
            "most_faces_at_once": statistics.most_faces,
            "more_faces": {
                "limit": self._subject.max_faces,
                "moments": statistics.moments_with_more,
                "most_left_out": statistics.most_left_out,
            },
            "moments": statistics.moments,
            "moments_with_face": statistics.moments_with_face,
            "readings": statistics.overall.counts_dict(),
            "tracks": [
                {
                    "track": track,
                    "first": round(tally.first, 3),
                    "last": round(tally.last, 3),
                    "moments": tally.readings,
                    **tally.answer_dict(),
                    **tally.counts_dict(),
                }
                for track, tally in statistics.tracks.items()
            ],
            "speed": {
                "frames_per_second": round(statistics.moments / elapsed, 2) if elapsed else None,
                "seconds": round(elapsed, 3),
                "times_real_time": round(seconds / elapsed, 2) if elapsed else None,
            },
            "faults": dataclasses.asdict(self._subject.faults),
            "models": list(self._subject.models),
            "profile": dataclasses.asdict(profile),
            "prior": prior_dict(profile),
            "settings": self._settings,
        }


@dataclass(slots=True)
class Tally:
    """Statistics of the readings of one appearance, or of all together.

    Attributes:
        profile: Determines how moments are accumulated, and when a mouth counts as open.
        readings: How many readings had a face.
    """

    profile: Profile
    first: float = 0.0
    last: float = 0.0
    readings: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    branches: Counter[str] = field(default_factory=Counter)
    mouths: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    _voice_shares: dict[Branch, tuple[int, float]] = field(default_factory=dict)
    _overall: Overall = field(init=False)

    def __post_init__(self) -> None:
        self._overall = Overall(self.profile)

    def add(self, reading: Reading) -> None:
        if self.readings == 0:
            self.first = reading.time
        self.last = reading.time
        self.readings += 1
        self.labels[reading.label.value] += 1
        self.branches[reading.branch.value] += 1
        self.flags.update(flag.value for flag in reading.flags)
        state = mouth_state(reading.mouth_open, self.profile.mouth_threshold)
        if state is not None:
            self.mouths[state] += 1
        if reading.voice_share is not None:
            known, total = self._voice_shares.get(reading.branch, (0, 0.0))
            self._voice_shares[reading.branch] = known + 1, total + reading.voice_share
        self._overall.add([reading])

    @property
    def answer(self) -> Distribution | None:
        """The overall answer, as ``evaluate`` measures it; None if there is none."""
        return self._overall.answer

    @property
    def label(self) -> Label:
        """The most probable class of the answer."""
        if not self.readings:
            return Label.NO_FACE
        answer = self.answer
        return answer.label if answer else Label.UNKNOWN

    def share(self, label: str) -> float:
        """Share of the readings with a face that have this label, 0 to 1."""
        return self.labels[label] / self.readings if self.readings else 0.0

    @property
    def mouth_open_share(self) -> float | None:
        """Part of the readings with a known mouth in which it is open, 0 to 1."""
        known = self.mouths.total()
        return self.mouths["open"] / known if known else None

    def voice_share(self, *branches: Branch) -> float | None:
        """Mean part of the answers that came from the voice, 0 to 1; None if not known.

        Args:
            branches: Count only the readings that these decided; by default all.
        """
        counted = [self._voice_shares.get(one, (0, 0.0)) for one in branches or Branch]
        known = sum(count for count, _ in counted)
        return sum(total for _, total in counted) / known if known else None

    def answer_dict(self) -> dict[str, object]:
        """The overall answer, as in ``summary.json``."""
        answer = self.answer
        return {
            "label": self.label.value,
            "probabilities": _probabilities(answer),
            "sure": None if answer is None else is_sure(answer.confidence, self.profile),
        }

    def counts_dict(self) -> dict[str, object]:
        """How the readings were spread over time, as in ``summary.json``."""
        return {
            "label_shares": {name: round(self.share(name), 6) for name in (*SENTIMENTS, "unknown")},
            "mouth_open_share": _rounded(self.mouth_open_share),
            "branches": {name: self.branches[name] for name in ("face", "fused", "none")},
            "flags": {flag.value: self.flags[flag.value] for flag in Flag},
            "voice_share": _rounded(self.voice_share()),
            "voice_share_fused": _rounded(self.voice_share(Branch.FUSED)),
        }


def _probabilities(distribution: Distribution | None) -> dict[str, float | None]:
    """The three classes by name; all None if there is no distribution."""
    if distribution is None:
        return dict.fromkeys(SENTIMENTS)
    return {
        name: round(value, 6)
        for name, value in zip(SENTIMENTS, distribution.as_tuple(), strict=True)
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


MAX_LISTED_TRACKS = 1_000
"""Most faces with separate statistics; later ones count only in the total."""


class Statistics:
    """All numbers of the summary and the page.

    Args:
        profile: Determines how moments are accumulated, and when a mouth counts as open.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.moments: int = 0
        self.moments_with_face: int = 0
        self.first: float | None = None
        self.last: float | None = None
        self.most_faces: int = 0
        self.moments_with_more: int = 0
        self.most_left_out: int = 0
        self.overall: Tally = Tally(profile)
        self.appearances: int = 0
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
            self.overall.add(reading)
            tally = self.tracks.get(reading.track)
            if tally is None and len(self.tracks) < MAX_LISTED_TRACKS:
                tally = self.tracks[reading.track] = Tally(self._profile)
                self.appearances += 1
            elif tally is None and reading.track > self._highest:
                self.appearances += 1  # track numbers are assigned in order and never reused
            self._highest = max(self._highest, reading.track)
            if tally is not None:
                tally.add(reading)
        self.moments_with_face += faces > 0
        self.most_faces = max(self.most_faces, faces)
