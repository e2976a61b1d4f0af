"""The file of labels: proposals and decisions, saved after every decision."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from PIL import Image

from sentistream.atomic_write import atomic_write
from sentistream.errors import DataError, OutputError
from sentistream.training.labelling.mouth_candidates import MouthCandidate

DECISIONS = ("open", "closed", "skip", "")
"""The decisions about a mouth; an empty one undoes another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mouth and its label.

    Attributes:
        path: Its crop, relative to ``LabelFile.folder``.
        view: The larger picture, likewise.
        name: Where it was found.
        person: Empty where unknown.
        gap: As found.
        proposal: ``open``, ``closed`` or empty.
        decision: One of ``DECISIONS``.
    """

    path: str
    view: str
    name: str
    person: str
    gap: str
    proposal: str
    decision: str = ""


class LabelFile:
    """A manifest of labelled mouths, with a folder of crops beside it.

    ``mouths.csv`` has the labels, for evaluation and training; the folder ``mouths`` has crops,
    views and ``candidates.csv`` with all mouths, from which a later session continues.

    Args:
        manifest: The CSV to write.

    Raises:
        DataError: ``candidates.csv`` exists but cannot be read.
    """

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest
        self._folder = manifest.with_suffix("")
        self._candidates = self._folder / "candidates.csv"
        self._lock = threading.Lock()
        self.entries: list[Entry] = []
        if self._candidates.exists():
            self.entries = self._read()

    @property
    def folder(self) -> Path:
        """The folder that paths of entries are relative to."""
        return self._manifest.parent

    def add(self, mouths: Iterable[MouthCandidate]) -> None:
        """Adds mouths that are not in it yet.

        Raises:
            OutputError: They cannot be written.
        """
        known = {entry.name for entry in self.entries}
        try:
            for part in ("crops", "views"):
                (self._folder / part).mkdir(parents=True, exist_ok=True)
            for mouth in mouths:
                if mouth.name in known:
                    continue
                stem = hashlib.sha256(mouth.name.encode(errors="surrogateescape")).hexdigest()[:16]
                crop, view = (self._folder / part / f"{stem}.png" for part in ("crops", "views"))
                Image.fromarray(mouth.crop).save(crop)
                Image.fromarray(mouth.view).save(view)
                self.entries.append(
                    Entry(
                        crop.relative_to(self.folder).as_posix(),
                        view.relative_to(self.folder).as_posix(),
                        mouth.name,
                        mouth.person,
                        f"{mouth.gap:.4f}",
                        mouth.proposal,
                    )
                )
            self._save()
        except OSError as error:
            raise self._unwritable(error) from None

    def decide(self, number: int, decision: str) -> None:
        """Saves a decision about an entry.

        Raises:
            ValueError: There is no such entry or decision.
            OutputError: It cannot be written.
        """
        with self._lock:
            if decision not in DECISIONS or not 0 <= number < len(self.entries):
                raise ValueError(f"Entry {number} cannot be {decision!r}.")
            before = self.entries[number]
            self.entries[number] = replace(before, decision=decision)
            try:
                self._save()
            except OSError as error:
                self.entries[number] = before
                raise self._unwritable(error) from None

    def accept_proposals(self) -> None:
        """Accepts the proposals of all entries without a decision."""
        with self._lock:
            self.entries = [
                replace(entry, decision=entry.decision or entry.proposal) for entry in self.entries
            ]
            try:
                self._save()
            except OSError as error:
                raise self._unwritable(error) from None

    def _save(self) -> None:
        names = [field.name for field in fields(Entry)]
        _write(self._candidates, names, [asdict(entry) for entry in self.entries])
        decided = [
            {"path": entry.path, "label": entry.decision, "person": entry.person}
            for entry in self.entries
            if entry.decision in ("open", "closed")
        ]
        _write(self._manifest, ["path", "label", "person"], decided)

    def _read(self) -> list[Entry]:
        try:
            with self._candidates.open(newline="", encoding="utf-8") as file:
                return [Entry(**row) for row in csv.DictReader(file)]
        except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
            raise DataError(
                f"{self._candidates} cannot be read ({error}).",
                "Choose another file with --out, or remove it to start over.",
            ) from None

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._manifest} cannot be written ({error.strerror or error}).",
            "Choose another file with --out.",
        )


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    """Atomically writes a CSV file."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerows(rows)
    atomic_write(path, text.getvalue().encode("utf-8", "surrogateescape"))
