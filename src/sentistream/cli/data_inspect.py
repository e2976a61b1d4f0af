"""``sentistream data inspect``: what a data set contains and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sentistream.cli.progress import counting, move
from sentistream.datasets.contact_sheet import contact_sheet
from sentistream.datasets.dataset_inspection import Inspection
from sentistream.datasets.dataset_inspection import inspect as inspect_dataset
from sentistream.datasets.formats import FORMATS, open_dataset
from sentistream.errors import OutputError

_FAULTS_SHOWN = 5


@click.command()
@click.argument("path", type=click.Path(exists=True))
@click.option(
    "--kind", type=click.Choice(tuple(FORMATS)), help="What it is; found out by its content."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder for inspect.json and contact-sheet.png, pictures of each class.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False),
    help="Folder to unpack archives in, instead of beside them.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Files read at once; one a core.")
def inspect(
    path: str, kind: str | None, out: str | None, cache: str | None, jobs: int | None
) -> None:
    """Say what a data set contains: labels, people, splits, durations and faults.

    PATH is a folder, an archive (zip, tar) or a folder of archives of RAVDESS, CREMA-D or
    Java-SED; images in folders named after their labels; a Parquet image set; or a manifest,
    a CSV with the columns path, label and, if known, person and split.

    Every file is read to its end. Faults are files that are misnamed, empty, unreadable or
    truncated, the same file or sound under several names, and images that look the same.

    \b
    Examples:
      sentistream data inspect ~/ravdess
      sentistream data inspect faces.parquet --out look
      sentistream data inspect clips.csv --kind manifest
    """
    with counting("unpacking", bytes_=True) as bar:

        def on_unpack(done: int, size: int) -> None:
            bar.total = size
            move(bar, done)

        dataset = open_dataset(
            Path(path), kind, cache=Path(cache) if cache else None, on_unpack=on_unpack
        )
    with counting("reading", len(dataset.samples)) as bar:
        found = inspect_dataset(dataset, lambda done, _: move(bar, done), jobs=jobs)
    facts = found.as_dict()
    _say(facts)
    if out is not None:
        _write(found, facts, Path(out))


def _say(facts: dict[str, Any]) -> None:
    media = ", ".join(f"{count:,} {name}s" for name, count in facts["media"].items())
    click.echo(f"{facts['name']} ({facts['kind']}): {media}")
    _row("labels", facts["labels"])
    _row("sentiments", facts["sentiments"])
    for heading, key in (("source", "sources"), ("part", "splits")):
        if len(facts[key]) > 1:
            for name, counts in facts[key].items():
                _row(f"{heading} {name}", counts)
    people = facts["people"]
    if set(people) == {"(unknown)"}:
        click.echo("  people: not named")
    else:
        most = max(sum(row.values()) for row in people.values())
        least = min(sum(row.values()) for row in people.values())
        click.echo(f"  people: {len(people)}, {least} to {most} samples each")
    if facts["seconds"]:
        seconds = facts["seconds"]
        click.echo(
            f"  duration: {seconds['total'] / 60:.1f} minutes; {seconds['least']:.1f} to "
            f"{seconds['most']:.1f} s each, median {seconds['median']:.1f} s"
        )
    if facts["sizes"]:
        _row("pixels", facts["sizes"])
    if facts["people_on_several_sides"]:
        some = ", ".join(facts["people_on_several_sides"][:_FAULTS_SHOWN])
        click.echo(f"  on several sides of the split: {some}")
    if not facts["faults"]:
        click.echo("  faults: none")
    for kind, count in facts["faults"].items():
        across = facts["across_splits"].get(kind, 0)
        groups = (" group" if count == 1 else " groups") if "duplicate" in kind else ""
        click.echo(f"  {kind}: {count:,}{groups}" + (f", {across} across parts" if across else ""))
        shown = [fault for fault in facts["fault_list"] if fault["kind"] == kind][:_FAULTS_SHOWN]
        for fault in shown:
            others = f" [= {', '.join(fault['others'][:3])}]" if fault["others"] else ""
            click.echo(f"    {fault['name']}: {fault['note']}{others}")


def _row(heading: str, counts: dict[str, int]) -> None:
    sentence = ", ".join(f"{name or 'none'} {count:,}" for name, count in counts.items())
    click.echo(f"  {heading}: {sentence}")


def _write(found: Inspection, facts: dict[str, Any], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
        (folder / "inspect.json").write_text(text, "utf-8", errors="replace")
        sheet = contact_sheet(found.pictures, facts["labels"])
        sheet.save(folder / "contact-sheet.png")
    except OSError as error:
        raise OutputError(
            f"Cannot write {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from None
    click.echo(f"More in {folder / 'inspect.json'}, pictures in {folder / 'contact-sheet.png'}.")
