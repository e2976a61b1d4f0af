"""``sentistream benchmark``: speed, memory and streams on this machine, next to baselines."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from sentistream.benchmarking import Plan, measure
from sentistream.benchmarking.benchmark_report import chart, page
from sentistream.cli.progress import status
from sentistream.cores import usable_cores
from sentistream.demo import make_clip
from sentistream.errors import InputError, OutputError
from sentistream.profiles import PROFILES

_PARTS = ("published", "streams", "peers")


@click.command()
@click.argument("source", metavar="[INPUT]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    type=click.Choice(sorted(PROFILES)),
    help="Which to measure; may be given several times. All by default.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(2),
    default=20.0,
    show_default=True,
    help="Of the video for each run; a shorter one is played again and again.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Times each run is repeated; the median and the range are reported.",
)
@click.option(
    "--streams-up-to",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Try 1, 2, 4, 6, 8, 10, 12, 16 ... streams up to so many, until real time is lost.",
)
@click.option(
    "--overload",
    is_flag=True,
    help="Try more streams than real time is kept with, too, up to --streams-up-to.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes that share the streams; one a core by default.",
)
@click.option(
    "--skip",
    multiple=True,
    type=click.Choice(_PARTS),
    help="Leave a part out; may be given several times.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="NAME=PYTHON",
    help="Another program (fer, deepface, py-feat) and the Python it is installed in.",
)
@click.option("--quick", is_flag=True, help="A coarse answer within about a minute.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write all figures."
)
@click.option(
    "--document",
    type=click.Path(path_type=Path),
    help="Also write a page of Markdown, and its chart beside it (needs the extra bench).",
)
def benchmark(
    source: Path | None,
    profiles: Sequence[str],
    seconds: float,
    repeats: int,
    streams_up_to: int,
    overload: bool,
    workers: int | None,
    skip: Sequence[str],
    peers: Sequence[str],
    quick: bool,
    json_file: Path | None,
    document: Path | None,
) -> None:
    """Measure how fast sentistream is here, on INPUT or on the demo clip.

    Every figure is compared with baselines from the same run: decoding alone, the pipeline as
    the paper published it (needs the extras train and bench), and other programs if they are
    installed. The mouth counts as open half of the time, whatever the video shows, so that
    videos can be compared.

    \b
    Examples:
      sentistream benchmark
      sentistream benchmark clip.mp4 --quick --json figures.json
      sentistream benchmark clip.mp4 --profile lite --skip published --streams-up-to 4
      sentistream benchmark clip.mp4 --profile lite --skip published --overload
      sentistream benchmark --peer fer=/opt/fer/bin/python --document docs/benchmark.md
    """
    counts = [n for n in (1, 2, 4, 6, 8, 10, 12, 16, 24, 32, 48, 64) if n <= streams_up_to]
    if quick:
        seconds, repeats, counts = min(seconds, 6.0), 1, [n for n in counts if n in (1, 4)]
    plan = Plan(
        profiles=tuple(profiles) or tuple(sorted(PROFILES)),
        seconds=seconds,
        repeats=repeats,
        published_moments=0 if "published" in skip else (5 if quick else 15),
        stream_counts=() if "streams" in skip else counts,
        stream_seconds=4.0 if quick else 10.0,
        overload=overload,
        workers=workers or usable_cores(),
        peers={} if "peers" in skip else _interpreters(peers),
    )
    with tempfile.TemporaryDirectory() as folder, status() as line:
        if source is None:
            line.set_description_str("making the demonstration clip")
            source = make_clip(Path(folder) / "demonstration.mp4", size=(1280, 720))
        result = measure(source, plan, line.set_description_str)
    click.echo(page(result))
    if json_file is not None:
        _write(json_file, json.dumps(result, indent=2) + "\n")
    if document is not None:
        drawn = document.with_suffix(".svg")
        chart(result, drawn)
        _write(document, page(result, chart=drawn.name))


def _interpreters(peers: Sequence[str]) -> dict[str, str]:
    named = {}
    for text in peers:
        name, equals, python = text.partition("=")
        if not equals or not python:
            raise InputError(
                f"--peer {text} names no interpreter.", "Write it as --peer fer=/path/to/python."
            )
        named[name] = python
    return named


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).", "Choose another place."
        ) from None
