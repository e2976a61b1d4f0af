"""All the files of an evaluation: figures, predictions, plots and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentistream.errors import MissingExtraError
from sentistream.evaluation.outcomes import Outcome
from sentistream.evaluation.page import write_page
from sentistream.evaluation.plots import write_plots
from sentistream.evaluation.results import write_results


def write_report(
    folder: Path,
    title: str,
    facts: dict[str, Any],
    outcomes: Sequence[Outcome],
    notes: Sequence[str] = (),
) -> str:
    """Write ``results.json``, ``predictions.csv``, plots as PNG and ``report.html``.

    Returns:
        Why there are no plots, where there are none; empty otherwise.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_results(folder, facts, outcomes)
    missing, plots = "", []
    try:
        plots = write_plots(folder, facts)
    except MissingExtraError as error:
        missing = str(error)
    write_page(folder, title, facts, plots, notes)
    return missing
