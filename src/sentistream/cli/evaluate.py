"""``sentistream evaluate``: how good the answers are on labelled material."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import tracked
from sentistream.errors import InputError
from sentistream.evaluation.answers import TASKS
from sentistream.evaluation.manifest import Item, read_manifest
from sentistream.evaluation.models import cards_of, named
from sentistream.evaluation.outcomes import ask
from sentistream.evaluation.report import write_report
from sentistream.evaluation.results import summarize
from sentistream.profiles import DEFAULT_PROFILE, PROFILES, get_profile


@click.command()
@click.option(
    "--task",
    type=click.Choice(tuple(TASKS)),
    required=True,
    help="clips: whole videos by face and voice; faces: images; voices: recordings; "
    "mouths: crops of mouths.",
)
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False),
    required=True,
    help="CSV with the columns path, label and, if known, person; further columns group.",
)
@click.option(
    "--appearance",
    is_flag=True,
    help="Also group clips or faces by the size, brightness and colour of the face as measured.",
)
@click.option(
    "--profile", type=click.Choice(tuple(PROFILES)), default=DEFAULT_PROFILE, show_default=True
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default="evaluation",
    show_default=True,
    help="Folder for results.json, predictions.csv, report.html and plots.",
)
def evaluate(task: str, manifest: str, appearance: bool, profile: str, out: str) -> None:
    """Measure the answers on labelled clips, faces, voices or mouths.

    The manifest's paths are relative to its folder. Labels are positive, neutral, negative (or
    the emotions happy, neutral, calm, angry, sad; surprise, fear and disgust are left out), and
    open or closed for mouths. What cannot be read, or shows no usable face or voice, counts as
    wrong and is counted apart. Name the people: figures on people that the networks learned
    from say little about others.

    \b
    Examples:
      sentistream evaluate --task clips --manifest clips.csv
      sentistream evaluate --task faces --manifest faces.csv --out results/faces
      sentistream evaluate --task clips --manifest clips.csv --appearance
    """
    make_answer, classes = TASKS[task]
    items, outside = read_manifest(Path(manifest), classes)
    chosen = get_profile(profile)
    if appearance:
        items = _with_appearance(items, task)
    outcomes = ask(tracked(items, task), make_answer(chosen), on_problem=warn)
    facts = {
        "task": task,
        "manifest": manifest,
        "profile": profile,
        "models": named(cards_of(task, chosen)),
        "left_out": outside,
        **summarize(outcomes, classes),
    }
    missing = write_report(
        Path(out), f"{task} of {Path(manifest).name}, {profile}", facts, outcomes
    )
    click.echo(f"{in_a_sentence(facts)} More in {Path(out) / 'report.html'}.")
    if missing:
        click.echo(f"There are no plots: {missing}", err=True)


def warn(problem: str) -> None:
    """Say on the error stream what is left out."""
    click.echo(f"Warning: {problem}", err=True)


def in_a_sentence(facts: dict[str, Any]) -> str:
    """The figures that matter most."""
    low, high = facts["accuracy_ci95"]
    return (
        f"{facts['accuracy']:.1%} of {facts['n']} right (95 % interval {low:.1%} to {high:.1%}), "
        f"unweighted average recall {facts['uar']:.1%}, {facts['unusable']} without an answer."
    )


def _with_appearance(items: list[Item], task: str) -> list[Item]:
    from sentistream.evaluation import appearance

    if task not in appearance.TASKS:
        raise InputError(
            f"The task {task} shows no whole faces to compare.",
            f"Use --appearance with {' or '.join(appearance.TASKS)}.",
        )
    return appearance.add_appearance(tracked(items, "looking at faces"), task)
