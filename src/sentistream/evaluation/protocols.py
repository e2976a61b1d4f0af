"""Who is learned from and who is measured on: frozen splits, published with the package.

The files are in ``splits``. A split in which a person stands on both sides is refused, unless
the protocol is the one that says so of itself (``person_overlapping``).
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.manifest import Item
from sentistream.errors import DataError, InputError
from sentistream.values import ByValue

PROTOCOLS = ("held-out", "speaker-folds", "leave-one-speaker-out", "leave-one-corpus-out", "paper")


@dataclass(frozen=True, slots=True, eq=False)
class Protocol(ByValue):
    """A way to split, as its file has it.

    Attributes:
        name: What users call it.
        title: For headings.
        note: What a reader of its figures has to know.
        person_overlapping: Whether people are on both sides; such figures flatter.
        content: The whole file.
    """

    name: str
    title: str
    note: str
    person_overlapping: bool
    content: dict[str, Any]

    @property
    def heading(self) -> str:
        """The title, with the warning wherever people overlap."""
        return f"{self.title} (PERSON-OVERLAPPING)" if self.person_overlapping else self.title


@dataclass(frozen=True, slots=True, eq=False)
class Part(ByValue):
    """One split of the items.

    Attributes:
        name: Such as ``fold-1`` or ``java-sed-03``.
        train, test: Positions of items, rising.
    """

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def load_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        InputError: There is none.
    """
    if name not in PROTOCOLS:
        raise InputError(
            f"There is no protocol {name!r}.", f"Choose one of: {', '.join(PROTOCOLS)}."
        )
    file = importlib.resources.files("sentistream.evaluation") / "splits" / f"{name}.json"
    content = json.loads(file.read_text("utf-8"))
    return Protocol(
        name=name,
        title=content["title"],
        note=content["note"],
        person_overlapping=content["person_overlapping"],
        content=content,
    )


def split(protocol: Protocol, items: Sequence[Item]) -> Iterator[Part]:
    """The parts of the protocol that there is something to be measured on, each checked.

    Args:
        protocol: How to split.
        items: With their people and sources named.

    Raises:
        DataError: People are not named, a person unknown to the protocol belongs to its data
            set, there is nothing to measure on, or a part overlaps.
    """
    found = False
    for part in _SPLITS[protocol.content["kind"]](protocol, items):
        if len(part.test):
            refuse_overlap(protocol, items, part)
            found = True
            yield part
    if not found:
        raise DataError(
            f"The protocol {protocol.name} finds nothing to measure on among {len(items)} items.",
            "Name the folder of the data set it is made for.",
        )


def refuse_overlap(protocol: Protocol, items: Sequence[Item], part: Part) -> None:
    """Makes sure that no file, and no person unless the protocol says so, is on both sides.

    Raises:
        DataError: One is.
    """
    train, test = ([items[index] for index in side] for side in (part.train, part.test))
    files = {item.path.resolve() for item in train} & {item.path.resolve() for item in test}
    if files:
        raise DataError(
            f"{len(files)} files stand on both sides of {part.name}, {min(files)} among them.",
            "Name every file once.",
        )
    people = ({item.person for item in train} & {item.person for item in test}) - {""}
    if people and not protocol.person_overlapping:
        some = ", ".join(sorted(people)[:5])
        raise DataError(
            f"{len(people)} people stand on both sides of {part.name}: {some}.", "Split by person."
        )


def _part(name: str, train: Sequence[bool], test: Sequence[bool]) -> Part:
    return Part(name, np.flatnonzero(train), np.flatnonzero(test))


def _held_out(protocol: Protocol, items: Sequence[Item]) -> Iterator[Part]:
    _refuse_unnamed(protocol, items)
    test = [item.person in HELD_OUT_PEOPLE for item in items]
    yield _part("held out", [not inside for inside in test], test)


def _folds(protocol: Protocol, items: Sequence[Item]) -> Iterator[Part]:
    """Each fold's people are measured on; other data sets are always learned from."""
    _refuse_unnamed(protocol, items)
    folds = protocol.content["folds"]
    listed = {person for people in folds.values() for person in people}
    for item in items:
        if item.source in protocol.content["corpora"] and item.person not in listed:
            raise DataError(
                f"{item.person!r} of {item.path} stands in no fold of {protocol.name}.",
                f"People are named such as {min(listed)}.",
            )
    for name, people in folds.items():
        test = [item.person in people for item in items]
        yield _part(name, [not inside for inside in test], test)


def _leave_one_out(protocol: Protocol, items: Sequence[Item]) -> Iterator[Part]:
    by = protocol.content["by"]
    if by == "person":
        _refuse_unnamed(protocol, items)
    values = [item.person if by == "person" else item.source for item in items]
    if "" in values:
        raise DataError(
            f"{items[values.index('')].path} does not say which data set it is from.",
            "Add the column source.",
        )
    if len(set(values)) < 2:
        raise DataError(
            f"The protocol {protocol.name} needs at least two, there is only "
            f"{', '.join(set(values)) or 'nothing'}.",
            "Name a folder or manifest with more.",
        )
    for value in sorted(set(values)):
        test = [other == value for other in values]
        yield _part(value, [not inside for inside in test], test)


def _listed(protocol: Protocol, items: Sequence[Item]) -> Iterator[Part]:
    """The recordings listed are measured on; other recordings of the people listed learned from.

    A recording is known by the last five fields of a RAVDESS name, whatever its modality.
    """
    content = protocol.content
    recordings, people = set(content["test_recordings"]), set(content["train_people"])
    in_corpus = [item.source in content["corpora"] for item in items]
    tested = [recording_of(item) in recordings for item in items]
    yield _part(
        "test",
        [
            inside and not test and item.person in people
            for item, inside, test in zip(items, in_corpus, tested, strict=True)
        ],
        [inside and test for inside, test in zip(in_corpus, tested, strict=True)],
    )


def recording_of(item: Item) -> str:
    """Emotion, intensity, statement, repetition and actor of a RAVDESS file, such as
    ``03-01-02-02-23``, by its name."""
    return "-".join(item.path.stem.split("-")[2:])


def _refuse_unnamed(protocol: Protocol, items: Sequence[Item]) -> None:
    for item in items:
        if not item.person:
            raise DataError(
                f"{item.path} does not say who it is of, which {protocol.name} needs.",
                "Name the people in the column person.",
            )


_SPLITS: dict[str, Callable[[Protocol, Sequence[Item]], Iterator[Part]]] = {
    "held-out": _held_out,
    "folds": _folds,
    "leave-one-out": _leave_one_out,
    "listed": _listed,
}
