"""``sentistream data get``: fetch a data set from its publisher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from sentistream.cli.progress import counting, move
from sentistream.datasets.download import Downloader, refuse_full_disk
from sentistream.datasets.publishers import PUBLICATIONS, Media, Plan
from sentistream.errors import DataError


@click.command()
@click.argument("name", type=click.Choice(tuple(PUBLICATIONS)))
@click.argument("dest", type=click.Path(file_okay=False))
@click.option("--accept-licence", is_flag=True, help="You have read the terms and keep to them.")
@click.option(
    "--media", type=click.Choice(("both", "sound", "video")), default="both", show_default=True
)
@click.option(
    "--actors", help="Only these, such as 1,3,10-12 (RAVDESS: video only; its sound is one file)."
)
@click.option(
    "--mirror",
    envvar="SENTISTREAM_MIRROR",
    help="Address of a server laid out like the publisher's; may be http. Checksums still count.",
)
def get(
    name: str, dest: str, accept_licence: bool, media: str, actors: str | None, mirror: str | None
) -> None:
    """Fetch RAVDESS or CREMA-D from their publisher into the folder DEST.

    Without --accept-licence only the terms are shown. Every file is checked against its
    published checksum. Broken connections are retried; a stopped command resumes when run
    again.

    RAVDESS's speech is 12 GB of video and 0.2 GB of sound in zip files, which the other
    commands read as they are.

    \b
    Examples:
      sentistream data get ravdess ~/ravdess
      sentistream data get ravdess ~/ravdess --accept-licence --media sound
      sentistream data get crema-d ~/crema-d --accept-licence --actors 1001-1010
    """
    publication = PUBLICATIONS[name]
    click.echo(f"{publication.title}\n{publication.home}\nTerms: {publication.terms}")
    if not accept_licence:
        raise DataError(
            "Nothing was fetched: its terms are not accepted.",
            "Give the command again with --accept-licence if you keep to them.",
        )
    wanted: tuple[Media, ...] = ("sound", "video")
    if media == "sound":
        wanted = ("sound",)
    elif media == "video":
        wanted = ("video",)
    chosen = _numbers(actors, *publication.actors)
    folder = Path(dest)
    base = (mirror or publication.base).rstrip("/")
    downloader = Downloader(mirror or "")
    with counting("listing files", bytes_=True) as bar:
        plan = publication.plan(downloader, base, folder, wanted, chosen)
        refuse_full_disk(plan.files, folder)
        _fetch(plan, downloader, folder, bar)
    total = sum(file.size or 0 for file in plan.files)
    click.echo(
        f"{len(plan.files):,} files, {total / 1e9:.2f} GB, all as published, in {folder}. "
        f"See what they hold: sentistream data inspect {folder}"
    )


def _fetch(plan: Plan, downloader: Downloader, folder: Path, bar: tqdm[Any]) -> None:
    sizes = {file.name: file.size or 0 for file in plan.files}
    done = sum(file.size or 0 for file in plan.files if file.is_complete(folder))
    bar.reset(total=sum(sizes.values()))
    move(bar, done)
    for file in plan.ready():
        if file.is_complete(folder):
            continue
        bar.set_description_str(file.name)
        before = done
        downloader.fetch(
            file,
            folder,
            lambda size, before=before: move(bar, before + size),  # type: ignore[misc]
        )
        done = before + sizes[file.name]


def _numbers(text: str | None, first: int, last: int) -> frozenset[int]:
    """``1,3,10-12`` as numbers; all if not given."""
    if text is None:
        return frozenset(range(first, last + 1))
    chosen: set[int] = set()
    for part in text.split(","):
        low, _, high = part.strip().partition("-")
        if not low.isdigit() or not (high or low).isdigit():
            raise click.BadParameter(f"{part!r} is no number and no range such as 1-3.")
        chosen |= set(range(int(low), int(high or low) + 1))
    if not chosen or min(chosen) < first or max(chosen) > last:
        raise click.BadParameter(f"The actors are numbered {first} to {last}.")
    return frozenset(chosen)
