"""A user's labelled material: a CSV of paths, labels and people."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentistream.datasets.labels import SENTIMENT_OF_EMOTION
from sentistream.errors import InputError
from sentistream.types import SENTIMENTS

MOUTH_STATES = ("closed", "open")
"""Classes of the mouth task, in the order of their numbers."""

OUTSIDE = frozenset({"surprised", "surprise", "fearful", "fear", "disgust", "disgusted"})
"""Emotions that the three-class task leaves out."""

_OWN_COLUMNS = frozenset({"path", "label", "person"})
_COLUMNS = "Its first line names the columns: path,label and, if known, person."


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a manifest.

    Attributes:
        path: The clip, sound or image.
        label: Its class number.
        person: Who it is; empty where not known.
        source: The data set it belongs to; empty where not known.
        groups: Further columns of its line, by name: what answers are compared by.
    """

    path: Path
    label: int
    person: str
    source: str = ""
    groups: dict[str, str] = field(default_factory=dict)


def read_manifest(path: Path, classes: Sequence[str]) -> tuple[list[Item], int]:
    """The items of a manifest, and how many were left out as outside the three classes.

    Args:
        path: CSV with the columns ``path``, ``label`` and optionally ``person``; any further
            column groups the items. ``source`` names the data set; without it that is what
            stands before the last dash of the person. Paths are relative to its folder.
            Labels are names of classes, or emotions.
        classes: ``SENTIMENTS`` or ``MOUTH_STATES``.

    Raises:
        InputError: It cannot be read, a column is missing, a label is unknown, or it is empty.
    """
    items: list[Item] = []
    outside = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = {"path", "label"} - set(rows.fieldnames or ())
            if missing:
                raise InputError(
                    f"The manifest {path} has no column {' or '.join(sorted(missing))}.", _COLUMNS
                )
            for row in rows:
                label = (row["label"] or "").strip().lower()
                if tuple(classes) == SENTIMENTS:
                    label = SENTIMENT_OF_EMOTION.get(label, label)
                    if label in OUTSIDE:
                        outside += 1
                        continue
                if label not in classes:
                    raise InputError(
                        f"Line {rows.line_num} of {path} has the label {label!r}.",
                        f"Use one of: {', '.join(classes)}.",
                    )
                person = (row.get("person") or "").strip()
                groups = {
                    name: (row[name] or "").strip()
                    for name in rows.fieldnames or ()
                    if name and name not in _OWN_COLUMNS
                }
                file_path = path.parent / (row["path"] or "")
                source = groups.get("source") or person.rpartition("-")[0]
                items.append(Item(file_path, classes.index(label), person, source, groups))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The manifest {path} cannot be read ({error}).", _COLUMNS) from None
    if not items:
        raise InputError(f"The manifest {path} names nothing to measure on.", _COLUMNS)
    return items, outside
