"""Evaluation of clips, faces, voices and mouths: predict, print the figures, write the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sentistream.accumulation import is_sure
from sentistream.cli.progress import counting, tracked, write_line
from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.evaluation.corruption_conditions import (
    CLIP_CONDITIONS,
)
from sentistream.evaluation.cross_validation import (
    CAUTION,
    held_out_items,
    load_protocol,
    protocol_splits,
    shipped_results,
)
from sentistream.evaluation.evaluation_report import write_report
from sentistream.evaluation.evaluation_results import summarize_predictions
from sentistream.evaluation.predictions import (
    HISTORY_SIZE,
    Prediction,
    predict_items,
    predict_with_history,
    results_by_prior,
)
from sentistream.evaluation.predictors import TASKS, Probabilities, task_cards
from sentistream.evaluation.robustness import (
    ROBUSTNESS_TASKS,
    markdown,
    run_robustness,
    write_robustness,
)
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS

_NO_SENTIMENT = ("mouths",)


def measure_items(
    items: list[Item],
    facts: dict[str, Any],
    profile: Profile,
    out: Path,
    *,
    title: str,
    appearance: bool,
) -> int:
    """Predict all items, print the figures and write the files.

    Returns:
        How many items could not be read.
    """
    task = facts["task"]
    predictions = predict_with_progress(items, task, profile, appearance=appearance)
    facts.update(
        summarize_predictions(predictions, TASKS[task][1], confidence_threshold(task, profile))
    )
    if task not in _NO_SENTIMENT:
        learned = profile.voice_learned_shares if task == "voices" else profile.learned_shares
        facts["priors"] = results_by_prior(predictions, profile, learned)
    click.echo(summary_sentence(facts))
    print_coverage(facts)
    if task == "voices" and profile.decision == "lite":
        _add_history(facts, predictions, profile)
    finish(out, title, facts, predictions)
    unread = sum(bool(prediction.problem) for prediction in predictions)
    if unread:
        click.echo(
            f"{unread} of {len(predictions)} could not be read; they count as wrong.", err=True
        )
    return unread


_SHOWN_PEOPLE = 6


def measure_protocol(
    name: str,
    items: list[Item],
    facts: dict[str, Any],
    profile: Profile,
    out: Path,
    *,
    appearance: bool,
) -> None:
    """Measure the test parts and say for each whom the networks were trained on."""
    protocol, task = load_protocol(name), facts["task"]
    parts = list(protocol_splits(protocol, items))
    chosen = held_out_items(items, parts, task_cards(task, profile))
    predictions = predict_with_progress(chosen, task, profile, appearance=appearance)
    facts.update(
        shipped_results(protocol, predictions, TASKS[task][1], confidence_threshold(task, profile))
    )
    click.echo(protocol.heading)
    for part in facts["parts"]:
        for key in ("never_learned_from", "learned_from"):
            if part[key] is not None:
                click.echo(f"  {part['name']}: {_of_part(part[key])} ({key.replace('_', ' ')})")
    click.echo(f"On {facts['on']}: {summary_sentence(facts)}")
    print_coverage(facts)
    if facts["learned"]:
        click.echo(f"On people learned from: {summary_sentence(facts['learned'])}")
    click.echo(CAUTION)
    title = f"{protocol.heading}: {task}, {profile.name}, {facts['on']}"
    finish(out, title, facts, predictions, protocol.note, CAUTION)


def _of_part(entry: dict[str, Any]) -> str:
    low, high = entry["accuracy_ci95"]
    people = entry["people"]
    shown = ", ".join(people[:_SHOWN_PEOPLE]) or "people not named"
    if len(people) > _SHOWN_PEOPLE:
        shown += f" and {len(people) - _SHOWN_PEOPLE} more"
    return f"{entry['accuracy']:.1%} of {entry['n']} ({low:.1%} to {high:.1%}), {shown}"


def measure_robustness(
    items: list[Item], facts: dict[str, Any], profile: Profile, out: Path, only: Sequence[str]
) -> None:
    """Measure, print the table and write it."""
    task = facts["task"]
    if task not in ROBUSTNESS_TASKS:
        raise InputError(
            f"The task {task} cannot be corrupted.",
            f"Use --robustness with {' or '.join(ROBUSTNESS_TASKS)}.",
        )
    chosen = [entry for entry in CLIP_CONDITIONS if not only or entry.kind in only]
    with counting(f"{task}, {len(chosen) + 1} conditions", len(items)) as bar:
        rows = run_robustness(
            items,
            task,
            profile,
            chosen,
            on_item=bar.update,
            on_problem=lambda problem: write_line(f"Warning: {problem}", err=True),
        )
    facts["rows"] = [row.facts() for row in rows]
    missing = write_robustness(out, facts)
    click.echo(markdown(facts["rows"]))
    click.echo(f"More in {out / 'robustness.csv'} and {out / 'robustness.json'}.")
    if missing:
        click.echo(f"There is no plot. {missing}", err=True)


def predict_with_progress(
    items: list[Item], task: str, profile: Profile, *, appearance: bool
) -> list[Prediction]:
    """The profile's predictions for each item, with a progress bar."""
    if appearance:
        items = _with_face_attributes(items, task)
    make_predictor, _ = TASKS[task]

    def sure(values: Probabilities) -> bool:
        return is_sure(float(values.max()), profile)

    return predict_items(
        tracked(items, task),
        make_predictor(profile),
        is_sure=None if confidence_threshold(task, profile) is None else sure,
        on_problem=lambda problem: click.echo(f"Warning: {problem}", err=True),
    )


def confidence_threshold(task: str, profile: Profile) -> float | None:
    """The confidence from which the profile is sure of an answer; None if it sets none."""
    return None if task in _NO_SENTIMENT else profile.unknown_below or None


def print_coverage(facts: dict[str, Any]) -> None:
    """Accuracy of the most confident answers."""
    if facts["coverage_area"] is None:
        return
    shown = [point for place, point in enumerate(facts["coverage"]) if place % 4 == 3]
    points = ", ".join(f"{point['coverage']:.0%}: {point['accuracy']:.1%}" for point in shown)
    click.echo(
        f"Right of the most confident answers, by the share answered: {points}. Area under the "
        f"risk-coverage curve {facts['coverage_area']:.3f} "
        f"({facts['coverage_area_best']:.3f} at best with as many right)."
    )


def _add_history(facts: dict[str, Any], predictions: list[Prediction], profile: Profile) -> None:
    """The same voices, predicted with earlier recordings of the same people."""
    known = predict_with_history(predictions, profile)
    if known:
        facts["with_history"] = summarize_predictions(known, SENTIMENTS)
        click.echo(
            f"With up to {HISTORY_SIZE} other recordings of the same person heard before: "
            f"{summary_sentence(facts['with_history'])}"
        )


def summary_sentence(facts: dict[str, Any]) -> str:
    """The figures that matter most."""
    low, high = facts["accuracy_ci95"]
    sentence = (
        f"{facts['accuracy']:.1%} of {facts['n']} right (95 % interval {low:.1%} to {high:.1%}), "
        f"unweighted average recall {facts['uar']:.1%}, {facts['unusable']} without an answer."
    )
    if facts["sure"]:
        sure = facts["sure"]
        sentence += (
            f" Sure of {facts['sure_share']:.1%}, and of these {sure['accuracy']:.1%} right."
        )
    return sentence


def finish(
    out: Path, title: str, facts: dict[str, Any], predictions: list[Prediction], *notes: str
) -> None:
    """Write all files and say where they are."""
    missing = write_report(out, title, facts, predictions, notes)
    click.echo(f"More in {out / 'report.html'} and {out / 'results.json'}.")
    if missing:
        click.echo(f"There are no plots. {missing}", err=True)


def _with_face_attributes(items: list[Item], task: str) -> list[Item]:
    from sentistream.evaluation.face_attributes import ATTRIBUTE_TASKS, add_face_attributes

    if task not in ATTRIBUTE_TASKS:
        raise InputError(
            f"The task {task} shows no whole faces to compare.",
            f"Use --appearance with {' or '.join(ATTRIBUTE_TASKS)}.",
        )
    return add_face_attributes(tracked(items, "looking at faces"), task)
