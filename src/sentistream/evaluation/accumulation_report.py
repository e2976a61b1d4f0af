"""The tables, plot and files of a comparison of accumulation methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentistream.errors import MissingExtraError
from sentistream.evaluation.evaluation_report import new_figure, save_figure, write_page
from sentistream.evaluation.faces_found_report import NOTHING, Table
from sentistream.reports.output_files import make_output_folder, write_atomically, write_json
from sentistream.reports.table_formats import csv_table

_CSV_COLUMNS = (
    "method",
    "choice",
    "on",
    "accuracy",
    "delay",
    "noticed",
    "changes",
    "flips_per_minute",
    "log_loss",
)


def tables_of(facts: dict[str, Any]) -> list[Table]:
    """A table for each data set, and one of differences."""
    tables = []
    for place in dict.fromkeys(row["on"] for row in facts["rows"]):
        rows = [row for row in facts["rows"] if row["on"] == place]
        tables.append(_of_place(place, rows))
    heads = ("method", "chosen by", "on", "right by moment, less", "delay, less")
    cells = tuple(
        (
            row["method"],
            row["choice"],
            row["on"],
            f"{row['accuracy'] * 100:+.1f} points{_points(row['accuracy_ci95'])}",
            f"{row['delay']:+.2f} s{_seconds(row['delay_ci95'])}",
        )
        for row in facts["differences"]
    )
    tables.append(Table("Differences from what ships, in pairs", heads, cells))
    return tables


def _of_place(place: str, rows: list[dict[str, Any]]) -> Table:
    tempos = list(rows[0]["tempos"])
    heads = (
        "method",
        "chosen by",
        "parameters",
        "right by moment",
        *(f"{tempo} changes" for tempo in tempos),
        "seconds to notice",
        "noticed",
        "answer changes a minute",
        "log loss",
        "clips right",
    )
    cells = tuple(
        (
            row["method"],
            row["choice"],
            ", ".join(
                f"{name.replace('_', ' ')} {value:.3g}" for name, value in row["parameters"].items()
            ),
            f"{row['accuracy']:.1%}{_shares(row['accuracy_ci95'])}",
            *(
                f"{row['tempos'][tempo]['accuracy']:.1%}, {row['tempos'][tempo]['delay']:.2f} s"
                for tempo in tempos
            ),
            f"{row['delay']:.2f}{_seconds(row['delay_ci95'])}",
            f"{row['noticed']:.0%} of {row['changes']}",
            f"{row['flips_per_minute']:.1f}; mood {row['changes_per_minute']:.1f}",
            f"{row['log_loss']:.3f}",
            _clips(row["clips"]),
        )
        for row in rows
    )
    return Table(f"On {place}", heads, cells)


def _clips(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return NOTHING
    return f"{entry['right']} of {entry['n']}{_shares(entry['accuracy_ci95'])}"


def _shares(ends: list[float] | None) -> str:
    return "" if ends is None else f" ({ends[0]:.1%} to {ends[1]:.1%})"


def _points(ends: list[float] | None) -> str:
    return "" if ends is None else f" ({ends[0] * 100:+.1f} to {ends[1] * 100:+.1f})"


def _seconds(ends: list[float] | None) -> str:
    return "" if ends is None else f" ({ends[0]:.2f} to {ends[1]:.2f})"


def write_comparison(folder: Path, title: str, facts: dict[str, Any]) -> str:
    """Write ``results.json``, ``accumulation.csv``, ``.md``, ``.png`` and ``report.html``.

    Returns:
        Why there is no plot, if there is none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    make_output_folder(folder)
    write_json(folder / "results.json", facts)
    tables = tables_of(facts)
    write_atomically(folder / "accumulation.md", "\n".join(one.markdown() for one in tables))
    write_atomically(folder / "accumulation.csv", csv_table(facts["rows"], _CSV_COLUMNS))
    missing, plots = "", []
    try:
        plots = [_plot(folder / "accumulation.png", facts)]
    except MissingExtraError as error:
        missing = str(error)
    chosen, measured = facts["chosen_on"], facts["measured_on"]
    notes = [
        f"Parameters were chosen on {chosen['people']} people ({chosen['sequences']} sequences, "
        f"{chosen['seconds']:.0f} s); figures are of {measured['people']} others "
        f"({measured['sequences']} sequences, {measured['seconds']:.0f} s). Intervals are 95 %, "
        "by bootstrap over clips or mood changes. A change that was never noticed counts with the "
        "whole length of its mood.",
    ]
    write_page(folder, title, {"tables": tables}, plots, notes, template="faces_found.html.j2")
    return missing


def _plot(path: Path, facts: dict[str, Any]) -> Path:
    figure = new_figure(7.2, 5.0)
    axes = figure.subplots()
    for name, points in facts["curves"].items():
        axes.plot(
            [point["delay"] for point in points],
            [point["accuracy"] for point in points],
            marker="o" if len(points) < 20 else ".",
            linestyle="-" if 1 < len(points) < 20 else "",
            markersize=10 if len(points) == 1 else 5,
            label=name,
        )
    axes.set(
        xlabel="seconds to notice a change of mood, mean",
        ylabel="share of moments right",
        title="Each way to add up, over its parameters",
    )
    axes.legend(frameon=False)
    return save_figure(figure, path)
