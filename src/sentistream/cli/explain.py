"""``sentistream explain``."""

from __future__ import annotations

from pathlib import Path

import click

from sentistream.cli.inputs import find_clips
from sentistream.cli.prior import prior_option
from sentistream.errors import InputError, OutputError
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, PROFILES

EXAMPLES = """\b
Examples:
  sentistream explain clip.mp4 --at 12.5
      the answer at 12.5 seconds, and which parts of the face speak for it
  sentistream explain clip.mp4 --at 12.5 --out why.png
      also draws a map over the face
"""


@click.command(epilog=EXAMPLES)
@click.argument("clip")
@click.option(
    "--at", type=float, required=True, metavar="SECONDS", help="When, on the video's own clock."
)
@click.option(
    "--track",
    type=click.IntRange(min=1),
    metavar="N",
    help="Whose face: the number of its appearance, as in readings.csv.  [default: the largest]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PICTURE.png",
    help="Draw the face, a map of what speaks for the answer, and the answer in words.",
)
@click.option("--force", is_flag=True, help="Replace an earlier picture.")
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="The set of networks and settings, as for analyze.",
)
@prior_option
def explain(
    clip: str,
    at: float,
    track: int | None,
    out: Path | None,
    force: bool,
    profile: str,
    prior: Prior | None,
) -> None:
    """Say where the answer about a face at one moment of CLIP comes from.

    Parts of the face are covered in grey and the face network runs again: if the probability
    of the answer falls, the part spoke for it. The output also says how much of the answer
    came from the voice. CLIP is a video file; it is analyzed up to that moment, which takes as
    long as analyze would.
    """
    found, several = find_clips((clip,))
    path = found[0].path
    if several or path is None:
        raise InputError(f"{found[0]} is not one video file.", "Name the file of one recording.")
    if out is not None:
        _check_free(out, force=force)

    from sentistream.explanation import explain as start
    from sentistream.reports.heat_map import sentences, table, write_heat_map
    from sentistream.reports.report_wording import WORDS

    explanation = start(path, at, track=track, profile=profile, prior=prior)
    for sentence in sentences(explanation):
        click.echo(sentence)
    click.echo(
        "Percentage points that each part of the face, as long as it is not covered, adds to "
        f"{WORDS[explanation.label]}:"
    )
    click.echo(table(explanation))
    if out is not None:
        write_heat_map(out, explanation)
        click.echo(out)


def _check_free(out: Path, *, force: bool) -> None:
    """Checks, before minutes of work, that the picture can be written.

    Raises:
        OutputError: It is not a PNG file name in an existing folder, or the file exists.
    """
    if out.suffix.lower() != ".png":
        raise OutputError(f"{out} is not the name of a PNG file.", "Let it end in .png.")
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder {out.parent}.", "Make it first.")
    if out.is_dir() or (out.exists() and not force):
        raise OutputError(
            f"{out} already exists.", "Choose another name, or replace it with --force."
        )
