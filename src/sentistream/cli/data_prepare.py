"""``sentistream data prepare``: cut faces, mouths and voices out of raw data, for training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from sentistream.cli.progress import counting, write_line
from sentistream.cores import usable_cores
from sentistream.errors import DataError, OutputError
from sentistream.training.clip_examples import clip_moments
from sentistream.training.examples import Examples
from sentistream.training.face_examples import paper_face_images, soft_labelled_faces
from sentistream.training.landmark_examples import landmark_faces
from sentistream.training.mouth_task import lite_mouths, paper_mouth_images
from sentistream.training.preparation import Preparation
from sentistream.training.splits import Splits
from sentistream.training.voice_examples import lite_utterances, paper_voice_windows


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False))
@click.option("--profile", type=click.Choice(("paper", "lite")), default="paper", show_default=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="The folder given to `sentistream train --out`, runs/PROFILE by default; examples go to "
    "its subfolder prepared.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Number of processes; by default one per core."
)
def prepare(path: str, profile: str, out: str | None, jobs: int | None) -> None:
    """Cut faces, mouths and voice windows out of raw data with the code that runs live.

    PATH is the data folder for `sentistream train --data`; those of its parts
    (faces.parquet, mouths.parquet, ravdess_speech, javased) that exist are prepared. Training
    does the same, in one process, for what is not yet prepared.

    A run that was stopped or killed resumes. Data is prepared again when its names, sizes or
    modification times change. Nothing may be both in training and held out; training images that
    look like a held-out one are dropped. Files and images that cannot be read are reported and
    skipped; the exit status is then 2.

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
            write_line(f"left out: {problem}", err=True)

        preparation = Preparation(
            data, folder, on_progress, jobs=jobs or usable_cores(), on_problem=on_problem
        )
        found = 0
        try:
            for places, name, make in _kinds(preparation, profile):
                bar.reset()
                bar.set_description_str(f"preparing {name}")
                if not any((data / place).exists() for place in places):
                    write_line(f"{name}: left out, there is no {data / places[0]}")
                    continue
                found += 1
                write_line(f"{name}: {make()}")
        except OSError as error:
            raise OutputError(
                f"Cannot write {folder}: {error.strerror or error}.",
                "Free some space, or choose another folder with --out; finished work is kept.",
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


def _kinds(
    preparation: Preparation, profile: str
) -> tuple[tuple[tuple[str, ...], str, Callable[[], str]], ...]:
    """Kinds of examples: the data they need, their name, their maker and description."""

    def images(name: str, make: Callable[[Preparation], Splits]) -> Callable[[], str]:
        def describe() -> str:
            text, duplicates = _sizes(make(preparation)), preparation.near_duplicates(name)
            if not duplicates.groups:
                return text
            return (
                f"{text}; {duplicates.groups:,} groups of images look the same, "
                f"{duplicates.across:,} across splits: {len(duplicates.dropped):,} images left "
                "out of training"
            )

        return describe

    def clips() -> str:
        train, held_out = (
            clip_moments(preparation, held_out=held_out) for held_out in (False, True)
        )
        return f"{len(train.label):,} moments to learn from, {len(held_out.label):,} held out"

    if profile == "lite":
        return (
            (("mouths.parquet",), "mouths", images("mouths", lite_mouths)),
            (("ravdess_speech",), "voices", lambda: _sizes(lite_utterances(preparation))),
            (("faces.parquet",), "faces", images("faces", soft_labelled_faces)),
            (("faces.parquet",), "landmarks", lambda: _sizes(landmark_faces(preparation))),
        )
    return (
        (("mouths.parquet", "mouths.csv"), "mouths", images("mouths", paper_mouth_images)),
        (("ravdess_speech",), "voices", lambda: _sizes(paper_voice_windows(preparation))),
        (("javased",), "clips", clips),
        (("faces.parquet", "faces.csv"), "faces", images("faces", paper_face_images)),
    )


def _sizes(splits: Splits) -> str:
    def count(examples: Examples) -> str:
        people = len(set(examples.people.tolist()) - {""})
        return f"{len(examples):,}" + (f" of {people} people" if people else "")

    return f"{count(splits.train)} to learn from, {count(splits.held_out)} held out"
