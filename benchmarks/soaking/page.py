"""The soak's results as a Markdown page, and memory and handles as a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.soaking.sampling import Sample


def markdown(result: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "# Soak",
        "",
        f"{result['minutes']:g} minutes, four simulated cameras (a file at pace "
        f"{result['speed']:g}, MPEG-TS over HTTP, {result['rtsp']}, a file at pace "
        f"{result['speed'] / 2:g}), on {result['machine']}.",
        "",
        "| what | found |",
        "|---|---|",
        f"| verdict | {'**passed**' if result['passed'] else '**failed**'} |",
        f"| seconds expected, of four cameras | {result['seconds_expected']} |",
        f"| readings in the database | {result['readings']} |",
        f"| seconds lost outside faults | {result['lost_outside']} |",
        f"| seconds stored twice | {result['stored_twice']} |",
        f"| sums by the minute add up to the readings | {_yes(result['sums_agree'])} |",
        f"| ran to the end | {_yes(result['survived'])} |",
        f"| exited by itself when terminated | {_yes(result['ended'])} |",
        *(
            f"| {words}, first and last quarter | {_pair(result[name])} |"
            for name, words in _GROWING.items()
        ),
    ]
    if result["dropped"]:
        dropped = ", ".join(f"{key} {count}" for key, count in result["dropped"].items())
        lines.append(f"| moments dropped since the last start | {dropped} |")
    lines += [
        "",
        "Memory is what the monitor's processes have to themselves, anonymous and shared, swapped "
        "out or not; their part of mapped files is not judged, because it grows whenever "
        "another program that uses the same libraries ends.",
    ]
    if result["faults"]:
        lines += [
            "",
            "| fault | at | its own span, s | recovered after, s | seconds lost | of cameras "
            "it does not concern |",
            "|---|---|---|---|---|---|",
        ]
    for fault in result["faults"]:
        if fault["error"]:
            lines.append(f"| {fault['name']} | {fault['at']} | not done: {fault['error']} | | | |")
            continue
        recovery = fault["recovery"]
        lost = ", ".join(f"{key} {count}" for key, count in fault["lost"].items()) or "none"
        lines.append(
            f"| {fault['name']} | {fault['at']} | {fault['span']:.1f} | "
            f"{'never' if recovery is None else f'{recovery:.1f}'} | {lost} | "
            f"{fault['lost_elsewhere']} |"
        )
    for fault in result["faults_left_out"]:
        lines.append(f"| {fault['name']} | | not done: needs {fault['missing']} | | | |")
    return "\n".join(lines) + "\n"


_GROWING = {
    "memory_mib": "memory, MiB",
    "file_memory_mib": "mapped files, MiB (not judged)",
    "handles": "open handles",
}


def _yes(value: bool) -> str:
    return "yes" if value else "**no**"


def _pair(values: tuple[float, float] | None) -> str:
    if values is None:
        return "too short to say"
    return f"{values[0]:.0f} and {values[1]:.0f} ({values[1] / values[0] - 1:+.1%})"


def draw(samples: list[Sample], faults: list[tuple[float, str]], path: Path) -> None:
    """Memory and handles over time, with the faults, as PNG or SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    minutes = [sample.time / 60 for sample in samples]
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(10, 6))
    above.plot(minutes, [sample.memory for sample in samples], color="#2a6f97", label="own memory")
    above.plot(
        minutes, [sample.file_memory for sample in samples], color="#a9d6e5", label="mapped files"
    )
    above.set_ylabel("memory, MiB")
    above.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    below.plot(minutes, [sample.handles for sample in samples], color="#9b2226")
    below.set_ylabel("open handles")
    below.set_xlabel("minutes")
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        for at, _ in faults:
            axes.axvline(at / 60, color="#999999", linewidth=0.6, linestyle=":")
    for at, name in faults:
        above.annotate(
            name, (at / 60, 0), rotation=90, fontsize=6, color="#555555", va="bottom", ha="right"
        )
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
