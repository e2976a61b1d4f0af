"""``sentistream doctor``."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import click

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--quick", is_flag=True, help="List the tracks of FILES without reading them through."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(ctx: click.Context, files: tuple[Path, ...], quick: bool, as_json: bool) -> None:
    """Check versions, networks, codecs, runtimes and cameras, and say what to do.

    With FILES, list their video and audio tracks instead, and which would be used; then
    read each to its end (without analyzing it) and report damage.

    The exit code is 0 if analyzing will work (warnings concern parts of it), else 1; with
    FILES it is 2 if one of them cannot be analyzed.
    """
    from sentistream.diagnosis import State, diagnose

    if files:
        ctx.exit(2 if _look_into(files, quick=quick, as_json=as_json) else 0)
    findings = []
    for finding in diagnose():
        findings.append(finding)
        if not as_json:
            state = click.style(f"{finding.state:4}", fg=COLORS[finding.state])
            click.echo(f"{state}  {finding.topic}: {finding.found}")
            if finding.advice:
                click.echo(f"      -> {finding.advice}")
    fails = sum(finding.state is State.FAIL for finding in findings)
    warns = sum(finding.state is State.WARN for finding in findings)
    if as_json:
        click.echo(
            json.dumps(
                {"ok": not fails, "findings": [dataclasses.asdict(f) for f in findings]}, indent=2
            )
        )
    elif fails:
        click.echo(f"{fails} of {len(findings)} checks failed; do what the arrows say.")
    else:
        click.echo("Ready." if not warns else f"Ready, with {warns} warnings.")
    ctx.exit(1 if fails else 0)


def _look_into(files: tuple[Path, ...], *, quick: bool, as_json: bool) -> int:
    """Reports on each file; returns how many cannot be analyzed."""
    from sentistream.errors import InputError
    from sentistream.redaction import shown_address

    failed, found = 0, {}
    for path in files:
        try:
            found[str(path)] = _facts(path, quick=quick, as_json=as_json)
        except InputError as error:
            failed += 1
            found[str(path)] = {"error": str(error)}
            click.echo(f"Error: {shown_address(str(error))}", err=True)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    return failed


def _facts(path: Path, *, quick: bool, as_json: bool) -> dict[str, Any]:
    from sentistream.cli.progress import Bar, Silence
    from sentistream.media.decode_check import decode_all
    from sentistream.media.track_selection import list_tracks
    from sentistream.reports.report_wording import faults_in_words

    tracks = list_tracks(path)
    facts: dict[str, Any] = {"tracks": [dataclasses.asdict(track) for track in tracks]}
    if not as_json:
        click.echo(path)
        for track in tracks:
            click.echo(f"  {track}")
    if quick:
        return facts
    with Bar() if sys.stderr.isatty() and not as_json else Silence() as progress:
        begun = False

        def reach(seconds: float, of: float | None) -> None:
            nonlocal begun
            if not begun:
                progress.start(path.name, of)
                begun = True
            progress.reach(seconds, 0)

        read = decode_all(path, reach)
    faults = dataclasses.asdict(read.faults)
    facts |= {"seconds": read.seconds, "faults": faults}
    if not as_json:
        sentences = faults_in_words(faults, read.info.sizes) or ["Nothing in it is damaged."]
        click.echo(f"  {read.seconds:.2f} s of pictures were read. {' '.join(sentences)}")
    return facts
