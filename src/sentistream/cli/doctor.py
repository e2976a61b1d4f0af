"""``sentistream doctor``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check versions, networks, codecs, runtimes and cameras, and say what to do.

    With FILES, list their tracks of pictures and sound instead, and which would be taken.

    The exit code is 0 when analyzing will work (warnings concern parts of it), else 1.
    """
    from sentistream.diagnosis import State, diagnose

    if files:
        _list_tracks(files, as_json=as_json)
        return
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


def _list_tracks(files: tuple[Path, ...], *, as_json: bool) -> None:
    from sentistream.media.tracks import list_tracks

    found = {str(path): list_tracks(path) for path in files}
    if as_json:
        plain = {name: [dataclasses.asdict(each) for each in found[name]] for name in found}
        click.echo(json.dumps(plain, indent=2))
        return
    for name, tracks in found.items():
        click.echo(name)
        for track in tracks:
            click.echo(f"  {track}")
