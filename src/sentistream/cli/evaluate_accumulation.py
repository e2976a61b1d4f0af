"""``sentistream evaluate --task accumulation``: compares methods of accumulating moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import counting, tracked, write_line
from sentistream.datasets.manifest import Item, read_manifest
from sentistream.errors import InputError
from sentistream.evaluation.accumulation_comparison import SequenceSet, compare_methods
from sentistream.evaluation.accumulation_report import tables_of, write_comparison
from sentistream.evaluation.accumulators import METHODS
from sentistream.evaluation.mood_sequences import (
    PART_SECONDS,
    TICK,
    MoodSequence,
    RecordedSequence,
    make_sequences,
    record_sequences,
)
from sentistream.evaluation.predictors import card_ids, task_cards
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS

TASK = "accumulation"

_TRAIN = "train"


def compare_accumulation(manifest: Path | None, profile: Profile, out: Path) -> None:
    """Play the clips, choose parameters on one part, measure on the other, print and write.

    Raises:
        InputError: There is no manifest, it lacks one of the parts, people are in both, or the
            profile's decision is not that of ``lite``.
        OutputError: The folder cannot be written.
    """
    if manifest is None or profile.decision != "lite":
        raise InputError(
            f"The task {TASK} compares what can follow the networks of lite.",
            "Name labelled clips with --manifest; its column split says train for those that "
            "parameters are chosen on, and leave --profile lite.",
        )
    items, _ = read_manifest(manifest, SENTIMENTS)
    train = [item for item in items if item.split == _TRAIN]
    measured = [item for item in items if item.split != _TRAIN]
    _check_options(manifest, train, measured)
    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        write_line(f"Warning: {problem}", err=True)

    cache = out / "recorded"
    fitted = SequenceSet(_sequences(train, profile, cache, on_problem), [])
    held_out = SequenceSet(
        _sequences(measured, profile, cache, on_problem),
        _clips(measured, profile, cache, on_problem),
    )
    facts: dict[str, Any] = {
        "task": TASK,
        "manifest": str(manifest),
        "profile": profile.name,
        "models": card_ids(task_cards("clips", profile)),
        "unreadable": len(problems),
        **_compared(fitted, held_out, profile),
    }
    for table in tables_of(facts):
        click.echo(table.markdown())
    title = f"How moments add up, {manifest.name}, {profile.name}"
    missing = write_comparison(out, title, facts)
    click.echo(f"More in {out / 'report.html'} and {out / 'results.json'}.")
    if missing:
        click.echo(f"There are no plots. {missing}", err=True)


def _compared(fitted: SequenceSet, held_out: SequenceSet, profile: Profile) -> dict[str, Any]:
    with counting("methods", len(METHODS)) as bar:
        return compare_methods(fitted, held_out, profile, bar.update)


def _sequences(
    items: Sequence[Item], profile: Profile, cache: Path, on_problem: Callable[[str], None]
) -> list[RecordedSequence]:
    sequences = make_sequences(items)
    if not sequences:
        raise InputError(
            "No sequence of changing mood can be made of these clips.",
            "Name clips of at least two classes in either part.",
        )
    return list(
        record_sequences(
            tracked(sequences, "sequences"),
            replace(profile, tick=TICK),
            cache,
            one_face=True,
            max_seconds=PART_SECONDS,
            on_problem=on_problem,
        )
    )


def _clips(
    items: Sequence[Item], profile: Profile, cache: Path, on_problem: Callable[[str], None]
) -> list[RecordedSequence]:
    alone = [MoodSequence(str(item.path), "", (item,)) for item in items]
    clips = tracked(alone, "clips")
    return list(record_sequences(clips, profile, cache, one_face=False, on_problem=on_problem))


def _check_options(manifest: Path, train: Sequence[Item], measured: Sequence[Item]) -> None:
    way_out = "The column split says train for about half of the people, test for the others."
    if not train or not measured:
        missing = "chosen on" if not train else "measured on"
        raise InputError(f"{manifest} has no clips that parameters are {missing}.", way_out)
    both = ({item.person for item in train} & {item.person for item in measured}) - {""}
    if both:
        raise InputError(
            f"{len(both)} people of {manifest} are in both parts, {min(both)} among them.", way_out
        )
