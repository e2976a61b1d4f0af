"""``report.html``: one self-contained page for laypeople."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sentistream.atomic_write import atomic_path
from sentistream.profiles import Profile
from sentistream.reports.output_files import Output, writing
from sentistream.reports.report_clip import EmbeddedClip, LinkedClip
from sentistream.reports.report_wording import (
    COLORS,
    FLAG_WORDS,
    WORDS,
    clock,
    count,
    faults_in_words,
    headline,
    length,
    percent,
)
from sentistream.reports.summary_file import SummaryFile, Tally
from sentistream.reports.thumbnails import Reason, Reasons, Thumbnail, Thumbnails
from sentistream.reports.timeline_chart import STRIP, Lane, Row, Timeline, lanes, table_rows, ticks
from sentistream.types import SENTIMENTS, Branch, Label, Moment, Reading
from sentistream.values import ByValue

APPEARANCES = 12
"""Most appearances with their own line on the timeline, and pictures and a table below it."""
_CLIP = Markup("<clip>")  # unlike everything else on the page, its angle brackets are not escaped


@dataclass(frozen=True, slots=True, eq=False)
class Appearance(ByValue):
    """One appearance on the page."""

    track: int
    tally: Tally
    rows: list[Row]
    thumbnails: list[tuple[Thumbnail, Reason | None]]
    why: str

    @property
    def reasons(self) -> list[Reason]:
        """Which parts of the face its answers rest on, in order of time."""
        return [reason for _, reason in self.thumbnails if reason is not None]


class ReportPage(Output):
    """``report.html``: one file, no network, light and dark, accessible, usable without script.

    Args:
        path: The file; replaced if it exists.
        summary: Source of the numbers; it must get each moment before this one.
        mouth_threshold: Probability from which a mouth counts as open, 0 to 1.
        images: Whether to show small pictures of the people.
        clip: The video to play beside the timeline; None for none.
        tables: Names of the files beside it that contain all readings.
    """

    def __init__(
        self,
        path: Path,
        summary: SummaryFile,
        *,
        mouth_threshold: float,
        images: bool = True,
        clip: LinkedClip | EmbeddedClip | None = None,
        tables: Sequence[str] = (),
    ) -> None:
        self._path = path
        self._summary = summary
        self._timeline = Timeline(mouth_threshold)
        self._thumbnails = Thumbnails(summary.profile)
        self._images = images
        self._clip = clip
        self._tables = tables

    def open(self) -> None:
        """The page itself is not written before the end."""
        if isinstance(self._clip, EmbeddedClip):
            self._clip.open()

    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        self._timeline.add(moment.time, readings)
        self._thumbnails.add(moment, readings)
        if isinstance(self._clip, EmbeddedClip):
            self._clip.add(moment, readings)

    def close(self, *, complete: bool) -> None:
        embedded = self._clip if isinstance(self._clip, EmbeddedClip) else None
        try:
            if embedded is not None:
                embedded.close(complete=complete)
            before, _, after = self._render(self._summary.facts(complete=complete)).partition(_CLIP)
            with (
                writing(self._path),
                atomic_path(self._path) as temporary,
                # a file name that is not UTF-8 must not lose the results
                temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file,
            ):
                file.write(before)
                if embedded is not None:
                    file.writelines(embedded.base64())
                file.write(after)
        finally:
            if embedded is not None:
                with suppress(OSError):
                    embedded.discard()

    def _render(self, facts: dict[str, Any]) -> str:
        statistics, timeline = self._summary.statistics, self._timeline
        seconds = max(facts["seconds_analyzed"], timeline.width)
        reasons = Reasons(self._summary.profile)
        longest = sorted(statistics.tracks.items(), key=lambda item: -item[1].readings)
        own = sorted(track for track, _ in longest[:APPEARANCES])
        appearances = [
            self._appearance(track, statistics.tracks[track], seconds, reasons) for track in own
        ]
        shown = lanes(timeline, own)
        script = (files("sentistream.reports") / "templates" / "timeline.js").read_text("utf-8")
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
            appearances=appearances,
            others=statistics.appearances - len(appearances),
            undrawn=statistics.appearances - len(timeline.tracks),
            lanes=shown,
            heard=any(lane.voice for lane in shown),
            bins=seconds / timeline.width,
            strip=STRIP,
            ticks=ticks(timeline.start, seconds),
            data=_script_data(self._data(shown, appearances, seconds)),
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            clip=self._clip if isinstance(self._clip, LinkedClip) else None,
            embedded=_CLIP if isinstance(self._clip, EmbeddedClip) else "",
            left_out=_left_out(facts),
            sources=_sources(statistics.overall),
            accuracy=accuracy_sentence(facts["models"], self._summary.profile),
            notes=[
                *_notes(facts, statistics.overall),
                *accuracy_notes(facts["models"], self._summary.profile),
            ],
            images=self._images,
            tables=self._tables,
            sentiments=SENTIMENTS,
            colors={label.value: color for label, color in COLORS.items()},
            words={label.value: word for label, word in WORDS.items()},
            count=count,
        )

    def _appearance(self, track: int, tally: Tally, seconds: float, reasons: Reasons) -> Appearance:
        timeline = self._timeline
        pictures = [(one, reasons.of(one)) for one in self._thumbnails.of(track)]
        return Appearance(
            track=track,
            tally=tally,
            rows=table_rows(timeline.tracks[track], timeline.width, timeline.start, seconds),
            thumbnails=pictures,
            why=_why(tally, [reason for _, reason in pictures if reason is not None]),
        )

    def _data(
        self, shown: Sequence[Lane], appearances: Sequence[Appearance], seconds: float
    ) -> dict[str, Any]:
        """The data for the page's script."""
        return {
            "start": self._timeline.start,
            "seconds": seconds,
            "width": self._timeline.width,
            "lanes": [lane.parts for lane in shown],
            "why": {
                str(each.track): [
                    [reason.time, reason.label.value, _points(reason)] for reason in each.reasons
                ]
                for each in appearances
            },
        }


def _points(reason: Reason) -> list[tuple[str, int]]:
    """The parts of the face in percentage points, the strongest first."""
    parts = sorted(reason.regions.items(), key=lambda part: -part[1])
    return [(name, round(100 * change)) for name, change in parts]


def _script_data(values: Mapping[str, Any]) -> Markup:
    """JSON that cannot close the element that contains it."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - escaped for where it stands


def _why(tally: Tally, reasons: Sequence[Reason]) -> str:
    """Which part of the face the answers about an appearance rest on, and how much the voice."""
    sentences = []
    strongest = Counter(reason.strongest for reason in reasons)
    del strongest[None]
    if strongest:
        name, often = strongest.most_common(1)[0]
        sentences.append(
            f"In {often} of {count(len(reasons), 'picture')} looked into, the {name} spoke most "
            "for the answer."
        )
    elif reasons:
        sentences.append("No single part of the face decided in the pictures looked into.")
    share = tally.voice_share()
    if tally.answer is not None:
        if share is None:
            sentences.append("How much came from the voice is not known.")
        elif share == 0:
            sentences.append("No voice had a part in it.")
        else:
            sentences.append(f"On average {_percent(share)} of the answer came from the voice.")
    return " ".join(sentences)


def accuracy_sentence(models: Sequence[Mapping[str, Any]], profile: Profile) -> str:
    """The accuracy of the networks in use, and a weakness, in one line from their cards.

    Args:
        models: The cards, as plain values; missing fields are skipped.
        profile: Says which network does what.

    Returns:
        Empty if the cards have no figures.
    """
    roles = _roles(models, profile)
    if not roles:
        return ""
    parts = []
    for role, rows in roles:
        shares = sorted(
            {_percent(row["accuracy"]) for row in rows}, key=lambda text: float(text[:-2])
        )
        number = sum(row["n"] for row in rows)
        span = shares[0] if len(shares) == 1 else f"{shares[0]} to {shares[-1]}"
        unit = rows[0].get("unit", "examples")
        parts.append(f"{role} in {span} of {number:,} {unit} ({', '.join(_sources_of(rows))})")
    return f"Right on material not trained on: {'; '.join(parts)}.{_weakness(models, profile)}"


def accuracy_notes(models: Sequence[Mapping[str, Any]], profile: Profile) -> list[str]:
    """Each figure of the same networks with its interval."""
    return [
        f"On material not trained on, {role} {'was' if role.startswith('the') else 'were'} right "
        f"in {', '.join(_figure(row) for row in rows)}."
        for role, rows in _roles(models, profile)
    ]


def _roles(
    models: Sequence[Mapping[str, Any]], profile: Profile
) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The networks that decide the sentiment, with the figures of their cards, if any."""
    figures = {card["name"]: card.get("figures", ()) for card in models}
    roles = {
        "the face network": profile.face_model,
        "face and voice together": profile.fused_model,
    }
    return [(role, rows) for role, name in roles.items() if (rows := figures.get(name))]


def _sources_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["source"] for row in rows))


def _weakness(models: Sequence[Mapping[str, Any]], profile: Profile) -> str:
    known = (card.get("weaknesses") for card in models if card["name"] == profile.face_model)
    return next((f" {weaknesses[0]}" for weaknesses in known if weaknesses), "")


def _figure(row: Mapping[str, Any]) -> str:
    interval = ""
    if "accuracy_ci95" in row:
        low, high = (f"{100 * edge:.0f}" for edge in row["accuracy_ci95"])
        interval = f"; 95{NBSP_PERCENT} interval {low} to {high}"
    return (
        f"{_percent(row['accuracy'])} of {_count(row)} ({row['source']}, {row['split']}{interval})"
    )


def _count(row: Mapping[str, Any]) -> str:
    unit = row.get("unit")
    return f"{row['n']:,} {unit}" if unit else f"{row['n']:,}"


NBSP_PERCENT = "\N{NO-BREAK SPACE}%"


def _percent(share: float) -> str:
    """A percentage whose sign never wraps to the next line."""
    return percent(share).replace(" %", NBSP_PERCENT)


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
    shown = (
        (*SENTIMENTS, Label.UNKNOWN.value) if overall.labels[Label.UNKNOWN.value] else SENTIMENTS
    )
    shares = ", ".join(f"{_percent(overall.share(name))} {name}" for name in shown)
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
    """What the limit of tracked faces has cut off; empty if nothing."""
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
    """What lowers the quality of these results, in words."""
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
