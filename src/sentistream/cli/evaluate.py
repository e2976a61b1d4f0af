"""``sentistream evaluate``: how good the answers are on labelled material."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from sentistream.datasets.manifest import read_manifest
from sentistream.errors import InputError
from sentistream.evaluation.answers import TASKS
from sentistream.evaluation.results import Outcome, summarize, write_results
from sentistream.profiles import DEFAULT_PROFILE, PROFILES, get_profile
from sentistream.runtime import load_card


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
    help="CSV with the columns path, label and, if known, person.",
)
@click.option(
    "--profile", type=click.Choice(tuple(PROFILES)), default=DEFAULT_PROFILE, show_default=True
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default="evaluation",
    show_default=True,
    help="Folder for results.json and predictions.csv.",
)
def evaluate(task: str, manifest: str, profile: str, out: str) -> None:
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
    """
    make_answer, classes = TASKS[task]
    items, outside = read_manifest(Path(manifest), classes)
    chosen = get_profile(profile)
    answer = make_answer(chosen)
    console = Console(stderr=True)
    outcomes = []
    for item in track(
        items, task, console=console, transient=True, disable=not console.is_terminal
    ):
        try:
            outcomes.append(Outcome(item, answer(item.path)))
        except InputError as error:
            outcomes.append(Outcome(item, None, error.problem))
            click.echo(f"Warning: {error.problem}", err=True)
    names = {
        "clips": (chosen.mouth_model, chosen.face_model, chosen.fused_model),
        "faces": (chosen.face_model,),
        "voices": (chosen.voice_model,),
        "mouths": (chosen.mouth_model,),
    }[task]
    cards = [load_card(name) for name in names]
    facts = {
        "task": task,
        "manifest": manifest,
        "profile": profile,
        "models": [
            {"name": card.name, "version": card.version, "sha256": card.sha256} for card in cards
        ],
        "left_out": outside,
        **summarize(outcomes, classes),
    }
    write_results(Path(out), facts, outcomes)
    low, high = facts["accuracy_ci95"]
    click.echo(
        f"{facts['accuracy']:.1%} of {facts['n']} right (95 % interval {low:.1%} to {high:.1%}), "
        f"unweighted average recall {facts['uar']:.1%}, {facts['unusable']} without an answer. "
        f"More in {Path(out) / 'results.json'}."
    )
