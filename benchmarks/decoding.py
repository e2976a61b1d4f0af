"""What each way of reducing decoding saves, and whether the answers stay the same.

The variants take turns in each round, so that other load affects them equally; seconds are CPU
seconds. The smaller stream is the clip reencoded at half its width, as cameras offer one.

Usage: python -m benchmarks.decoding [CLIP] [--rounds 5] [--json FILE]
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import av
import click

from sentistream.analyzer import Analyzer
from sentistream.benchmarking.benchmark_clip import loop_clip
from sentistream.benchmarking.system_facts import describe_machine
from sentistream.demo import make_clip
from sentistream.media import track_selection
from sentistream.media.decoder import hardware_decoders
from sentistream.media.file_source import FileSource
from sentistream.profiles import LITE
from sentistream.reports.table_formats import markdown_table
from sentistream.types import Moment, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of decoding.

    Attributes:
        name: Its name in the table.
        every: Seconds between moments.
        whole: Whether pictures that are not used are decoded as well.
        share: The requested share of pictures.
        small: Whether the smaller stream is read.
        decoder: The decoder.
        loop_filter: Whether the deblocking filter runs.
        beside: The name of the variant it is compared with.
    """

    name: str
    every: float = 0.03
    whole: bool = True
    share: float = 1.0
    small: bool = False
    decoder: str = "software"
    loop_filter: bool = True
    beside: str = "every picture"


VARIANTS = (
    Variant(name="every picture"),
    Variant(name="a share of 0.7", share=0.7, whole=False),
    Variant(name="a share of 0.5", share=0.5, whole=False),
    Variant(name="a share of 0.4", share=0.4, whole=False),
    Variant(name="a share of 0.25", share=0.25, whole=False),
    Variant(name="a share of 0.1", share=0.1, whole=False),
    Variant(name="a moment every 0.1 s, every picture", every=0.1),
    Variant(
        name="a moment every 0.1 s, pictures that are seen",
        every=0.1,
        whole=False,
        beside="a moment every 0.1 s, every picture",
    ),
    Variant(name="a moment every 0.2 s, every picture", every=0.2),
    Variant(
        name="a moment every 0.2 s, pictures that are seen",
        every=0.2,
        whole=False,
        beside="a moment every 0.2 s, every picture",
    ),
    Variant(name="smaller stream", small=True),
    Variant(name="without loop filter (not offered)", loop_filter=False),
)


def smaller(clip: Path, folder: Path) -> Path:
    """The clip at half its width and height, H.264, without sound."""
    target = folder / "smaller.mp4"
    with av.open(str(clip)) as read, av.open(str(target), "w") as written:
        source = read.streams.video[0]
        stream: Any = written.add_stream("libx264", rate=source.average_rate, options={"bf": "2"})
        stream.width, stream.height = source.width // 4 * 2, source.height // 4 * 2
        stream.pix_fmt = "yuv420p"
        for frame in read.decode(source):
            written.mux(stream.encode(frame.reformat(stream.width, stream.height, "yuv420p")))
        written.mux(stream.encode(None))
    return target


@contextmanager
def no_loop_filter() -> Iterator[None]:
    prepare = track_selection.prepare_video

    def prepared(stream: Any, name: str, threads: int = 0) -> None:
        prepare(stream, name, threads)
        stream.codec_context.options |= {"skip_loop_filter": "all"}

    with mock.patch.object(track_selection, "prepare_video", prepared):
        yield


def spent(variant: Variant, clip: Path, use: Callable[[Moment], object]) -> tuple[float, int, int]:
    """CPU seconds, pictures decoded, and pictures in the stream."""
    start = time.process_time()
    with FileSource(
        clip,
        tick=variant.every,
        sound_window=LITE.sound_window,
        threads=1,
        sound=False,
        whole=variant.whole,
        decoder=variant.decoder,
    ) as source:
        source.limit_decoding(variant.share)
        for moment in source:
            use(moment)
        skipper = source._reader.skipper
    return time.process_time() - start, skipper.passed, skipper.passed + skipper.skipped


def touch(moment: Moment) -> object:
    return moment.picture.luma[0].max()


def run(
    variant: Variant, clip: Path, small: Path, analyzer: Analyzer | None
) -> tuple[Any, list[Reading]]:
    """What one variant costs, and its readings if it is analyzed."""
    readings: list[Reading] = []

    def use(moment: Moment) -> object:
        if analyzer is None:
            return touch(moment)
        found = analyzer.process(moment)
        readings.extend(found)
        return found

    if analyzer is not None:
        analyzer.reset(renumber=True)
    path = small if variant.small else clip
    if variant.loop_filter:
        return spent(variant, path, use), readings
    with no_loop_filter():
        return spent(variant, path, use), readings


def agreement(found: list[Reading], expected: list[Reading]) -> dict[str, float]:
    """For readings at the same times: share of equal labels, and mean distance of the answers."""
    by_time = {(one.time, one.track): one for one in expected}
    pairs = [(one, by_time.get((one.time, one.track))) for one in found]
    both = [(a, b) for a, b in pairs if b is not None and a.face and b.face]
    if not both:
        return {"labels": float("nan"), "distance": float("nan"), "readings": 0.0}
    distances = [
        a.smoothed.distance(b.smoothed)
        for a, b in both
        if a.smoothed is not None and b.smoothed is not None
    ]
    return {
        "labels": statistics.mean(a.label == b.label for a, b in both),
        "distance": statistics.mean(distances) if distances else float("nan"),
        "readings": len(both) / max(1, sum(one.face is not None for one in expected)),
    }


@click.command()
@click.argument("clip", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(clip: Path | None, seconds: float, rounds: int, json_file: Path | None) -> None:
    """Measure each way of reducing decoding on CLIP, or on the demonstration clip."""
    works = [one.name for one in hardware_decoders() if not one.problem]
    variants = [*VARIANTS, *(Variant(name=f"decoder {name}", decoder=name) for name in works)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = clip or make_clip(folder / "demonstration.mp4", size=(1280, 720))
        long = loop_clip(clip, seconds, folder)
        small = smaller(long, folder)
        analyzer = Analyzer(LITE)
        answers = {variant.name: run(variant, long, small, analyzer)[1] for variant in variants}
        alone: dict[str, list[float]] = {variant.name: [] for variant in variants}
        analyzed: dict[str, list[float]] = {variant.name: [] for variant in variants}
        decoded: dict[str, str] = {}
        for number in range(rounds):
            for variant in variants:
                click.echo(f"\r{number + 1} of {rounds}: {variant.name:50}", nl=False, err=True)
                (took, some, all_of_them), _ = run(variant, long, small, None)
                alone[variant.name].append(took)
                decoded[variant.name] = f"{some / all_of_them:.2f}"
                analyzed[variant.name].append(run(variant, long, small, analyzer)[0][0])
    click.echo(err=True)
    rows, result = [], {}
    for variant in variants:
        against = variant.beside
        ratios = [a / b for a, b in zip(alone[variant.name], alone[against], strict=True)]
        shares = [a / b for a, b in zip(alone[variant.name], analyzed[variant.name], strict=True)]
        same = agreement(answers[variant.name], answers[against])
        result[variant.name] = {
            "ratio": statistics.median(ratios),
            "decode_share": statistics.median(shares),
            "pictures": decoded[variant.name],
            "seconds": statistics.median(alone[variant.name]),
            **same,
        }
        labels = (
            "-" if variant.small or variant.name == against else f"{100 * same['labels']:.1f} %"
        )
        change = "-" if variant.small or variant.name == against else f"{same['distance']:.4f}"
        rows.append(
            [
                variant.name,
                decoded[variant.name],
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                f"{statistics.median(shares):.2f}",
                labels,
                change,
            ]
        )
    heads = ["way", "pictures decoded", "decoding, of that of every picture"]
    heads += ["share of decoding in all", "same labels", "change of answers"]
    click.echo(markdown_table(heads, rows))
    if json_file is not None:
        facts = {"machine": describe_machine(), "clip": clip.name, "rounds": rounds, "ways": result}
        json_file.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
