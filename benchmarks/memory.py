"""Whether peak memory of the real command is independent of the length of the video.

Usage: python -m benchmarks.memory [--minutes 30] [--json FILE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from sentistream.benchmarking.system_facts import describe_machine
from sentistream.demo import make_clip

TOLERANCE = 0.05
SHORT = 1.0


@click.command()
@click.option(
    "--minutes",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=SHORT, min_open=True),
    help="Length of the long clip; the short one has 1 minute.",
)
@click.option(
    "--size",
    nargs=2,
    default=(640, 360),
    show_default=True,
    help="Width and height of the pictures; their number matters here, not their size.",
)
@click.option("--video", is_flag=True, help="Also let the command write the annotated video.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(minutes: float, size: tuple[int, int], video: bool, json_file: Path | None) -> None:
    """Compare the peak memory of a short and a long analysis."""
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for length in (SHORT, minutes):
            clip = make_clip(folder / f"{length:g} minutes.mp4", duration=60 * length, size=size)
            results = folder / f"results of {length:g}"
            peaks[f"{length:g}"] = peak = _peak(clip, results, video)
            click.echo(f"{length:g} min: peak memory {peak:.1f} MiB")
    short, long = peaks.values()
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "size": size,
        "video": video,
        "peak_mib": peaks,
        "ratio": long / short,
    }
    verdict = "within" if long / short - 1 <= TOLERANCE else "NOT within"
    click.echo(f"ratio {long / short:.3f}, {verdict} {TOLERANCE:.0%}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    if long / short - 1 > TOLERANCE:
        sys.exit(1)


def _peak(clip: Path, results: Path, video: bool) -> float:
    """Peak resident memory of ``sentistream analyze`` on the clip, MiB."""
    command = [sys.executable, "-m", "sentistream", "analyze", str(clip), "--out", str(results)]
    command += ["--quiet", *(["--video"] if video else [])]
    process = subprocess.Popen(command)  # noqa: S603 - the list is ours
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"sentistream ended with exit code {process.returncode}.")
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
