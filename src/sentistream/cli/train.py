"""``sentistream train``: from raw data to ONNX files and their cards."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sentistream.errors import MissingExtraError
from sentistream.training.training_profiles import TRAINABLE_PROFILES, training_profile

if TYPE_CHECKING:
    from sentistream.training.task import Task


@click.command()
@click.argument("network")
@click.option(
    "--profile",
    type=click.Choice(TRAINABLE_PROFILES),
    default="paper",
    show_default=True,
    help="Which profile's networks and recipes.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False),
    required=True,
    help="Folder with the data sets: faces.parquet, mouths.parquet, ravdess_speech/, javased/.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder for prepared examples, checkpoints and finished networks.  "
    "[default: runs/PROFILE]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs, instead of the recipe's.")
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    help="Early stopping, instead of the recipe's: stop after this many epochs without a lower "
    "loss on people set aside from the training data, and keep the best epoch; 0: never.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Random seed, instead of the recipe's 1.")
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="auto: the GPU, if there is one.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: one per core]")
@click.option(
    "--checkpoint-minutes",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Time between checkpoints within an epoch; there is always one after each epoch.",
)
@click.option("--tensorboard", is_flag=True, help="Also write logs for TensorBoard.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Prepare examples, time three steps, print sizes and times, and stop.",
)
def train(
    network: str,
    profile: str,
    data: str,
    out: str | None,
    epochs: int | None,
    patience: int | None,
    seed: int | None,
    device: str,
    threads: int | None,
    checkpoint_minutes: float,
    tensorboard: bool,
    dry_run: bool,
) -> None:
    """Train one network of a profile, or all of them.

    NETWORK is mouth, visual, visual-plain, audio or fused in the profile paper (fused starts from
    visual and audio); an unknown name prints those of the profile. all trains each network that
    is shipped.

    The recipes of the profile paper are those of section 3.2 of the paper. Networks are measured
    on people they were not trained on. Examples are prepared once and kept; a run that was
    stopped resumes when you run the same command again. Finished networks and their model cards
    are written to OUT/models; history.csv and curves.png of each run to OUT/NETWORK. Files and
    images that cannot be read are reported and left out; the exit status is then 2.

    \b
    Examples:
      sentistream train mouth --data ~/data
      sentistream train all --data ~/data --epochs 10
      sentistream train visual --data ~/data --dry-run
      sentistream train audio --data ~/data --patience 5 --out runs/patient --tensorboard
    """
    try:
        importlib.import_module("sentistream.training.publish")
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    import torch

    from sentistream.training.run import choose_device, keep_freed_memory

    chosen = training_profile(profile)
    tasks = [chosen.tasks[name] for name in chosen.names(network)]
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()
    options = {"epochs": epochs, "patience": patience, "seed": seed}
    settings: dict[str, Any] = {
        "data": Path(data),
        "out": Path(out or Path("runs") / profile),
        "changes": {name: value for name, value in options.items() if value is not None},
        "device": choose_device(device),
    }
    left_out: set[str] = set()
    for task in tasks:
        if dry_run:
            left_out |= _dry_run(task, settings)
        else:
            left_out |= _train_one(task, settings, checkpoint_minutes * 60, tensorboard)
    if left_out:
        click.echo(f"{len(left_out)} could not be read and are left out.", err=True)
        click.get_current_context().exit(2)


def _dry_run(task: Task, settings: dict[str, Any]) -> set[str]:
    """Prints sizes and times; returns what could not be read."""
    from sentistream.cli.live_training import LiveTraining
    from sentistream.training.run import dry_run

    with LiveTraining(task.name) as live:
        tried = dry_run(task, on_prepare=live.on_prepare, on_problem=live.on_problem, **settings)
    if tried is None:
        click.echo(
            f"{task.name}: its data is there; it starts from networks that are not trained yet."
        )
        return live.problems
    shapes = ", ".join(f"{key} {'x'.join(map(str, shape))}" for key, shape in tried.inputs.items())
    click.echo(
        f"{task.name}: learns from {tried.train:,} examples ({shapes}), "
        f"{tried.validation:,} for validation, {tried.held_out:,} held out.\n"
        f"  {tried.parameters:,} parameters, {tried.multiply_adds / 1e6:,.1f} M multiply-adds.\n"
        f"  {tried.steps:,} steps an epoch, at {tried.step_seconds:.3f} s (loss {tried.loss:.3f}); "
        f"about {_duration(tried.seconds / tried.epochs)} an epoch, "
        f"{_duration(tried.seconds)} for {tried.epochs}."
    )
    return live.problems


def _train_one(
    task: Task,
    settings: dict[str, Any],
    checkpoint_seconds: float,
    tensorboard: bool,
) -> set[str]:
    """Trains and publishes; returns what could not be read."""
    from sentistream.cli.live_training import LiveTraining
    from sentistream.training.callbacks import Callback, Callbacks, TensorBoardLogs
    from sentistream.training.publish import publish
    from sentistream.training.run import run

    name, out = task.name, settings["out"]
    with LiveTraining(name) as live, ExitStack() as logs:
        callbacks: list[Callback] = [live]
        if tensorboard:
            callbacks.append(logs.enter_context(TensorBoardLogs(out / name)))
        finished = run(
            task,
            callback=Callbacks(*callbacks),
            on_prepare=live.on_prepare,
            on_problem=live.on_problem,
            checkpoint_seconds=checkpoint_seconds,
            **settings,
        )
    card = publish(finished, out / "models")
    for row in card.figures:
        low, high = row["accuracy_ci95"]
        second = (
            f"unweighted average recall {row['uar']:.1%}"
            if "uar" in row
            else f"mean error {row['mean_error']:.1%} of the eyes' distance"
            if "mean_error" in row
            else f"{row['false_detections']} false in {row['scenes']} pictures"
        )
        click.echo(
            f"{name} on {row['source']} ({row['split']}, n = {row['n']}): "
            f"accuracy {row['accuracy']:.1%} (95 % {low:.1%} to {high:.1%}), "
            f"{second}"
        )
    return live.problems


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
