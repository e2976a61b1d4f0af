"""``sentistream demo``."""

from __future__ import annotations

from pathlib import Path

import click

from sentistream.demo.script import LENGTH
from sentistream.profiles import DEFAULT_PROFILE, PROFILES

CLIP = "demo.mp4"


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("sentiment/demo"),
    show_default=True,
    help="Folder for the clip and its results (made if needed; an earlier demo is replaced).",
)
@click.option(
    "--clip-only",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Only make the clip, as FILE (mp4).",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=LENGTH,
    show_default=True,
    help="Length of the clip; a longer one is made of copies.",
)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="The set of networks and settings.",
)
@click.pass_context
def demo(
    ctx: click.Context, out: Path, clip_only: Path | None, seconds: float, profile: str
) -> None:
    """Try sentistream on a clip that it generates.

    A portrait (Eileen Collins; NASA, public domain) is animated to talk with a synthesised
    voice, to fall silent, to lose its smile and to leave the picture for a second. The clip is
    then analyzed as by `sentistream analyze`. Nothing is downloaded.
    """
    from sentistream.demo import make_clip

    clip = clip_only or out / CLIP
    steps = 0
    with click.progressbar(length=100, label=f"Making a clip of {seconds:g} seconds") as bar:

        def advance(share: float) -> None:
            nonlocal steps
            bar.update(round(share * 100) - steps)
            steps = round(share * 100)

        make_clip(clip, duration=seconds, on_progress=advance)
    if clip_only:
        click.echo(f"The clip: {clip}")
        return

    from sentistream.cli.analyze import analyze

    ctx.invoke(analyze, inputs=(str(clip),), profile=profile, out=out, video=True, force=True)
    click.echo(f"The page to read:  {out / 'report.html'}")
    click.echo(f"The clip with its readings drawn in:  {out / 'annotated.mp4'}")
    click.echo("Your own video:  sentistream analyze VIDEO --video")
