"""``sentistream export``."""

from __future__ import annotations

from pathlib import Path

import click

from sentistream.profiles import DEFAULT_PROFILE, PROFILES

EXAMPLES = """\b
Examples:
  sentistream export for-device
      writes the networks of lite, 1.9 MB; start with for-device/README.md
  sentistream export for-device --profile paper
      those of the paper instead, 5.7 MB
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="Whose networks.",
)
@click.option("--force", is_flag=True, help="Replace files where DIR is not empty.")
def export(folder: Path, profile: str, force: bool) -> None:
    """Write the networks for other devices: phones, browsers, small boards, your own program.

    DIR gets the networks as ONNX files, their cards with licences, README.md and pipeline.json,
    which describe each step before and behind the networks with its numbers, reference.py,
    which takes these steps with NumPy and ONNX Runtime alone, and inputs and outputs with which
    another runtime can be checked. Nothing is downloaded.

    The networks are for non-commercial research only, wherever they run.
    """
    from sentistream.export import export_networks

    done = export_networks(folder, profile, force=force)
    for name, size in done.networks:
        click.echo(f"{name:<16}{size / 1000:>9,.0f} kB")
    total = sum(size for _, size in done.networks)
    click.echo(
        f"{len(done.networks)} networks of {done.profile} ({total / 1e6:.1f} MB) are in {folder}. "
        f"Read {folder / 'README.md'} first."
    )
