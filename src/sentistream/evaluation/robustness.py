"""How finding of faces, mouth state and sentiment hold up when things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentistream.analyzer import Analyzer
from sentistream.api import Analysis
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation.conditions import Condition, Scene
from sentistream.evaluation.disturbed import DisturbedSource
from sentistream.evaluation.metrics import figures
from sentistream.evaluation.outcomes import Outcome, class_numbers, share_right
from sentistream.evaluation.stills import StillSource, framed
from sentistream.evaluation.watching import Watched, watch
from sentistream.media import Source, open_source
from sentistream.media.image_file import read_image
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS
from sentistream.voice.sound_file import read_sound, voiced_starts

UNDISTURBED = "undisturbed"
TASKS = ("clips", "faces")
"""Tasks whose items can be disturbed."""


@dataclass(slots=True)
class Row:
    """One condition over all clips that allow it.

    Attributes:
        kind, level: Of the condition.
        outcomes: What was said of each clip.
        same_answer: Clips with the answer of the undisturbed run.
        moments, found: Moments in all, and those with a face.
        had_face, kept_face: Moments with a face in the undisturbed run, and those of them that
            still have one.
        same_mouth, same_label: Of ``kept_face``: the mouth's state, the momentary class as in
            the undisturbed run.
    """

    kind: str
    level: str
    outcomes: list[Outcome] = field(default_factory=list)
    same_answer: int = 0
    moments: int = 0
    found: int = 0
    had_face: int = 0
    kept_face: int = 0
    same_mouth: int = 0
    same_label: int = 0

    def add(self, item: Item, plain: Watched, disturbed: Watched) -> None:
        """One clip's two runs."""
        outcome = Outcome(item, disturbed.answer)
        self.outcomes.append(outcome)
        self.same_answer += outcome.answer == Outcome(item, plain.answer).answer
        self.moments += len(disturbed.faces)
        self.found += sum(face is not None for face in disturbed.faces)
        for index, face in enumerate(plain.faces[: len(disturbed.faces)]):
            if face is None:
                continue
            self.had_face += 1
            if disturbed.faces[index] is None:
                continue
            self.kept_face += 1
            self.same_mouth += disturbed.mouths[index] == plain.mouths[index]
            self.same_label += disturbed.labels[index] == plain.labels[index]

    def facts(self) -> dict[str, Any]:
        """For JSON; shares of nothing are None."""
        facts: dict[str, Any] = {"kind": self.kind, "level": self.level, "clips": 0}
        if self.outcomes:
            truth, answers = class_numbers(self.outcomes, len(SENTIMENTS))
            right = share_right(self.outcomes)
            facts |= {"clips": right.pop("n"), **right}
            facts["uar"] = round(figures(truth, answers, len(SENTIMENTS) + 1).uar, 4)
        return {
            **facts,
            "unusable": sum(outcome.answer is None for outcome in self.outcomes),
            "clip_agreement": _share(self.same_answer, len(self.outcomes)),
            "moments": self.moments,
            "face_found": _share(self.found, self.moments),
            "face_kept": _share(self.kept_face, self.had_face),
            "mouth_agreement": _share(self.same_mouth, self.kept_face),
            "moment_agreement": _share(self.same_label, self.kept_face),
            "moments_compared": self.kept_face,
        }


def examine(
    items: Sequence[Item],
    task: str,
    profile: Profile,
    conditions: Sequence[Condition],
    *,
    on_item: Callable[[], None] = lambda: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Run every item undisturbed and under each condition, by the live code.

    Args:
        items: Clips, or images of faces.
        task: One of ``TASKS``.
        profile: What to use.
        conditions: What to do to them.
        on_item: Told after each item.
        on_problem: Told why an item was left out.

    Returns:
        A row undisturbed, and one a condition.

    Raises:
        InputError: No item can be read.
        ValueError: The task cannot be disturbed.
    """
    if task not in TASKS:
        raise ValueError(f"Items of the task {task} cannot be disturbed.")
    analyzer = Analyzer(profile)
    rows = [Row(UNDISTURBED, ""), *(Row(entry.kind, entry.level) for entry in conditions)]

    def run(source: Source) -> Watched:
        analyzer.reset(renumber=True)
        with Analysis(source, analyzer, profile) as analysis:
            return watch(analysis.moments(), profile)

    for item in items:
        try:
            plain = run(_open(item.path, task, profile))
            scene = _scene(plain, item, items, task)
            rows[0].add(item, plain, plain)
            for row, condition in zip(rows[1:], conditions, strict=True):
                source = _disturbed(item.path, task, profile, condition, scene)
                if source is not None:
                    row.add(item, plain, run(source))
        except InputError as error:
            on_problem(error.problem)
        on_item()
    if not rows[0].outcomes:
        raise InputError("None of the items can be read.", "Check the paths in the manifest.")
    return rows


def _open(path: Path, task: str, profile: Profile) -> Source:
    if task == "clips":
        return open_source(path, tick=profile.tick, sound_window=profile.sound_window)
    return StillSource(
        path.name, [framed(read_image(path))], seconds=profile.tick, tick=profile.tick
    )


def _disturbed(
    path: Path, task: str, profile: Profile, condition: Condition, scene: Scene
) -> Source | None:
    """The disturbed item; None where it does not allow the condition."""
    picture = condition.picture(scene) if condition.picture else None
    sound = condition.sound(scene) if condition.sound else None
    if picture is None and sound is None:
        return None
    return DisturbedSource(_open(path, task, profile), picture, sound)


def _scene(plain: Watched, item: Item, items: Sequence[Item], task: str) -> Scene:
    if task != "clips" or plain.level == 0:
        return Scene(plain)
    for other in _others(item, items):
        try:
            voice = read_sound(other.path)
        except InputError:
            continue
        starts = voiced_starts(voice)
        if len(starts):
            speech = voice[starts[0] :]
            level = float((speech.astype(float) ** 2).mean() ** 0.5)
            return Scene(plain, speech, level)
    return Scene(plain)


def _others(item: Item, items: Sequence[Item]) -> Iterator[Item]:
    """The items that follow, around the end, another person's first."""
    place = items.index(item)
    following = [*items[place + 1 :], *items[:place]]
    yield from (other for other in following if not item.person or other.person != item.person)
    yield from (other for other in following if item.person and other.person == item.person)


def _share(part: int, total: int) -> float | None:
    return round(part / total, 4) if total else None
