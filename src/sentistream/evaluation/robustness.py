"""How face detection, mouth state and sentiment hold up under corruptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError, MissingExtraError
from sentistream.evaluation.clip_trace import ClipTrace, trace_clip
from sentistream.evaluation.corruption_conditions import ClipCondition, ClipContext, condition_name
from sentistream.evaluation.corruptions import CorruptedSource
from sentistream.evaluation.evaluation_inputs import StillSource, pad_face_image
from sentistream.evaluation.evaluation_metrics import figures
from sentistream.evaluation.evaluation_report import INK, QUIET, SECOND_INK, new_figure, save_figure
from sentistream.evaluation.predictions import Prediction, accuracy_facts, class_indices
from sentistream.media import Source, open_source
from sentistream.media.image_file import read_image
from sentistream.profiles import Profile
from sentistream.reports.output_files import make_output_folder, write_atomically, write_json
from sentistream.reports.table_formats import csv_table, markdown_table
from sentistream.types import SENTIMENTS
from sentistream.voice.sound_file import read_sound, voiced_starts

CLEAN = "undisturbed"
ROBUSTNESS_TASKS = ("clips", "faces")
"""Tasks whose items can be corrupted."""


@dataclass(slots=True)
class RobustnessRow:
    """One condition over all clips that allow it.

    Attributes:
        kind, level: Of the condition.
        predictions: The prediction for each clip.
        same_answer: Clips with the answer of the clean run.
        moments, found: All moments, and those with a face.
        had_face, kept_face: Moments with a face in the clean run, and those of them that
            still have one.
        same_mouth, same_label: Of ``kept_face``: the mouth's state, the momentary class as in
            the clean run.
    """

    kind: str
    level: str
    predictions: list[Prediction] = field(default_factory=list)
    same_answer: int = 0
    moments: int = 0
    found: int = 0
    had_face: int = 0
    kept_face: int = 0
    same_mouth: int = 0
    same_label: int = 0

    def add(self, item: Item, plain: ClipTrace, corrupted: ClipTrace) -> None:
        """One clip's two runs."""
        prediction = Prediction(item, corrupted.answer)
        self.predictions.append(prediction)
        self.same_answer += prediction.answer == Prediction(item, plain.answer).answer
        self.moments += len(corrupted.faces)
        self.found += sum(face is not None for face in corrupted.faces)
        for index, face in enumerate(plain.faces[: len(corrupted.faces)]):
            if face is None:
                continue
            self.had_face += 1
            if corrupted.faces[index] is None:
                continue
            self.kept_face += 1
            self.same_mouth += corrupted.mouths[index] == plain.mouths[index]
            self.same_label += corrupted.labels[index] == plain.labels[index]

    def facts(self) -> dict[str, Any]:
        """For JSON; shares of nothing are None."""
        facts: dict[str, Any] = {"kind": self.kind, "level": self.level, "clips": 0}
        if self.predictions:
            truth, answers = class_indices(self.predictions, len(SENTIMENTS))
            right = accuracy_facts(self.predictions)
            facts |= {"clips": right.pop("n"), **right}
            facts["uar"] = round(figures(truth, answers, len(SENTIMENTS) + 1).uar, 4)
        return {
            **facts,
            "unusable": sum(prediction.answer is None for prediction in self.predictions),
            "clip_agreement": _share(self.same_answer, len(self.predictions)),
            "moments": self.moments,
            "face_found": _share(self.found, self.moments),
            "face_kept": _share(self.kept_face, self.had_face),
            "mouth_agreement": _share(self.same_mouth, self.kept_face),
            "moment_agreement": _share(self.same_label, self.kept_face),
            "moments_compared": self.kept_face,
        }


def run_robustness(
    items: Sequence[Item],
    task: str,
    profile: Profile,
    conditions: Sequence[ClipCondition],
    *,
    on_item: Callable[[], None] = lambda: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[RobustnessRow]:
    """Run every item clean and under each condition, with the live code.

    Args:
        items: Clips, or images of faces.
        task: One of ``ROBUSTNESS_TASKS``.
        profile: What to use.
        conditions: The corruptions.
        on_item: Called after each item.
        on_problem: Called with the reason an item was left out.

    Returns:
        The clean row, then one per condition.

    Raises:
        InputError: No item can be read.
        ValueError: The task cannot be corrupted.
    """
    if task not in ROBUSTNESS_TASKS:
        raise ValueError(f"Items of the task {task} cannot be corrupted.")
    analyzer = Analyzer(profile)
    rows = [
        RobustnessRow(CLEAN, ""),
        *(RobustnessRow(entry.kind, entry.level) for entry in conditions),
    ]

    def run(source: Source) -> ClipTrace:
        analyzer.reset(renumber=True)
        with Analysis(source, analyzer, profile) as analysis:
            return trace_clip(analysis.moments(), profile)

    for item in items:
        try:
            plain = run(_open(item.path, task, profile))
            scene = _scene(plain, item, items, task)
            rows[0].add(item, plain, plain)
            for row, condition in zip(rows[1:], conditions, strict=True):
                source = _corrupted(item.path, task, profile, condition, scene)
                if source is not None:
                    row.add(item, plain, run(source))
        except InputError as error:
            on_problem(error.problem)
        on_item()
    if not rows[0].predictions:
        raise InputError("None of the items can be read.", "Check the paths in the manifest.")
    return rows


def _open(path: Path, task: str, profile: Profile) -> Source:
    if task == "clips":
        return open_source(path, tick=profile.tick, sound_window=profile.sound_window)
    return StillSource(
        path.name, [pad_face_image(read_image(path))], seconds=profile.tick, tick=profile.tick
    )


def _corrupted(
    path: Path, task: str, profile: Profile, condition: ClipCondition, scene: ClipContext
) -> Source | None:
    """The corrupted item; None if it does not allow the condition."""
    picture = condition.picture(scene) if condition.picture else None
    sound = condition.sound(scene) if condition.sound else None
    if picture is None and sound is None:
        return None
    return CorruptedSource(_open(path, task, profile), picture, sound)


def _scene(plain: ClipTrace, item: Item, items: Sequence[Item], task: str) -> ClipContext:
    if task != "clips" or plain.level == 0:
        return ClipContext(plain)
    for other in _others(item, items):
        try:
            voice = read_sound(other.path)
        except InputError:
            continue
        starts = voiced_starts(voice)
        if len(starts):
            speech = voice[starts[0] :]
            level = float((speech.astype(float) ** 2).mean() ** 0.5)
            return ClipContext(plain, speech, level)
    return ClipContext(plain)


def _others(item: Item, items: Sequence[Item]) -> Iterator[Item]:
    """The following items, wrapping around, another person's first."""
    place = items.index(item)
    following = [*items[place + 1 :], *items[:place]]
    yield from (other for other in following if not item.person or other.person != item.person)
    yield from (other for other in following if item.person and other.person == item.person)


def _share(part: int, total: int) -> float | None:
    return round(part / total, 4) if total else None


MEASURES = {
    "face_kept": "face still found",
    "mouth_agreement": "same mouth state",
    "moment_agreement": "same momentary class",
    "accuracy": "clips right",
}
"""The plotted values and their names."""

CSV_COLUMNS = (
    "kind",
    "level",
    "clips",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "uar",
    "unusable",
    "clip_agreement",
    "moments",
    "face_found",
    "face_kept",
    "mouth_agreement",
    "moment_agreement",
    "moments_compared",
)


def write_robustness(folder: Path, facts: dict[str, Any]) -> str:
    """``robustness.json``, ``.csv``, ``.md`` and, with matplotlib, ``.png``.

    Args:
        folder: Where they go.
        facts: What was measured, with the list ``rows`` of ``RobustnessRow.facts``.

    Returns:
        Why there is no plot, if there is none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    make_output_folder(folder)
    write_json(folder / "robustness.json", facts)
    write_atomically(
        folder / "robustness.csv",
        csv_table([_with_ends(row) for row in facts["rows"]], CSV_COLUMNS),
    )
    write_atomically(folder / "robustness.md", markdown(facts["rows"]))
    try:
        _plot(folder / "robustness.png", facts["rows"])
    except MissingExtraError as error:
        return str(error)
    return ""


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table for reading."""
    heads = ("condition", "clips", "right (95 %)", "average recall", *list(MEASURES.values())[:3])
    cells = []
    for row in rows:
        right = recall = "not measured"
        if row["clips"]:
            low, high = row["accuracy_ci95"]
            right = f"{row['accuracy']:.1%} ({low:.1%} to {high:.1%})"
            recall = f"{row['uar']:.1%}"
        shares = [_percent(row[name]) for name in list(MEASURES)[:3]]
        cells.append((condition_name(row), str(row["clips"]), right, recall, *shares))
    return markdown_table(heads, cells) + "\n"


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share:.1%}"


def _with_ends(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row.get("accuracy_ci95", ("", ""))
    return {**row, "accuracy_low": low, "accuracy_high": high}


def _plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["clips"]][::-1]
    figure = new_figure(11, 1.6 + 0.3 * len(shown))
    columns = figure.subplots(1, len(MEASURES), sharey=True)
    for axes, (name, title) in zip(columns, MEASURES.items(), strict=True):
        for place, row in enumerate(shown):
            if row[name] is None:
                continue
            axes.barh(place, row[name], color=INK if row["level"] else QUIET, height=0.7)
            if name == "accuracy":
                axes.plot(row["accuracy_ci95"], [place, place], color=SECOND_INK, linewidth=2)
        axes.set(xlim=(0, 1.02), title=title)
        axes.set_xticks((0, 0.5, 1), ("0", "50 %", "100 %"))
        axes.grid(axis="x", alpha=0.3)
    columns[0].set_yticks(range(len(shown)), [condition_name(row) for row in shown])
    save_figure(figure, path)
