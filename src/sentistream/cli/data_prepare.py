"""``sentistream data prepare``: cut faces, mouths and voices out of raw data, for training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from sentistream.cli.progress import counting, say
from sentistream.cores import usable_cores
from sentistream.errors import DataError, OutputError
from sentistream.training.examples import Examples
from sentistream.training.lite_preparation import LitePreparation
from sentistream.training.parts import Sides
from sentistream.training.preparation import Preparation


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False))
@click.option("--profile", type=click.Choice(("paper", "lite")), default="paper", show_default=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="The folder named to `sentistream train --out`, runs/PROFILE by default; examples go "
    "to its folder prepared.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes to work in; one a core by default."
)
def prepare(path: str, profile: str, out: str | None, jobs: int | None) -> None:
    """Cut faces, mouths and voice windows out of raw data with the code that runs live.

    PATH is the data folder that `sentistream train --data` takes; of its parts (faces.parquet,
    mouths.parquet, ravdess_speech, javased) those that are there are prepared. Training does
    the same by itself where it is not done, in one process.

    A run that was stopped, or killed, goes on where it was. What is prepared belongs to the
    data's names, sizes and times of change: data that changed is prepared anew. Training is
    refused what also stands in what is held out; training images that look like a held-out
    one are left out. Files and images that cannot be read are named and left out, too; the exit
    status is 2 then.

    \b
    Examples:
      sentistream data prepare ~/data
      sentistream data prepare ~/data --out runs/second --jobs 4
    """
    data, folder = Path(path), Path(out or f"runs/{profile}") / "prepared"
    with counting("preparing") as bar:

        def on_progress(what: str) -> None:
            bar.set_description_str(f"preparing {what}", refresh=False)
            bar.update()

        left_out: list[str] = []

        def on_problem(problem: str) -> None:
            left_out.append(problem)
            say(f"left out: {problem}", err=True)

        kind = LitePreparation if profile == "lite" else Preparation
        preparation = kind(
            data, folder, on_progress, jobs=jobs or usable_cores(), on_problem=on_problem
        )
        found = 0
        try:
            for places, name, make in _parts(preparation):
                bar.reset()
                bar.set_description_str(f"preparing {name}")
                if not any((data / place).exists() for place in places):
                    say(f"{name}: left out, there is no {data / places[0]}")
                    continue
                found += 1
                say(f"{name}: {make()}")
        except OSError as error:
            raise OutputError(
                f"Cannot write {folder}: {error.strerror or error}.",
                "Make room, or choose another folder with --out; what is done is kept.",
            ) from None
    if not found:
        raise DataError(
            f"{data} holds none of the data that the profile {profile} is trained on.",
            "docs/training.md says what the folder holds.",
        )
    click.echo(f"Prepared in {folder}.")
    if left_out:
        click.echo(f"{len(left_out)} could not be read and are left out.", err=True)
        click.get_current_context().exit(2)


def _parts(preparation: Preparation) -> tuple[tuple[tuple[str, ...], str, Callable[[], str]], ...]:
    def images(name: str, sides: Callable[[], Sides]) -> Callable[[], str]:
        def say() -> str:
            told, twins = _sides(sides()), preparation.twins(name)
            if not twins.groups:
                return told
            return (
                f"{told}; {twins.groups:,} groups of images look the same, {twins.across:,} across "
                f"parts: {len(twins.dropped):,} images left out of training"
            )

        return say

    def clips() -> str:
        sides = [preparation.clip_moments(held_out=held_out) for held_out in (False, True)]
        return f"{len(sides[0].label):,} moments to learn from, {len(sides[1].label):,} held out"

    if isinstance(preparation, LitePreparation):
        return (
            (("mouths.parquet",), "mouths", images("mouths", preparation.lite_mouths)),
            (("ravdess_speech",), "voices", lambda: _sides(preparation.utterances())),
            (("faces.parquet",), "faces", images("faces", preparation.voted_faces)),
            (("faces.parquet",), "landmarks", lambda: _sides(preparation.landmarked_faces())),
        )
    return (
        (("mouths.parquet", "mouths.csv"), "mouths", images("mouths", preparation.mouth_images)),
        (("ravdess_speech",), "voices", lambda: _sides(preparation.voice_windows())),
        (("javased",), "clips", clips),
        (("faces.parquet", "faces.csv"), "faces", images("faces", preparation.face_images)),
    )


def _sides(sides: Sides) -> str:
    def count(examples: Examples) -> str:
        people = len(set(examples.people.tolist()) - {""})
        return f"{len(examples):,}" + (f" of {people} people" if people else "")

    return f"{count(sides.train)} to learn from, {count(sides.held_out)} held out"
