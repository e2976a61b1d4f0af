"""``sentistream doctor``."""

from __future__ import annotations

import dataclasses
import json

import click

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check versions, networks, codecs, runtimes and cameras, and say what to do.

    The exit code is 0 when analyzing will work (warnings concern parts of it), else 1.
    """
    from sentistream.diagnosis import State, diagnose

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
