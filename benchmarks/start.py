"""How long ``sentistream analyze`` takes from the command to its first reading.

Usage: python -m benchmarks.start [CLIP] [--times 5] [--modules]

Medians of wall and CPU seconds, compared with those of a Python that only loads NumPy, ONNX
Runtime and PyAV, which every analysis needs. Without CLIP the first 5 seconds of
the demonstration are analyzed. ``--modules`` lists the slowest imports.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sentistream.demo import make_clip

LENGTH = 5.0
"""Seconds of the clip."""

UNTIL_FIRST = """
import json, os, sys, time
from sentistream.cli import main
def report():
    sys.__stdout__.write("\\n" + json.dumps([time.monotonic(), time.process_time()]) + "\\n")
    sys.__stdout__.flush()
    os._exit(0)
def first():
    from sentistream.analyzer import Analyzer
    process = Analyzer.process
    def timed(analyzer, moment):
        readings = process(analyzer, moment)
        if any(reading.face is not None for reading in readings):
            report()
        return readings
    Analyzer.process = timed
first()
main(sys.argv[1:])
"""

FLOOR = """
import json, time
import av, numpy, onnxruntime
print(json.dumps([time.monotonic(), time.process_time()]))
"""


def seconds_until_first_reading(program: str, *arguments: str) -> tuple[float, float]:
    """Run a program until it prints its time: wall and CPU seconds."""
    start = time.monotonic()
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    ended, processor = json.loads(result.stdout.strip().splitlines()[-1])
    return ended - start, processor


def slowest_modules(clip: Path, out: Path) -> list[tuple[float, str]]:
    """Milliseconds that loading each package added, and its name, the slowest first."""
    command = [sys.executable, "-X", "importtime", "-c", UNTIL_FIRST, "analyze", str(clip)]
    result = subprocess.run(  # noqa: S603
        [*command, "--out", str(out)], capture_output=True, text=True, check=True
    )
    took: dict[str, float] = {}
    for line in result.stderr.splitlines():
        found = re.fullmatch(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", line)
        if found:
            package = found[2].partition(".")[0]
            took[package] = took.get(package, 0.0) + int(found[1]) / 1000
    return sorted(((spent, name) for name, spent in took.items()), reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--modules", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = options.clip or make_clip(folder / "clip.mp4", duration=LENGTH)
        runs: list[tuple[float, float]] = []
        floors: list[tuple[float, float]] = []
        for number in range(options.times + 1):
            out = ("analyze", str(clip), "--out", str(folder / str(number)))
            runs.append(seconds_until_first_reading(UNTIL_FIRST, *out))
            floors.append(seconds_until_first_reading(FLOOR))
        # the first run of each reads files that are not cached yet
        clock, processor = (statistics.median(column) for column in zip(*runs[1:], strict=True))
        bare, floor = (statistics.median(column) for column in zip(*floors[1:], strict=True))
        print(f"first reading after {clock:.2f} s, {processor:.2f} s of the processor")
        print(f"NumPy, ONNX Runtime and PyAV alone: {bare:.2f} s, {floor:.2f} s of the processor")
        print(f"ratio: {clock / bare:.2f} by the clock, {processor / floor:.2f} of the processor")
        if options.modules:
            for spent, module in slowest_modules(clip, folder / "modules")[:15]:
                print(f"{spent:7.1f} ms  {module}")


if __name__ == "__main__":
    main()
