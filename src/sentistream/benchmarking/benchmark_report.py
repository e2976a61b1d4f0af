"""The benchmark report: a Markdown page and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentistream.errors import MissingExtraError
from sentistream.reports.table_formats import markdown_table

_NOTES = """\
**How it was measured.** The runs take turns in each round, so that other load on the machine
affects all alike; the table gives the median round and the range. There is a moment every 30 ms;
*on one core* means per second of CPU time of all threads, including decoding. Decoding alone reads
pictures and sound and pairs them. The pipeline as published runs the detector on every whole
picture, draws the spectrogram with matplotlib and runs PyTorch one sample at a time; it is measured
without decoding, so the time of decoding is added to it, or left out of both. Decoding limits the
first of these two figures, however fast the analysis is. The mouth counts as open in every other
second, whatever the video shows. Latency is from the end of decoding to the readings, with moments
arriving in real time. Streams are copies of the video, each decoded separately in real time; they
start one after another within three seconds, because real cameras do not all change scene at once.
Real time is kept when at least 99 % of the moments that arrived were analyzed; a run that lost it
was repeated once, and the better of the two is reported. Memory pages that processes share are
divided among them; the memory of a stage is what a new process grows by when it first uses the
stage, in the order of the data, and what two stages share counts with the first. Decoding's time is
that of decoding alone, from the rounds.
"""
_COLOURS = {"decode": "#9aa5b1", "ours": "#2563eb", "published": "#d97706"}


def page(result: Mapping[str, Any], chart: str | None = None) -> str:
    """The report as Markdown.

    Args:
        result: As ``measure`` gives it.
        chart: The chart's file, relative to the page; None for none.
    """
    return "\n".join([*_head(result, chart), *_body(result), _NOTES])


def _head(result: Mapping[str, Any], chart: str | None) -> Iterator[str]:
    machine, clip = result["machine"], result["input"]
    yield "# Speed and size"
    yield ""
    yield (
        f"Measured by `sentistream benchmark` on {machine['processor']}, {machine['cores']} cores "
        f"(load {machine['load']} at the beginning, {result['load_at_the_end']} at the end), "
        f"Python {machine['python']}, ONNX Runtime {machine['packages'].get('onnxruntime', '?')}."
    )
    rate = f", {clip['frame_rate']:.4g} pictures a second" if clip["frame_rate"] else ""
    yield (
        f"Video: {clip['name']}, {clip['width']}x{clip['height']}, {clip['video_codec']}{rate}; "
        f"{clip['seconds']:g} s a run."
    )
    yield ""
    if chart is not None:
        yield f"![Moments a second on one core]({chart})"
        yield ""


def _body(result: Mapping[str, Any]) -> Iterator[str]:
    profiles = result["profiles"]
    measured = {name: each for name, each in profiles.items() if "missing" not in each}
    for name, each in profiles.items():
        if "missing" in each:
            yield f"`{name}` was not measured: {each['missing']}"
            yield ""
    if measured:
        yield from _table(
            ["", *(f"`{name}`" for name in measured)],
            [[label, *(cell(each) for each in measured.values())] for label, cell in _ROWS],
        )
        yield from _stage_table(measured)
        yield from _stream_table(measured)
        yield from _network_table(measured)
        if "multiply_adds" in result:
            counts = ", ".join(f"{n} {v / 1e6:,.1f} M" for n, v in result["multiply_adds"].items())
            yield f"As published, without columns folded together: {counts} multiply-adds."
            yield ""
    yield from _baseline_table(result["peers"])
    yield from _size_table(result)


def _ranged(spread: Mapping[str, float] | None, digits: int, unit: str = "") -> str:
    if spread is None:
        return "not measured"
    low, high = spread["min"], spread["max"]
    return f"{spread['median']:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"


def _rate(way: str) -> Any:
    def cell(each: Mapping[str, Any]) -> str:
        return _ranged(each["moments_per_second_of_a_core"].get(way), 1)

    return cell


def _further(each: Mapping[str, Any]) -> str:
    value = each["mb_per_further_stream"]
    return "not measured" if value is None else f"{value:.0f} MB"


_ROWS = (
    ("share of decoding alone", lambda each: _ranged(each["share_of_decode_spread"], 2)),
    ("times the pipeline as published", lambda each: _ranged(each["times_published_spread"], 1)),
    (
        "the same without decoding",
        lambda each: _ranged(each["times_published_without_decoding"], 1),
    ),
    ("moments a second on one core: decoding alone", _rate("decode")),
    ("moments a second on one core: analyzed", _rate("ours")),
    ("moments a second on one core: as published", _rate("published")),
    (
        "moments a second, wall clock",
        lambda each: _ranged(each["moments_per_second_by_the_clock"], 1),
    ),
    (
        "latency: median, 95th, 99th percentile",
        lambda each: ", ".join(
            f"{each['latency_ms'][key]:.1f} ms" for key in ("p50", "p95", "p99")
        ),
    ),
    ("streams in real time", lambda each: str(each["realtime_streams"])),
    ("memory of one stream", lambda each: f"{each['rss_mb']:.0f} MB"),
    ("memory of each further stream", _further),
)


def _stage_table(measured: Mapping[str, Any]) -> Iterator[str]:
    yield "## Where time and memory go"
    yield ""
    names = list(dict.fromkeys(stage for each in measured.values() for stage in _stages(each)))
    rows = []
    for stage in names:
        cells = []
        for each in measured.values():
            spent, whole = each["stages_ms"].get(stage), sum(each["stages_ms"].values())
            cells.append("-" if spent is None else f"{spent:.2f} ms ({spent / whole:.0%})")
            added = each["stages_mb"].get(stage)
            cells.append("-" if added is None else f"{added:.0f} MB")
        rows.append([stage, *cells])
    heads = [head for name in measured for head in (f"`{name}`, a moment", "memory")]
    yield from _table(["", *heads], rows)


def _stages(each: Mapping[str, Any]) -> list[str]:
    return [*each["stages_ms"], *each["stages_mb"]]


def _stream_table(measured: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            f"`{name}`",
            str(one["streams"]),
            str(one["workers"]),
            f"{one['rate']:.0f} of {one['expected']:.0f}",
            f"{one['pictures']:.0f}",
            f"{one['fairness']:.3f}",
            f"{one['slowed']} of {one['streams']}",
            f"{1000 * one['latency_p50']:.1f} / {1000 * one['latency_p95']:.1f} ms",
            f"{one['memory']:.0f} MB",
            "yes" if one["keeps_up"] else "no",
        ]
        for name, each in measured.items()
        for one in each["streams"]
    ]
    if rows:
        yield "## Streams at once"
        yield ""
        heads = ["profile", "streams", "workers", "moments a second", "new pictures a second"]
        heads += ["fairness", "slowed", "latency, median / 95th"]
        yield from _table([*heads, "memory", "real time"], rows)


def _network_table(measured: Mapping[str, Any]) -> Iterator[str]:
    networks = {name: of for each in measured.values() for name, of in each["networks"].items()}
    engines = list(dict.fromkeys(way for of in networks.values() for way in of["milliseconds"]))
    rows = [
        [
            f"`{name}`",
            f"{of['parameters']:,}",
            f"{of['multiply_adds'] / 1e6:,.1f} M",
            *(f"{of['milliseconds'][e]:.2f}" if e in of["milliseconds"] else "-" for e in engines),
        ]
        for name, of in networks.items()
    ]
    yield "## Networks"
    yield ""
    yield (
        "Milliseconds for one sample, one thread. The product runs them with ONNX Runtime, with "
        "8-bit convolutions (int8) where a network has them; the model card says what they cost "
        "in accuracy."
    )
    yield ""
    yield from _table(["network", "parameters", "multiply-adds", *engines], rows)


def _baseline_table(peers: Mapping[str, Any]) -> Iterator[str]:
    yield "## Other programs on the same pictures"
    yield ""
    rows = [
        [
            name,
            each["does"],
            f"{each['pictures_per_second']:.1f}"
            if "pictures_per_second" in each
            else f"not measured: {each['missing']}",
            f"{each['found']} of {each['pictures']}" if "found" in each else "-",
        ]
        for name, each in peers.items()
    ]
    heads = ["program", "what it does here", "pictures a second on one core"]
    yield from _table([*heads, "pictures with a face"], rows)


def _size_table(result: Mapping[str, Any]) -> Iterator[str]:
    starts, sizes = result["start_seconds"], result["installed_bytes"]
    yield "## Start and size"
    yield ""
    yield (
        f"`sentistream --help` answers in {starts['help']:.2f} s, `import sentistream` takes "
        f"{starts['import']:.2f} s, Python alone {starts['python']:.2f} s. A base installation has "
        f"{sum(sizes.values()) / 1e6:,.0f} MB:"
    )
    yield ""
    large = [[name, f"{size / 1e6:,.1f} MB"] for name, size in sizes.items() if size >= 1e6]
    rest = sum(size for size in sizes.values() if size < 1e6)
    yield from _table(["package", "on disk"], [*large, ["others", f"{rest / 1e6:,.1f} MB"]])


def _table(heads: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield markdown_table(heads, rows)
    yield ""


def chart(result: Mapping[str, Any], path: Path) -> None:
    """Draws moments per second on one core, a bar per run; the suffix decides the file format.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("The chart", "bench") from None
    measured = {n: each for n, each in result["profiles"].items() if "missing" not in each}
    labels = {"decode": "decoding alone", "ours": "sentistream", "published": "as published"}
    figure = Figure(figsize=(7.5, 0.8 + 1.25 * max(1, len(measured))), layout="constrained")
    axes = figure.add_subplot()
    ticks, names = [], []
    for place, (name, each) in enumerate(measured.items()):
        for row, way in enumerate(labels):
            if way not in each["moments_per_second_of_a_core"]:
                continue
            spread = each["moments_per_second_of_a_core"][way]
            at = 4 * place + row
            middle = spread["median"]
            errors = [[middle - spread["min"]], [spread["max"] - middle]]
            axes.barh(at, middle, color=_COLOURS[way], xerr=errors, ecolor="#334155", capsize=2)
            axes.text(spread["max"], at, f"  {middle:.1f}", va="center", fontsize=9)
            ticks.append(at)
            names.append(f"{name}: {labels[way]}")
    axes.axvline(1 / 0.03, color="#64748b", linewidth=1, linestyle="--")
    axes.text(1 / 0.03, -0.75, " real time", fontsize=8, color="#64748b", va="bottom")
    axes.set_yticks(ticks, names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("moments a second of one core")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
