"""``sentistream data label-mouths``: say of mouths whether they are open."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path

import click

from sentistream.cli.progress import counting, say
from sentistream.errors import DataError, OutputError
from sentistream.labelling.ledger import Ledger
from sentistream.labelling.mouths import find_mouths, material
from sentistream.labelling.server import LabelServer


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
    help="Seconds between the moments of a clip that are judged.",
)
@click.option(
    "--most", type=click.IntRange(min=1), help="Stop looking after so many mouths.", default=None
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Of the page; 0 for any.")
@click.option("--browser/--no-browser", default=True, help="Whether to open the page at once.")
@click.option(
    "--propose-only",
    is_flag=True,
    help="Show no page: write the proposals as they are, leaving unclear mouths out.",
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
    reads. The distance of the lips proposes; you decide with the keys O (open), C (closed),
    S (skip), Enter (as proposed), U (undo) and the arrows. Every decision is saved at once;
    the same command goes on where you stopped. Ctrl-C ends.

    The page is for this machine alone (127.0.0.1), at an address that nobody can guess.

    \b
    Examples:
      sentistream data label-mouths ~/clips --out mouths.csv
      sentistream evaluate --task mouths --manifest mouths.csv
    """
    ledger = Ledger(Path(out))
    dataset = material(Path(path))
    if not ledger.entries:
        with counting("looking for mouths", len(dataset.samples)) as bar:
            found = find_mouths(
                dataset,
                every,
                lambda _: bar.update(),
                lambda problem: say(f"Warning: {problem}", err=True),
            )
            ledger.add(mouth for mouth, _ in zip(found, range(most or 10**9), strict=False))
    if not ledger.entries:
        raise DataError(
            f"No mouth was found in {path}.", "Give clips or images in which one face is seen."
        )
    if propose_only:
        ledger.accept_proposals()
    else:
        _serve(ledger, port, browser=browser)
    counts = {
        state: sum(entry.decision == state for entry in ledger.entries)
        for state in ("open", "closed", "skip", "")
    }
    click.echo(
        f"{out}: {counts['open']} open, {counts['closed']} closed; {counts['skip']} skipped, "
        f"{counts['']} not decided."
    )


def _serve(ledger: Ledger, port: int, *, browser: bool) -> None:
    try:
        server = LabelServer(ledger, port)
    except OSError as error:
        raise OutputError(
            f"Port {port} cannot be used ({error.strerror}).", "Name another with --port."
        ) from None
    click.echo(f"{len(ledger.entries)} mouths to judge at {server.url}\nCtrl-C ends.")
    if browser:
        webbrowser.open(server.url)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
