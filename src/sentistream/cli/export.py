"""``sentistream export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sentistream.cli.inputs import find_clips
from sentistream.errors import InputError, MissingExtraError
from sentistream.profiles import DEFAULT_PROFILE, PROFILES
from sentistream.redaction import is_address, shown_address

if TYPE_CHECKING:  # it brings PyTorch
    from sentistream.training.clip_quantization import Quantized

EXAMPLES = """\b
Examples:
  sentistream export for-device
      writes the networks of lite, 1.9 MB; start with for-device/README.md
  sentistream export for-device --profile paper
      those of the paper instead, 5.7 MB
  sentistream export for-device --variant int8 --calibrate clips/
      those that gain by it with 8 bits, and how far their answers agree
"""


def _as_folder(_context: click.Context, _parameter: click.Parameter, text: str) -> Path:
    if is_address(text):
        raise InputError(f"{shown_address(text)} is an address.", "Name a folder of this machine.")
    return Path(text)


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", callback=_as_folder)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="Whose networks.",
)
@click.option(
    "--variant",
    type=click.Choice(["float", "int8"]),
    help="Numbers that the networks compute with.  [default: as sentistream itself runs them: "
    "float for lite; of paper, int8 where voices are heard]",
)
@click.option(
    "--calibrate",
    multiple=True,
    metavar="CLIP",
    help="For --variant int8 of lite: videos with faces, or folders of them, at least two (may be "
    "repeated). Every second one measures the ranges of numbers, the others compare answers.",
)
@click.option("--force", is_flag=True, help="Replace files where DIR is not empty.")
def export(
    folder: Path, profile: str, variant: str | None, calibrate: tuple[str, ...], force: bool
) -> None:
    """Write the networks for other devices: phones, browsers, small boards, your own program.

    DIR gets the networks as ONNX files, their cards with licences, README.md and pipeline.json,
    which describe each step before and after the networks with its numbers, reference.py,
    which performs these steps with only NumPy and ONNX Runtime, and inputs and outputs for
    checking another runtime. Nothing is downloaded. OpenVINO reads the same files.

    The networks are for non-commercial research only, wherever they run.
    """
    from sentistream.export import check_free, export_networks

    quantizes = variant == "int8" and profile == "lite"
    if quantizes != bool(calibrate):
        raise click.UsageError("--variant int8 of lite and --calibrate go together.")
    check_free(folder, force=force)
    made = _quantize(calibrate) if quantizes else None
    done = export_networks(
        folder,
        profile,
        as_float=variant == "float",
        replaced=dict(made.files) if made else None,
        force=force,
    )
    for name, size in done.networks:
        click.echo(f"{name:<16}{size / 1000:>9,.0f} kB")
    if made:
        _print_gains(made)
    total = sum(size for _, size in done.networks)
    click.echo(
        f"{len(done.networks)} networks of {done.profile} ({total / 1e6:.1f} MB) are in {folder}. "
        f"Read {folder / 'README.md'} first."
    )


def _quantize(calibrate: tuple[str, ...]) -> Quantized:
    try:
        from sentistream.training.clip_quantization import quantize_on_clips
    except ImportError:
        raise MissingExtraError("The variant int8", "train") from None
    clips = [clip.path for clip in find_clips(calibrate)[0]]
    paths = [path for path in clips if path is not None]
    if len(paths) != len(clips):
        raise InputError("Cameras and streams do not calibrate.", "Name files or folders.")
    return quantize_on_clips(paths, lambda clip: click.echo(f"Reading {clip.name} ...", err=True))


def _print_gains(made: Quantized) -> None:
    for gain in made.gains:
        click.echo(
            f"{gain.name}: {gain.int8_bytes / gain.float_bytes:.0%} of the size, "
            f"{gain.time_ratio:.0%} of the time here"
        )
    same = made.agreement
    click.echo(
        f"On {same.clips} clips that did not calibrate: the same answer about {same.same_overall} "
        f"of them; the same label in {same.same_label / max(1, same.pictures):.1%} of "
        f"{same.pictures:,} pictures; shares {100 * same.distance:.1f} points apart on average."
    )
