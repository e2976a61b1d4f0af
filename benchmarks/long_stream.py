"""Whether memory grows over a stream of hours: decoding and analysis, as fast as possible.

The stream is MPEG-TS, which has no index: it is read from beginning to end as a camera's is.

Usage: python -m benchmarks.long_stream [--hours 8] [--profile lite] [--json FILE]
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from sentistream.analyzer import Analyzer
from sentistream.benchmarking.benchmark_clip import loop_clip
from sentistream.benchmarking.stage_profiler import resident_mebibytes
from sentistream.benchmarking.system_facts import describe_machine
from sentistream.demo import make_clip
from sentistream.media import open_source
from sentistream.profiles import PROFILES, get_profile

SAMPLES = 96
"""Number of memory samples, evenly over the stream."""

SETTLED = 0.125
"""Share of the stream after which memory should be constant."""


@click.command()
@click.option("--hours", default=8.0, show_default=True, type=click.FloatRange(0.1))
@click.option("--profile", default="lite", show_default=True, type=click.Choice(sorted(PROFILES)))
@click.option(
    "--tick",
    default=0.12,
    show_default=True,
    type=click.FloatRange(0.03),
    help="Seconds between moments: eight hours of every 30 ms take most of an hour.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(hours: float, profile: str, tick: float, json_file: Path | None) -> None:
    """Follow an endless camera, and report how memory develops."""
    chosen = get_profile(profile)
    samples: list[tuple[float, float]] = []
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", size=(320, 180))
        long = loop_clip(clip, hours * 3600, Path(folder), form="ts")
        analyzer = Analyzer(chosen)
        every, faces = hours * 3600 / SAMPLES, 0
        window = max(tick, chosen.sound_window)
        with open_source(long, tick=tick, sound_window=window, threads=1) as source:
            for moment in source:
                faces += sum(reading.face is not None for reading in analyzer.process(moment))
                if moment.time >= len(samples) * every:
                    hour, memory = moment.time / 3600, resident_mebibytes()
                    samples.append((hour, memory))
                    click.echo(f"\r{hour:5.2f} h {memory:7.1f} MiB", nl=False, err=True)
    click.echo(err=True)
    steady = [memory for at, memory in samples if at >= SETTLED * hours]
    slope = float(np.polyfit([at for at, _ in samples if at >= SETTLED * hours], steady, 1)[0])
    click.echo(
        f"{hours:g} h in {(time.monotonic() - start) / 60:.0f} min, {faces} readings: "
        f"{samples[0][1]:.1f} MiB at first, {steady[0]:.1f} after {SETTLED * hours:g} h, "
        f"{steady[-1]:.1f} at the end (most {max(steady):.1f}); {slope:+.3f} MiB an hour"
    )
    if json_file:
        result = {
            "machine": describe_machine(),
            "profile": profile,
            "tick": tick,
            "mib_by_hour": samples,
            "mib_an_hour": slope,
        }
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
