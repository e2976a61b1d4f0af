"""``sentistream train``: from raw data to ONNX files and their cards."""

from __future__ import annotations

import importlib
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sentistream.errors import MissingExtraError

NETWORKS = ("mouth", "visual", "visual-plain", "audio", "fused")
SHIPPED = ("mouth", "visual", "audio", "fused")


@click.command()
@click.argument("network", type=click.Choice((*NETWORKS, "all")))
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False),
    required=True,
    help="Folder with the data sets: faces.parquet, mouths.parquet, ravdess_speech/, javased/.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default="runs/paper",
    show_default=True,
    help="Where prepared examples, checkpoints and the finished networks go.",
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Instead of the paper's 50.", default=None
)
def train(network: str, data: str, out: str, epochs: int | None) -> None:
    """Train one of the paper's networks, or all of them.

    Follows the recipes of section 3.2 of the paper on people split from those measured on.
    Examples are prepared once and kept; a run that was stopped goes on where it was when the
    same command is given again. The finished network and its model card are written to
    OUT/models.

    \b
    Examples:
      sentistream train mouth --data ~/data
      sentistream train all --data ~/data --epochs 10
    """
    try:
        importlib.import_module("sentistream.training.publish")
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    for name in SHIPPED if network == "all" else (network,):
        _train_one(name, Path(data), Path(out), epochs)


def _train_one(name: str, data: Path, out: Path, epochs: int | None) -> None:
    from sentistream.training.publish import publish
    from sentistream.training.run import run

    with _progress(Console(stderr=True)) as progress:
        task = progress.add_task(f"{name}: preparing", total=None)

        def on_prepare(what: str) -> None:
            progress.update(task, description=f"{name}: preparing {what}", advance=1)

        def on_step(step: int, steps: int) -> None:
            progress.update(task, description=f"{name}: epoch", completed=step, total=steps)

        def on_epoch(entry: dict[str, float]) -> None:
            progress.console.print(
                f"{name} epoch {entry['epoch']:.0f}: "
                f"training loss {entry['train_loss']:.3f}, "
                f"accuracy {entry['train_accuracy']:.1%}; "
                f"held-out loss {entry['held_out_loss']:.3f}, "
                f"accuracy {entry['held_out_accuracy']:.1%}"
            )

        finished = run(
            name,
            data,
            out,
            epochs=epochs,
            on_prepare=on_prepare,
            on_step=on_step,
            on_epoch=on_epoch,
        )
    card = publish(finished, out / "models")
    for row in card.figures:
        low, high = row["accuracy_ci95"]
        click.echo(
            f"{name} on {row['source']} ({row['split']}, n = {row['n']}): "
            f"accuracy {row['accuracy']:.1%} (95 % {low:.1%} to {high:.1%}), "
            f"unweighted average recall {row['uar']:.1%}"
        )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
