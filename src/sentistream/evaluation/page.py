"""``report.html`` of an evaluation: its figures and plots on one self-contained page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream.reports.files import write_atomically


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
        facts: What the template shows: the figures of ``results.json``, or ``tables``.
        plots: PNG files to show.
        notes: What a reader has to know before believing the figures.
        template: What lays it out.

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
