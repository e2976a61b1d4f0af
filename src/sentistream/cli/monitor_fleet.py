"""``sentistream monitor join``, ``leave`` and ``link``: a site and its headquarters."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click


@click.command()
@click.argument("code", required=False)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=20.0,
    show_default=True,
    help="Seconds to wait for the broker, and again for headquarters.",
)
@click.pass_context
def join(context: click.Context, code: str | None, timeout: float) -> None:
    """Join a headquarters, which then receives sums by the minute, camera health and alerts.

    CODE is shown once at headquarters; without it, or with -, it is read from standard input, so
    that it is not in the shell's history. The monitor may be running and starts to report
    within a second. Readings of single faces and pictures never leave the site.

    \b
    Examples:
      sentistream monitor join sentistream-join-eNqNU...
      sentistream monitor --state /var/lib/sentistream join < code.txt
    """
    from sentistream.monitor.site_link.joining import join as join_headquarters

    text = code if code and code != "-" else sys.stdin.read()
    link = join_headquarters(context.obj, text, timeout=timeout)
    click.echo(
        f"Joined {link.headquarters_name or 'the headquarters'} as {link.name} ({link.site})."
    )
    click.echo(
        "It receives sums by the minute, camera health and alerts; no readings, no pictures."
    )


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--timeout", type=click.FloatRange(1, 600), default=20.0, show_default=True)
@click.pass_context
def leave(context: click.Context, yes: bool, timeout: float) -> None:
    """Leave the headquarters. Unsent records are deleted; what it has received stays there."""
    from sentistream.monitor.site_link.joining import leave as leave_headquarters

    if not yes:
        click.confirm(
            "Leave the headquarters? Records that wait to be sent are deleted", abort=True
        )
    if leave_headquarters(context.obj, timeout=timeout):
        click.echo("Left; headquarters knows.")
    else:
        click.echo(
            "Left, but headquarters could not be told: there the shop shows as silent until "
            "somebody removes it."
        )


@click.command()
@click.pass_context
def link(context: click.Context) -> None:
    """Show which headquarters this site reports to, and what is queued."""
    from sentistream.monitor.site_link.link_state import read_link
    from sentistream.monitor.site_link.outbox import OUTBOX_FILE, Outbox

    state: Path = context.obj
    found = read_link(state)
    if found is None or found.joined is None:
        click.echo("This site reports to no headquarters.")
        sys.exit(1)
    click.echo(f"Headquarters: {found.headquarters_name} (key {found.headquarters[:16]})")
    click.echo(
        f"Broker: {found.broker.host}:{found.broker.port}{'' if found.broker.tls else ', no TLS'}"
    )
    click.echo(f"This site: {found.name} ({found.site})")
    if found.refused:
        click.echo(f"Headquarters refuses its messages: {found.refused}")
    if (state / OUTBOX_FILE).exists():
        outbox = Outbox(state / OUTBOX_FILE)
        oldest = outbox.oldest()
        age = (
            "" if oldest is None else f", the oldest from {(time.time() - oldest) / 60:.0f} min ago"
        )
        click.echo(f"Records that wait: {outbox.count()}{age}")
        outbox.close()
