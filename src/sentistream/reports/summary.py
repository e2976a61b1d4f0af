"""``summary.json``: what was seen, in numbers, and what it was made with."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sentistream import __version__
from sentistream.prior import Shares
from sentistream.profiles import Profile
from sentistream.reports.files import write_atomically
from sentistream.reports.output import Output
from sentistream.reports.statistics import Statistics
from sentistream.types import SENTIMENTS, Moment, Reading


class Subject(Protocol):
    """What an output knows of the run besides its readings; an ``Analysis`` is one."""

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
        """Faces followed at once."""
        ...


def prior_dict(profile: Profile, learned: Shares | None = None) -> dict[str, Any]:
    """Which prior the answers were given for, and the shares they were corrected from and to.

    Args:
        profile: With its prior.
        learned: Shares learned from, if they are not those of the profile.
    """
    prior, learned = profile.prior, learned or profile.learned_shares
    shares = learned if prior.shares is None else prior.shares
    return {
        "name": prior.name,
        "shares": dict(zip(SENTIMENTS, (round(share, 4) for share in shares), strict=True)),
        "learned": dict(zip(SENTIMENTS, (round(share, 4) for share in learned), strict=True)),
    }


class SummaryFile(Output):
    """``summary.json``, written whole at the end, also of a run that was cut short.

    Args:
        path: The file; replaced where it exists.
        subject: The analysis.
        settings: What the user asked for, as plain values.
        file: Size and time of the file that is analyzed, of ``file_facts``.
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
        self.statistics = Statistics(subject.profile)

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
        """The summary of what was added so far, as plain values."""
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
