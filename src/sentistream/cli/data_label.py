"""``sentistream data label-mouths``: label mouths as open or closed."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path

import click

from sentistream.cli.progress import counting, write_line
from sentistream.errors import DataError, OutputError
from sentistream.training.labelling.label_file import LabelFile
from sentistream.training.labelling.label_server import LabelServer
from sentistream.training.labelling.mouth_candidates import find_mouths, open_media


@click.command(name="label-mouths")
@click.argument("path", type=click.Path(exists=True))
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="mouths.csv",
    show_default=True,
    help="The manifest to write; crops go to the folder of the same name beside it.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.03),
    default=0.5,
    show_default=True,
    help="Seconds between the labelled moments of a clip.",
)
@click.option(
    "--most", type=click.IntRange(min=1), help="Stop after finding this many mouths.", default=None
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Port of the page; 0 for any free one.",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open the page in a browser.")
@click.option(
    "--propose-only",
    is_flag=True,
    help="Write the proposals as they are, without unclear mouths, and show no page.",
)
def label_mouths(
    path: str,
    out: str,
    every: float,
    most: int | None,
    port: int,
    browser: bool,
    propose_only: bool,
) -> None:
    """Propose whether mouths are open or closed, and confirm or correct it on a page.

    PATH is a clip, an image, a folder of them, or any data set that `sentistream data inspect`
    reads. Proposals come from the distance of the lips; you decide with the keys O (open),
    C (closed), S (skip), Enter (as proposed), U (undo) and the arrows. Every decision is saved at
    once; run the same command again to continue where you stopped. Ctrl-C stops.

    The page is served on this machine only (127.0.0.1), at an address that nobody can guess.

    \b
    Examples:
      sentistream data label-mouths ~/clips --out mouths.csv
      sentistream evaluate --task mouths --manifest mouths.csv
    """
    labels = LabelFile(Path(out))
    dataset = open_media(Path(path))
    if not labels.entries:
        with counting("looking for mouths", len(dataset.samples)) as bar:
            found = find_mouths(
                dataset,
                every,
                lambda _: bar.update(),
                lambda problem: write_line(f"Warning: {problem}", err=True),
            )
            labels.add(mouth for mouth, _ in zip(found, range(most or 10**9), strict=False))
    if not labels.entries:
        raise DataError(f"No mouth was found in {path}.", "Use clips or images that show one face.")
    if propose_only:
        labels.accept_proposals()
    else:
        _serve(labels, port, browser=browser)
    counts = {
        state: sum(entry.decision == state for entry in labels.entries)
        for state in ("open", "closed", "skip", "")
    }
    click.echo(
        f"{out}: {counts['open']} open, {counts['closed']} closed; {counts['skip']} skipped, "
        f"{counts['']} not decided."
    )


def _serve(labels: LabelFile, port: int, *, browser: bool) -> None:
    try:
        server = LabelServer(labels, port)
    except OSError as error:
        raise OutputError(
            f"Port {port} cannot be used ({error.strerror}).", "Choose another with --port."
        ) from None
    click.echo(f"{len(labels.entries)} mouths to label at {server.url}\nCtrl-C ends.")
    if browser:
        webbrowser.open(server.url)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
