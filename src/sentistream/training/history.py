"""A run's history as a table beside its checkpoint."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from sentistream.training.files import replace_file
from sentistream.training.observers import Observer


class HistoryFile(Observer):
    """Keeps ``history.csv`` of the run in ``folder`` up to date: one row an epoch."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.csv"

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(history[-1]), restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(history)
        replace_file(self._path, text.getvalue().encode())
