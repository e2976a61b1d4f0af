"""``report.html``: one self-contained page that a shop owner understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream import parquet
from sentistream.reports.charts import Chart, chart, ticks
from sentistream.reports.faults import faults_in_words
from sentistream.reports.files import write_atomically
from sentistream.reports.output import Output
from sentistream.reports.palette import COLORS, FLAG_WORDS, WORDS
from sentistream.reports.statistics import Tally
from sentistream.reports.summary import SummaryFile
from sentistream.reports.thumbnails import Thumbnail, Thumbnails
from sentistream.reports.timeline import Timeline
from sentistream.reports.words import clock, count, headline, length, percent
from sentistream.types import SENTIMENTS, Branch, Label, Moment, Reading
from sentistream.values import ByValue

APPEARANCES = 12
"""Most appearances shown with a chart of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance(ByValue):
    """One appearance, as the page shows it."""

    track: int
    tally: Tally
    chart: Chart
    thumbnails: list[Thumbnail]


class ReportPage(Output):
    """``report.html``: no script, no network, light and dark, readable aloud.

    Args:
        path: The file; replaced where it exists.
        summary: Where the numbers come from; it must be given each moment before this one.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        images: Whether to show small pictures of the people.
    """

    def __init__(
        self, path: Path, summary: SummaryFile, *, mouth_threshold: float, images: bool = True
    ) -> None:
        self._path = path
        self._summary = summary
        self._timeline = Timeline(mouth_threshold)
        self._thumbnails = Thumbnails() if images else None

    def open(self) -> None:
        """Nothing is written before the end."""

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self._timeline.add(moment.time, readings)
        if self._thumbnails is not None:
            self._thumbnails.add(moment, readings)

    def close(self, *, complete: bool) -> None:
        write_atomically(self._path, self._render(self._summary.facts(complete=complete)))

    def _render(self, facts: dict[str, Any]) -> str:
        statistics = self._summary.statistics
        seconds = max(facts["seconds_analyzed"], self._timeline.width)
        start = self._timeline.start
        tracks = sorted(statistics.tracks.items(), key=lambda item: -item[1].readings)
        appearances = [
            self._appearance(track, tally, seconds) for track, tally in tracks[:APPEARANCES]
        ]
        environment = Environment(
            loader=PackageLoader("sentistream.reports"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(percent=_percent, clock=clock, lasting=length)
        return environment.get_template("report.html.j2").render(
            facts=facts,
            overall=statistics.overall,
            headline=headline(statistics.overall.label, statistics.overall.answer),
            sentence=_sentence(facts, statistics.overall),
            appearances=sorted(appearances, key=lambda each: each.track),
            others=statistics.appearances - len(appearances),
            ticks=ticks(start, seconds),
            left_out=_left_out(facts),
            sources=_sources(statistics.overall),
            notes=_notes(facts, statistics.overall),
            images=self._thumbnails is not None,
            has_parquet=parquet.is_available(),
            sentiments=SENTIMENTS,
            colors={label.value: color for label, color in COLORS.items()},
            words={label.value: word for label, word in WORDS.items()},
            count=count,
        )

    def _appearance(self, track: int, tally: Tally, seconds: float) -> Appearance:
        timeline = self._timeline
        bins = timeline.tracks.get(track, {})
        return Appearance(
            track=track,
            tally=tally,
            chart=chart(bins, timeline.width, timeline.start, seconds),
            thumbnails=self._thumbnails.of(track) if self._thumbnails else [],
        )


def _percent(share: float) -> str:
    """Percent whose sign never moves to the next line."""
    return percent(share).replace(" %", "\N{NO-BREAK SPACE}%")


def _sentence(facts: dict[str, Any], overall: Tally) -> str:
    watched = length(facts["seconds_analyzed"])
    if not facts["moments_with_face"]:
        return (
            f"In {watched} of video sentistream found no face, "
            "so it says nothing about how anyone felt."
        )
    seen = _percent(facts["moments_with_face"] / facts["moments"])
    appearances = count(facts["appearances"], "appearance")
    if overall.answer is None:
        return (
            f"In {watched} of video sentistream counted {appearances} of faces ({seen} of the "
            "time), but could not give an answer."
        )
    said = (*SENTIMENTS, Label.UNKNOWN.value) if overall.labels[Label.UNKNOWN.value] else SENTIMENTS
    shares = ", ".join(f"{_percent(overall.share(name))} {name}" for name in said)
    return (
        f"In {watched} of video sentistream counted {appearances}; a face was in view "
        f"{seen} of the time. Moment by moment its readings of faces were {shares}."
    )


def _sources(overall: Tally) -> str:
    """How much of the answers came from the face and from the voice; empty without any."""
    alone, fused = (overall.branches[branch.value] for branch in (Branch.FACE, Branch.FUSED))
    if not alone + fused:
        return ""
    if not fused:
        return "The voice had no part in it: all readings rested on the face alone."
    told = f"{_percent(alone / (alone + fused))} of the readings rested on the face alone"
    share = overall.voice_share(Branch.FUSED)
    if share is None:
        return f"{told}, the others on face and voice together."
    return (
        f"{told}. Where a voice was heard too, on average {_percent(share)} of the answer came "
        "from it: the face alone would have given that part to other sentiments."
    )


def _left_out(facts: dict[str, Any]) -> str:
    """What the limit of faces followed at once has cut off; empty where it did not."""
    more = facts["more_faces"]
    if not more["moments"]:
        return ""
    followed = "face was" if more["limit"] == 1 else "faces were"
    share = _percent(more["moments"] / facts["moments"])
    return (
        f"At most {count(more['limit'], followed, followed)} followed at once. {share} of the time "
        f"there were more, up to {count(more['most_left_out'], 'more face')} at once; the largest "
        "were kept, and the others are counted nowhere. A higher --max-faces follows them too."
    )


def _notes(facts: dict[str, Any], overall: Tally) -> list[str]:
    """What lowers the quality of these very results, in words."""
    notes = []
    if not facts["complete"]:
        notes.append(
            "The analysis was stopped before the end of the video; "
            "this page shows what was seen until then."
        )
    if facts["input"].get("audio_codec", "") is None:
        notes.append("The video has no sound, so every answer comes from faces alone.")
    for flag, words in FLAG_WORDS.items():
        share = overall.flags[flag.value] / overall.readings if overall.readings else 0
        if share >= 0.005:
            notes.append(f"In {_percent(share)} of the readings {words}.")
    notes += facts["input"].get("remarks", ())
    notes += faults_in_words(facts["faults"], facts["input"].get("sizes", ()))
    if overall.label is Label.UNKNOWN:
        notes.append("Faces were seen, but none clearly enough for an answer.")
    return notes
