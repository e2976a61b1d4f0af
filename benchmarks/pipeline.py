"""How fast the ``paper`` profile is on this machine, stage by stage, and beside the pipeline
as published, in one run.

Usage: python -m benchmarks.pipeline [INPUT] [--json FILE]
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchmarks.machine import describe_machine
from benchmarks.published import PublishedPipeline, multiply_adds
from benchmarks.stopwatch import Stopwatch
from sentistream.analyzer import Analyzer
from sentistream.api import analyze
from sentistream.decision.paper import PaperDecision
from sentistream.demo import make_clip
from sentistream.media import open_source
from sentistream.media.picture import YuvPicture
from sentistream.profiles import PAPER, Profile
from sentistream.runtime import load_card, load_network
from sentistream.smoothing import Smoother
from sentistream.types import Branch, Reading
from sentistream.vision.detector import FaceDetector
from sentistream.vision.landmarks import LandmarkPredictor
from sentistream.vision.tracker import FaceTracker
from sentistream.voice import spectrogram

TARGET = 1 / PAPER.tick
"""Moments a second at which the analysis keeps up with the clock."""


@click.command()
@click.argument("source", metavar="[INPUT]", required=False, type=click.Path(path_type=Path))
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--seconds",
    default=12.0,
    show_default=True,
    type=click.FloatRange(1),
    help="At most so much of the input.",
)
@click.option(
    "--published-moments",
    default=40,
    show_default=True,
    type=click.IntRange(1),
    help="Moments for the pipeline as published, spread over the input.",
)
@click.option(
    "--mouth-open", is_flag=True, help="Take every mouth as open: the dearest case, always fused."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(
    source: Path | None,
    repeats: int,
    seconds: float,
    published_moments: int,
    mouth_open: bool,
    json_file: Path | None,
) -> None:
    """Measure the paper profile on INPUT (a video; by default the demonstration clip)."""
    with tempfile.TemporaryDirectory() as folder:
        if source is None:
            click.echo("Making the demonstration clip ...", err=True)
            source = make_clip(Path(folder) / "demonstration.mp4")
        profile = replace(PAPER, mouth_threshold=0.0) if mouth_open else PAPER
        result = measure(source, profile, repeats, seconds, published_moments)
    tell(result)
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


def measure(
    source: Path, profile: Profile, repeats: int, seconds: float, published_moments: int
) -> dict[str, Any]:
    """All figures; the ways are measured in turn, so that a busy machine troubles all alike."""
    machine = describe_machine()
    analyzer, published = Analyzer(profile), PublishedPipeline()
    readings = _readings(source, analyzer, seconds)
    speaking = {reading.time for reading in readings if reading.branch is Branch.FUSED}
    times = sorted({reading.time for reading in readings})
    every = max(1, len(times) // published_moments)
    chosen = set(times[every // 2 :: every])
    # the first time a way runs it also loads and compiles
    _published(source, published, set(times[:1]), speaking)

    ways: dict[str, Callable[[], dict[str, float]]] = {
        "ours": lambda: _timed(lambda: len({r.time for r in _readings(source, analyzer, seconds)})),
        "published": lambda: _published(source, published, chosen, speaking),
        "decoding": lambda: _timed(lambda: _decode(source, seconds)),
    }
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    stages = []
    for _ in range(repeats):
        for name, run in ways.items():
            runs[name].append(run())
        stages.append(_stages(source, profile, seconds))
    with open_source(source, tick=PAPER.tick, sound_window=PAPER.sound_window) as opened:
        info = opened.info
    return {
        "machine": machine,
        "input": {
            "name": source.name,
            "width": info.width,
            "height": info.height,
            "frame_rate": info.frame_rate,
            "moments": len(times),
            "with_face": len({r.time for r in readings if r.face}) / len(times),
            "fused": len(speaking) / len(times),
        },
        "frames_per_second": {
            name: _spread([run["moments"] / run["seconds"] for run in each])
            for name, each in runs.items()
        },
        "processor_ms": {
            name: _spread([1000 * run["processor"] / run["moments"] for run in each])
            for name, each in runs.items()
        },
        "faster_than_published": _spread(
            [
                (our["moments"] / our["seconds"]) / (its["moments"] / its["seconds"])
                for our, its in zip(runs["ours"], runs["published"], strict=True)
            ]
        ),
        "real_time": TARGET,
        "stages": _merge(stages),
        "networks": _networks(),
    }


def _readings(source: Path, analyzer: Analyzer, seconds: float) -> list[Reading]:
    readings: list[Reading] = []
    with analyze(source, profile=analyzer.profile, analyzer=analyzer) as analysis:
        for reading in analysis:
            if reading.time >= seconds:
                break
            readings.append(reading)
    return readings


def _decode(source: Path, seconds: float) -> int:
    count = 0
    with open_source(source, tick=PAPER.tick, sound_window=PAPER.sound_window) as opened:
        for moment in opened:
            if moment.time >= seconds:
                break
            count += 1
    return count


def _timed(work: Callable[[], int]) -> dict[str, float]:
    start, processor = time.perf_counter(), time.process_time()
    moments = work()
    return {
        "moments": moments,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - processor,
    }


def _published(
    source: Path, pipeline: PublishedPipeline, chosen: set[float], speaking: set[float]
) -> dict[str, float]:
    """Decodes all up to the last chosen moment, works on the chosen ones; the decoding of the
    others is not counted."""
    counted = _Clock()
    done = 0
    with open_source(source, tick=PAPER.tick, sound_window=PAPER.sound_window) as opened:
        moments = iter(opened)
        counted.start()
        while done < len(chosen) and (moment := next(moments, None)) is not None:
            if moment.time in chosen:
                pipeline.process(moment, moment.time in speaking)
                counted.keep()
                done += 1
            counted.start()
    return {"moments": done, "seconds": counted.seconds, "processor": counted.processor}


class _Clock:
    def __init__(self) -> None:
        self.seconds = self.processor = 0.0

    def start(self) -> None:
        self._from = time.perf_counter(), time.process_time()

    def keep(self) -> None:
        self.seconds += time.perf_counter() - self._from[0]
        self.processor += time.process_time() - self._from[1]


class _WatchedNetwork:
    def __init__(self, stopwatch: Stopwatch, stage: str, model: str) -> None:
        self.run = stopwatch.wrap(stage, load_network(model).run)


def _stages(source: Path, profile: Profile, seconds: float) -> dict[str, float]:
    """Milliseconds a moment of each stage, decoding and analysis in one thread."""
    watch = Stopwatch()
    decision = PaperDecision(
        profile,
        mouth=_WatchedNetwork(watch, "mouth network", profile.mouth_model),
        face=_WatchedNetwork(watch, "visual network", profile.face_model),
        fused=_WatchedNetwork(watch, "fused network", profile.fused_model),
    )
    analyzer = Analyzer(profile, decision=decision)
    moments = 0
    with (
        watch.watching(
            ("detection", FaceDetector, "detect"),
            ("tracking", FaceTracker, "update"),
            ("landmarks", LandmarkPredictor, "predict"),
            ("crops", YuvPicture, "crop"),
            ("spectrogram", spectrogram, "columns"),
            ("smoothing", Smoother, "update"),
        ),
        open_source(source, tick=PAPER.tick, sound_window=PAPER.sound_window) as opened,
    ):
        following = watch.wrap("decoding", lambda: next(opened, None))
        process = watch.wrap("rest", analyzer.process)
        while (moment := following()) is not None and moment.time < seconds:
            process(moment)
            moments += 1
    return {stage: 1000 * value / moments for stage, value in watch.seconds.items()}


def _merge(stages: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    medians = {
        stage: statistics.median(each.get(stage, 0.0) for each in stages) for stage in stages[0]
    }
    whole = sum(medians.values())
    return {
        stage: {"ms": value, "share": value / whole}
        for stage, value in sorted(medians.items(), key=lambda item: -item[1])
    }


def _networks() -> dict[str, dict[str, int]]:
    work = multiply_adds()
    models = {"mouth": PAPER.mouth_model, "visual": PAPER.face_model, "fused": PAPER.fused_model}
    return {
        name: {
            "parameters": load_card(model).parameters,
            "multiply_adds": work["ours"][name],
            "multiply_adds_published": work["published"][name],
        }
        for name, model in models.items()
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def tell(result: dict[str, Any]) -> None:
    """Prints the figures."""
    machine, clip = result["machine"], result["input"]
    click.echo(
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']}; "
        f"runtime {machine['runtime']}"
    )
    click.echo(
        f"{clip['name']}: {clip['width']}x{clip['height']}, {clip['moments']} moments, "
        f"face in {clip['with_face']:.0%}, voice and face fused in {clip['fused']:.0%}\n"
    )
    click.echo("stage            ms a moment   share")
    for stage, value in result["stages"].items():
        click.echo(f"{stage:<16} {value['ms']:>11.2f}   {value['share']:>5.1%}")
    click.echo("\nend to end       moments a second (min to max)    processor ms a moment")
    for name, label in (
        ("ours", "sentistream"),
        ("published", "as published"),
        ("decoding", "decoding only"),
    ):
        rate, cost = result["frames_per_second"][name], result["processor_ms"][name]
        click.echo(
            f"{label:<16} {rate['median']:>8.1f} ({rate['min']:.1f} to {rate['max']:.1f})"
            f"{cost['median']:>24.1f}"
        )
    ratio = result["faster_than_published"]
    click.echo(
        f"\nsentistream is {ratio['median']:.1f} times as fast as the pipeline as published "
        f"({ratio['min']:.1f} to {ratio['max']:.1f}); real time needs {result['real_time']:.1f} "
        "moments a second.\n"
    )
    click.echo("network    parameters   million multiply-adds as run   as published")
    for name, of in result["networks"].items():
        click.echo(
            f"{name:<9} {of['parameters']:>11,} {of['multiply_adds'] / 1e6:>30,.1f}"
            f"{of['multiply_adds_published'] / 1e6:>15,.1f}"
        )


if __name__ == "__main__":
    main()
