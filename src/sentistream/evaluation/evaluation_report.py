"""The files of an evaluation: figures, predictions, plots and ``report.html``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream.errors import MissingExtraError
from sentistream.evaluation.evaluation_results import write_results
from sentistream.evaluation.predictions import Prediction
from sentistream.reports.output_files import write_atomically, writing
from sentistream.reports.report_wording import COLORS
from sentistream.types import Label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INK = COLORS[Label.POSITIVE]
SECOND_INK = COLORS[Label.NEGATIVE]
QUIET = COLORS[Label.NEUTRAL]
MAX_PEOPLE = 60


def new_figure(width: float = 6.4, height: float = 4.4) -> Figure:
    """An empty figure of that size in inches, drawn without a display.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("Drawing plots", "evaluate") from error
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> Path:
    """As PNG.

    Raises:
        OutputError: It cannot be written.
    """
    with writing(path):
        figure.savefig(path, dpi=130)
    return path


def write_plots(folder: Path, facts: dict[str, Any]) -> list[Path]:
    """PNG plots of the results of ``summarize``, as far as there is data.

    Args:
        folder: Where they go; it exists.
        facts: The figures of ``results.json``.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: A file cannot be written.
    """
    drawn = {"confusion": _plot_confusion(facts)}
    if facts["reliability"]:
        drawn["reliability"] = _plot_reliability(facts)
        drawn["coverage"] = _plot_coverage(facts)
    if len(facts["per_person"]) > 1:
        drawn["people"] = _plot_people(facts)
    for name, group in facts["groups"].items():
        safe = "".join(letter if letter.isalnum() else "_" for letter in name)
        drawn[f"group_{safe}"] = _plot_group(name, group)
    return [save_figure(figure, folder / f"{name}.png") for name, figure in drawn.items()]


def _plot_confusion(facts: dict[str, Any]) -> Figure:
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    counts, columns = facts["confusion"], facts["confusion_columns"]
    columns = [name.replace("unusable", "no answer") for name in columns]
    shares = [[value / max(sum(row), 1) for value in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, values in enumerate(counts):
        for column, value in enumerate(values):
            share = shares[row][column]
            text = f"{share:.0%}\n{value}"
            color = "white" if share > 0.55 else "#1a2230"
            axes.text(column, row, text, ha="center", va="center", color=color)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(counts)), facts["classes"])
    axes.set(xlabel="answer", ylabel="truth", title=f"Confusion (n = {facts['n']})")
    return figure


def _plot_reliability(facts: dict[str, Any]) -> Figure:
    figure = new_figure(5.2, 5.0)
    axes, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    bins = facts["reliability"]
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", label="confidence is accuracy")
    axes.plot(
        [entry["confidence"] for entry in bins],
        [entry["accuracy"] for entry in bins],
        color=INK,
        marker="o",
        label="measured",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share right")
    axes.set_title(f"Reliability (calibration error {facts['ece']:.3f})")
    axes.legend(loc="upper left", frameon=False)
    below.bar(
        [(entry["from"] + entry["to"]) / 2 for entry in bins],
        [entry["n"] for entry in bins],
        width=0.09,
        color=QUIET,
    )
    below.set(xlabel="confidence of the answer", ylabel="answers")
    return figure


def _plot_coverage(facts: dict[str, Any]) -> Figure:
    figure = new_figure()
    axes = figure.subplots()
    points = facts["coverage"]
    axes.plot(
        [point["coverage"] for point in points],
        [point["accuracy"] for point in points],
        color=INK,
        marker="o",
        label="measured",
    )
    point = facts.get("operating_point")
    if point and point["accuracy"] is not None:
        axes.plot(
            point["coverage"],
            point["accuracy"],
            color=SECOND_INK,
            marker="D",
            linestyle="",
            label=f"confidence of {point['confidence']:.0%} and more: what the product is sure of",
        )
    if points:
        whole = points[-1]["accuracy"]
        axes.axhline(whole, color=QUIET, linestyle="--", label="all answers, in any order")
    axes.legend(loc="lower left", frameon=False)
    axes.set(
        xlim=(0, 1.02),
        ylim=(0, 1.02),
        xlabel="share answered, the most confident first",
        ylabel="share of those right",
        title="Accuracy against coverage (area under the risk-coverage curve "
        f"{facts['coverage_area']:.3f})",
    )
    return figure


def _plot_people(facts: dict[str, Any]) -> Figure:
    people = sorted(facts["per_person"].items(), key=lambda entry: entry[1]["accuracy"])
    shown = people[:: max(1, -(-len(people) // MAX_PEOPLE))]
    title = "Accuracy by person"
    if len(shown) < len(people):
        title += f" ({len(shown)} of {len(people)}, evenly from least to most)"
    figure = new_figure(6.4, 1.4 + 0.26 * len(shown))
    axes = figure.subplots()
    _intervals(axes, shown)
    axes.axvline(facts["accuracy"], color=QUIET, linestyle="--")
    axes.set_title(title)
    return figure


def _plot_group(name: str, group: dict[str, Any]) -> Figure:
    values = list(group["values"].items())
    figure = new_figure(6.4, 1.4 + 0.32 * len(values))
    axes = figure.subplots()
    _intervals(axes, values[::-1])
    axes.set_title(f"Accuracy by {name}")
    return figure


def _intervals(axes: Axes, entries: list[tuple[str, dict[str, Any]]]) -> None:
    """A line per entry: its accuracy and Wilson interval."""
    for row, (_, entry) in enumerate(entries):
        low, high = entry["accuracy_ci95"]
        axes.plot([low, high], [row, row], color=INK, linewidth=2, solid_capstyle="round")
        axes.plot(entry["accuracy"], row, color=INK, marker="o")
    axes.set_yticks(range(len(entries)), [f"{name} (n = {entry['n']})" for name, entry in entries])
    axes.set(xlim=(0, 1.02), xlabel="share right, with 95 % interval")
    axes.margins(y=0.6 / max(len(entries), 1))


def write_report(
    folder: Path,
    title: str,
    facts: dict[str, Any],
    predictions: Sequence[Prediction],
    notes: Sequence[str] = (),
) -> str:
    """Write ``results.json``, ``predictions.csv``, plots as PNG and ``report.html``.

    Returns:
        Why there are no plots, if there are none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_results(folder, facts, predictions)
    missing, plots = "", []
    try:
        plots = write_plots(folder, facts)
    except MissingExtraError as error:
        missing = str(error)
    write_page(folder, title, facts, plots, notes)
    return missing


def write_page(
    folder: Path,
    title: str,
    facts: dict[str, Any],
    plots: Sequence[Path],
    notes: Sequence[str],
    *,
    template: str = "results.html.j2",
) -> Path:
    """Write ``report.html``.

    Args:
        folder: Where it goes; it exists.
        title: What was measured.
        facts: The template's data: the figures of ``results.json``, or ``tables``.
        plots: PNG files to show.
        notes: Caveats for the reader.
        template: The template's name.

    Raises:
        OutputError: It cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("sentistream.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{share:.1%}"
    pictures = [
        (path.stem.replace("_", " "), base64.b64encode(path.read_bytes()).decode("ascii"))
        for path in plots
    ]
    page = environment.get_template(template).render(
        title=title, facts=facts, pictures=pictures, notes=notes
    )
    path = folder / "report.html"
    write_atomically(path, page)
    return path
