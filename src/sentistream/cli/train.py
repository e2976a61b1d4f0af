"""``sentistream train``: from raw data to ONNX files and their cards."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sentistream.errors import MissingExtraError
from sentistream.training.profiles import trainable_profiles, trained_profile

if TYPE_CHECKING:
    from sentistream.training.profiles import TrainedProfile


@click.command()
@click.argument("network")
@click.option(
    "--profile",
    type=click.Choice(trainable_profiles()),
    default="paper",
    show_default=True,
    help="Whose networks and recipes.",
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
    help="Where prepared examples, checkpoints and the finished networks go.  "
    "[default: runs/PROFILE]",
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Passes over the data, instead of the recipe's."
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    help="Stop after so many epochs that got no better on people set apart from the training "
    "data, and keep the best one; 0: never. Instead of the recipe's.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Another one than the recipe's 1.")
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="auto: the GPU, if there is one.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Of the processor.  [default: one a core]"
)
@click.option(
    "--checkpoint-minutes",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Keep the state this often within an epoch; after each epoch in any case.",
)
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard, too.")
@click.option(
    "--dry-run", is_flag=True, help="Prepare, try three steps, say sizes and time, and stop."
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

    NETWORK is mouth, visual, visual-plain, audio or fused in the profile paper (the fused one
    starts from visual and audio); another name is answered with those there are. all trains
    each network that is shipped.

    The recipes of the profile paper are those of section 3.2 of the paper. People measured on
    are others than those learned from. Examples are prepared once and kept; a run that was
    stopped goes on where it was when the same command is given again. Finished networks and
    their model cards are written to OUT/models; history.csv and curves.png of each run to
    OUT/NETWORK. Files and images that cannot be read are named and left out; the exit status is 2
    then.

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

    from sentistream.training.devices import choose_device, keep_freed_memory

    chosen = trained_profile(profile)
    names = chosen.names(network)
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()
    given = {"epochs": epochs, "patience": patience, "seed": seed}
    settings: dict[str, Any] = {
        "data": Path(data),
        "out": Path(out or Path("runs") / profile),
        "changes": {name: value for name, value in given.items() if value is not None},
        "device": choose_device(device),
    }
    left_out: set[str] = set()
    for name in names:
        if dry_run:
            left_out |= _try_one(chosen, name, settings)
        else:
            left_out |= _train_one(chosen, name, settings, checkpoint_minutes * 60, tensorboard)
    if left_out:
        click.echo(f"{len(left_out)} could not be read and are left out.", err=True)
        click.get_current_context().exit(2)


def _try_one(profile: TrainedProfile, name: str, settings: dict[str, Any]) -> set[str]:
    """Says what it would be like; what could not be read of its data."""
    from sentistream.cli.live_training import LiveTraining
    from sentistream.training.rehearsal import rehearse

    with LiveTraining(name) as live:
        tried = rehearse(
            profile, name, on_prepare=live.on_prepare, on_problem=live.on_problem, **settings
        )
    if tried is None:
        click.echo(f"{name}: its data is there; it starts from networks that are not trained yet.")
        return live.problems
    shapes = ", ".join(f"{key} {'x'.join(map(str, shape))}" for key, shape in tried.inputs.items())
    click.echo(
        f"{name}: learns from {tried.learn:,} examples ({shapes}), "
        f"{tried.validation:,} for validation, {tried.held_out:,} held out.\n"
        f"  {tried.parameters:,} parameters, {tried.multiply_adds / 1e6:,.1f} M multiply-adds.\n"
        f"  {tried.steps:,} steps an epoch, at {tried.step_seconds:.3f} s (loss {tried.loss:.3f}); "
        f"about {_duration(tried.seconds / tried.epochs)} an epoch, "
        f"{_duration(tried.seconds)} for {tried.epochs}."
    )
    return live.problems


def _train_one(
    profile: TrainedProfile,
    name: str,
    settings: dict[str, Any],
    checkpoint_seconds: float,
    tensorboard: bool,
) -> set[str]:
    """Trains and publishes; what could not be read of its data."""
    from sentistream.cli.live_training import LiveTraining
    from sentistream.training.observers import Observer, Observers
    from sentistream.training.publish import publish
    from sentistream.training.run import run

    out = settings["out"]
    with LiveTraining(name) as live, ExitStack() as logs:
        observers: list[Observer] = [live]
        if tensorboard:
            from sentistream.training.tensorboard import TensorBoardLogs

            observers.append(logs.enter_context(TensorBoardLogs(out / name)))
        finished = run(
            profile,
            name,
            observer=Observers(*observers),
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
