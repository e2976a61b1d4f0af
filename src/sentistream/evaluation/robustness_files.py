"""The robustness table as JSON, CSV, Markdown and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentistream.errors import MissingExtraError, OutputError
from sentistream.evaluation.plots import INK, QUIET, SECOND_INK, new_figure, save_figure
from sentistream.evaluation.tables import csv_table, markdown_table
from sentistream.reports.files import write_atomically

MEASURES = {
    "face_kept": "face still found",
    "mouth_agreement": "same mouth state",
    "moment_agreement": "same momentary class",
    "accuracy": "clips right",
}
"""What the plot shows, and how it is called."""

COLUMNS = (
    "kind",
    "level",
    "clips",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "uar",
    "unusable",
    "clip_agreement",
    "moments",
    "face_found",
    "face_kept",
    "mouth_agreement",
    "moment_agreement",
    "moments_compared",
)


def write_robustness(folder: Path, facts: dict[str, Any]) -> str:
    """``robustness.json``, ``.csv``, ``.md`` and, with matplotlib, ``.png``.

    Args:
        folder: Where they go.
        facts: What was measured, with the list ``rows`` of ``Row.facts``.

    Returns:
        Why there is no plot, if there is none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot write {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from None
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / "robustness.json", text)
    write_atomically(
        folder / "robustness.csv", csv_table([_with_ends(row) for row in facts["rows"]], COLUMNS)
    )
    write_atomically(folder / "robustness.md", markdown(facts["rows"]))
    try:
        _plot(folder / "robustness.png", facts["rows"])
    except MissingExtraError as error:
        return str(error)
    return ""


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table for reading."""
    heads = ("condition", "clips", "right (95 %)", "average recall", *list(MEASURES.values())[:3])
    cells = []
    for row in rows:
        right = recall = "not measured"
        if row["clips"]:
            low, high = row["accuracy_ci95"]
            right = f"{row['accuracy']:.1%} ({low:.1%} to {high:.1%})"
            recall = f"{row['uar']:.1%}"
        shares = [_percent(row[name]) for name in list(MEASURES)[:3]]
        cells.append((_name(row), str(row["clips"]), right, recall, *shares))
    return markdown_table(heads, cells) + "\n"


def _name(row: dict[str, Any]) -> str:
    return f"{row['kind']}, {row['level']}" if row["level"] else str(row["kind"])


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share:.1%}"


def _with_ends(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row.get("accuracy_ci95", ("", ""))
    return {**row, "accuracy_low": low, "accuracy_high": high}


def _plot(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["clips"]][::-1]
    figure = new_figure(11, 1.6 + 0.3 * len(shown))
    columns = figure.subplots(1, len(MEASURES), sharey=True)
    for axes, (name, title) in zip(columns, MEASURES.items(), strict=True):
        for place, row in enumerate(shown):
            if row[name] is None:
                continue
            axes.barh(place, row[name], color=INK if row["level"] else QUIET, height=0.7)
            if name == "accuracy":
                axes.plot(row["accuracy_ci95"], [place, place], color=SECOND_INK, linewidth=2)
        axes.set(xlim=(0, 1.02), title=title)
        axes.set_xticks((0, 0.5, 1), ("0", "50 %", "100 %"))
        axes.grid(axis="x", alpha=0.3)
    columns[0].set_yticks(range(len(shown)), [_name(row) for row in shown])
    save_figure(figure, path)
