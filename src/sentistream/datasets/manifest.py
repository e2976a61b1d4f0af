"""A user's labelled material: a CSV of paths, labels and people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentistream.datasets.csv_lists import read_csv_list, resolve_listed_path
from sentistream.datasets.dataset import SUFFIXES, Fault, FileDataset, Sample, file_fault
from sentistream.datasets.labels import MOUTH_STATES, emotion_named, sentiment_named
from sentistream.errors import InputError
from sentistream.types import SENTIMENTS
from sentistream.values import ByValue

COLUMNS = ("path", "label", "person", "split")
"""Columns of a manifest; the last two may be missing."""

_WAY_OUT = "Its first line names the columns: path,label and, if known, person."


@dataclass(frozen=True, slots=True, eq=False)
class Item(ByValue):
    """One line of a manifest.

    Attributes:
        path: The clip, sound or image.
        label: Its class number.
        person: Who it is; empty where not known.
        source: The data set it belongs to; empty where not known.
        groups: Further columns of its line, by name: results are compared by them.
        split: Its part of the data set, such as train; empty where not known.
    """

    path: Path
    label: int
    person: str
    source: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    split: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    path: str
    file: Path
    label: str
    person: str
    split: str
    groups: dict[str, str]


def read_manifest(path: Path, classes: Sequence[str]) -> tuple[list[Item], int]:
    """The items of a manifest, and how many were left out because they are in none of the classes.

    Args:
        path: CSV with the columns ``path``, ``label`` and optionally ``person``, as a program or a
            spreadsheet writes it; any further column but ``split`` groups the items. ``source``
            names the data set; by default that is the part of the person before the last
            dash. Paths are relative to its folder, or else to the working folder. Labels are
            names of classes, or emotions.
        classes: ``SENTIMENTS`` or ``MOUTH_STATES``.

    Raises:
        InputError: It cannot be read, a column is missing, a label is unknown, or it is empty.
    """
    items: list[Item] = []
    outside = 0
    for row in _rows(path):
        label = row.label
        if tuple(classes) == SENTIMENTS:
            label = sentiment_named(label) or label
            if label not in classes and emotion_named(label):
                outside += 1
                continue
        if label not in classes:
            raise InputError(
                f"Line {row.line} of {path} has the label {row.label!r}.",
                f"Use one of: {', '.join(classes)}.",
            )
        source = row.groups.get("source") or row.person.rpartition("-")[0]
        label_number = classes.index(label)
        items.append(Item(row.file, label_number, row.person, source, row.groups, row.split))
    if not items:
        raise _empty(path)
    return items, outside


def open_manifest(path: Path) -> FileDataset:
    """A manifest's files as a data set; unusable ones become faults.

    Raises:
        InputError: It cannot be read, a column is missing, or it is empty.
    """
    samples: list[Sample] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for row in _rows(path):
        file = row.file
        medium = SUFFIXES.get(file.suffix.lower())
        fault = file_fault(file, row.path)
        if medium is None:
            fault = Fault("unreadable", row.path, "It is neither an image, a sound nor a video.")
        elif row.path in seen:
            fault = Fault("duplicate", row.path, f"Line {row.line} names it again.", (row.path,))
        seen.add(row.path)
        if fault is not None or medium is None:
            faults += [fault] if fault else []
            continue
        samples.append(
            Sample(
                name=row.path,
                medium=medium,
                path=file,
                label=row.label,
                person=row.person,
                split=row.split,
                source=path.stem,
            )
        )
        if not samples[-1].known:
            note = (
                f"Line {row.line} has the label {row.label!r}, which is no sentiment, emotion "
                f"or {' or '.join(MOUTH_STATES)}."
            )
            faults.append(Fault("unknown label", row.path, note))
    if not samples and not faults:
        raise _empty(path)
    return FileDataset("manifest", path.name, path, tuple(samples), tuple(faults))


def is_manifest(path: Path) -> bool:
    """Whether a file is a CSV with the columns ``path`` and ``label``."""
    try:
        if path.suffix.lower() != ".csv":
            return False
        listed = read_csv_list(path, COLUMNS)
        return {"path", "label"} <= set(listed.columns) and next(listed.rows(), None) is not None
    except InputError:
        return False


def _rows(path: Path) -> Iterator[_Row]:
    listed = read_csv_list(path, (*COLUMNS, "source"))
    missing = {"path", "label"} - set(listed.columns)
    if missing:
        raise InputError(
            f"The manifest {path} has no column {' or '.join(sorted(missing))}: "
            f"{listed.described}.",
            _WAY_OUT,
        )
    further = [name for name in listed.columns if name and name not in COLUMNS]
    for row in listed.rows():
        values = row.values
        if not values["path"].strip():
            raise InputError(
                f"Line {row.line} of {path} names no path.", "Name one, or take it out."
            )
        yield _Row(
            row.line,
            values["path"].strip(),
            resolve_listed_path(path, values["path"]),
            values["label"].strip().lower(),
            values.get("person", "").strip(),
            values.get("split", "").strip().lower(),
            {name: values[name].strip() for name in further},
        )


def _empty(path: Path) -> InputError:
    return InputError(f"The manifest {path} names nothing to measure on.", _WAY_OUT)
