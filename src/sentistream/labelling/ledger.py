"""What was proposed and what people decided, on disk after every decision."""

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
from sentistream.labelling.mouths import FoundMouth

DECISIONS = ("open", "closed", "skip", "")
"""What can be said of a mouth; nothing takes back what was said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mouth in the ledger.

    Attributes:
        path: Its crop, relative to the ledger's folder.
        view: The larger picture, likewise.
        name: Where it was found.
        person: Empty where not known.
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


class Ledger:
    """The manifest of decided mouths, and beside it a folder with crops and everything else.

    ``mouths.csv`` holds what is decided and can be evaluated and trained with; the folder
    ``mouths`` holds crops, views and ``candidates.csv`` with all mouths, from which a later
    run goes on.

    Args:
        manifest: The CSV to write.

    Raises:
        DataError: ``candidates.csv`` is there but cannot be read.
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
        """Where paths of entries start."""
        return self._manifest.parent

    def add(self, mouths: Iterable[FoundMouth]) -> None:
        """Takes in mouths that are not in it yet.

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
        """Writes down what somebody says of an entry.

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
        """Decides as proposed wherever nothing was decided."""
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
                "Name another file with --out, or remove it to begin again.",
            ) from None

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._manifest} cannot be written ({error.strerror or error}).",
            "Name another file with --out.",
        )


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    """Atomically writes a CSV file."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerows(rows)
    atomic_write(path, text.getvalue().encode("utf-8", "surrogateescape"))
