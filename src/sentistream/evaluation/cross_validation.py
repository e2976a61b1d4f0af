"""Frozen train/test splits, published with the package, and evaluation on them.

The files are in ``splits``. A split with a person on both sides is rejected, unless the protocol
declares it (``person_overlapping``).
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.manifest import Item
from sentistream.errors import DataError, InputError
from sentistream.evaluation.evaluation_results import summarize_predictions
from sentistream.evaluation.predictions import Prediction, accuracy_facts
from sentistream.evaluation.predictors import Probabilities, trained_on
from sentistream.runtime.model_card import ModelCard
from sentistream.types import SENTIMENTS
from sentistream.values import ByValue

PROTOCOLS = ("held-out", "speaker-folds", "leave-one-speaker-out", "leave-one-corpus-out", "paper")


@dataclass(frozen=True, slots=True, eq=False)
class Protocol(ByValue):
    """A protocol, from its file.

    Attributes:
        name: Its name for users.
        title: For headings.
        note: A note for readers of its figures.
        person_overlapping: Whether people are on both sides, which flatters the figures.
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
class ProtocolSplit(ByValue):
    """One split of the items.

    Attributes:
        name: Such as ``fold-1`` or ``java-sed-03``.
        train, test: Indices of items, ascending.
    """

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def load_protocol(name: str) -> Protocol:
    """The protocol with that name.

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


def protocol_splits(protocol: Protocol, items: Sequence[Item]) -> Iterator[ProtocolSplit]:
    """The parts of the protocol that have test items, each checked.

    Args:
        protocol: How to split.
        items: With their people and sources named.

    Raises:
        DataError: People are not named, a person unknown to the protocol belongs to its data
            set, there are no test items, or a part overlaps.
    """
    found = False
    for part in _SPLITS[protocol.content["kind"]](protocol, items):
        if len(part.test):
            check_no_overlap(protocol, items, part)
            found = True
            yield part
    if not found:
        raise DataError(
            f"The protocol {protocol.name} finds nothing to measure on among {len(items)} items.",
            "Name the folder of the data set it is made for.",
        )


def check_no_overlap(protocol: Protocol, items: Sequence[Item], part: ProtocolSplit) -> None:
    """Checks that no file, and no person unless the protocol allows it, is on both sides.

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


def _part(name: str, train: Sequence[bool], test: Sequence[bool]) -> ProtocolSplit:
    return ProtocolSplit(name, np.flatnonzero(train), np.flatnonzero(test))


def _held_out(protocol: Protocol, items: Sequence[Item]) -> Iterator[ProtocolSplit]:
    _require_people(protocol, items)
    test = [item.person in HELD_OUT_PEOPLE for item in items]
    yield _part("held out", [not inside for inside in test], test)


def _folds(protocol: Protocol, items: Sequence[Item]) -> Iterator[ProtocolSplit]:
    """Tests on each fold's people; other data sets are always for training."""
    _require_people(protocol, items)
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


def _leave_one_out(protocol: Protocol, items: Sequence[Item]) -> Iterator[ProtocolSplit]:
    by = protocol.content["by"]
    if by == "person":
        _require_people(protocol, items)
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


def _listed(protocol: Protocol, items: Sequence[Item]) -> Iterator[ProtocolSplit]:
    """Tests on the listed recordings; trains on other recordings of the listed people.

    A recording is identified by the last five fields of a RAVDESS name, whatever its modality.
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


def _require_people(protocol: Protocol, items: Sequence[Item]) -> None:
    for item in items:
        if not item.person:
            raise DataError(
                f"{item.path} does not say who it is of, which {protocol.name} needs.",
                "Name the people in the column person.",
            )


_SPLITS: dict[str, Callable[[Protocol, Sequence[Item]], Iterator[ProtocolSplit]]] = {
    "held-out": _held_out,
    "folds": _folds,
    "leave-one-out": _leave_one_out,
    "listed": _listed,
}


FitAndPredict: TypeAlias = Callable[
    [str, Sequence[Item], Sequence[Item]], Sequence[Probabilities | None]
]
"""Takes the part's name, training items and test items; returns probabilities for the latter.

None stands for no answer. The labels of the test items must not be used.
"""


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation(ByValue):
    """The answers of every part.

    Attributes:
        protocol: How it was split.
        items: What was split.
        parts: The splits.
        predictions: Of each part's test items.
        classes: Names of the classes.
    """

    protocol: Protocol
    items: Sequence[Item]
    parts: list[ProtocolSplit]
    predictions: list[list[Prediction]]
    classes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Figures over all parts together, and of each, for ``results.json``."""
        parts = [
            {
                "name": part.name,
                "train": len(part.train),
                "train_people": sorted({self.items[index].person for index in part.train} - {""}),
                "people": sorted({self.items[index].person for index in part.test} - {""}),
                **{
                    key: value
                    for key, value in summarize_predictions(predictions, self.classes).items()
                    if key in ("n", "accuracy", "accuracy_ci95", "uar", "macro_f1", "unusable")
                },
            }
            for part, predictions in zip(self.parts, self.predictions, strict=True)
        ]
        return {
            **protocol_facts(self.protocol),
            "weights": "retrained for each part",
            **summarize_predictions(
                [prediction for part in self.predictions for prediction in part], self.classes
            ),
            "parts": parts,
            "over_parts": {
                key: {
                    "mean": round(float(np.mean([part[key] for part in parts])), 4),
                    "standard_deviation": round(float(np.std([part[key] for part in parts])), 4),
                }
                for key in ("accuracy", "uar")
            },
        }


def protocol_facts(protocol: Protocol) -> dict[str, Any]:
    """What results say of the protocol they come from."""
    return {
        "protocol": protocol.name,
        "protocol_title": protocol.heading,
        "protocol_version": protocol.content["version"],
        "person_overlapping": protocol.person_overlapping,
        "protocol_note": protocol.note,
    }


def cross_validate(
    protocol: Protocol | str,
    items: Sequence[Item],
    fit_and_predict: FitAndPredict,
    classes: tuple[str, ...] = SENTIMENTS,
) -> CrossValidation:
    """Retrain for every part of the protocol and measure on the rest.

    Args:
        protocol: How to split, or its name.
        items: With people and sources named.
        fit_and_answer: Called once per part.
        classes: Names of the classes, in the order of the probabilities.

    Raises:
        DataError: A part overlaps, has no training items, or cannot be made.
        InputError: There is no protocol with that name.
        ValueError: The number of predictions differs from the number of items.
    """
    chosen = load_protocol(protocol) if isinstance(protocol, str) else protocol
    parts = list(protocol_splits(chosen, items))  # all are checked before the first is trained
    for part in parts:
        if not len(part.train):
            raise DataError(
                f"There is nothing to learn from in {part.name} of {chosen.name}.",
                "Name more of the data set.",
            )
    predictions = []
    for part in parts:
        train, test = ([items[index] for index in side] for side in (part.train, part.test))
        answers = fit_and_predict(part.name, train, test)
        if len(answers) != len(test):
            raise ValueError(f"{len(answers)} answers do not fit {len(test)} items.")
        predictions.append([Prediction(*pair) for pair in zip(test, answers, strict=True)])
    return CrossValidation(chosen, items, parts, predictions, classes)


NEVER, LEARNED = "never learned from", "learned from"

CAUTION = (
    "These are the shipped networks, trained once; nothing was retrained for the parts. "
    "Figures on people they learned from do not say how they do on others."
)


def held_out_items(
    items: Sequence[Item], parts: Sequence[ProtocolSplit], cards: Sequence[ModelCard]
) -> list[Item]:
    """The test items of all parts, grouped by ``part`` and by ``people``: trained on or not."""
    chosen = []
    for part in parts:
        for index in part.test:
            item = items[index]
            seen = trained_on(item.person, item.source, list(cards))
            groups = {**item.groups, "part": part.name, "people": LEARNED if seen else NEVER}
            chosen.append(replace(item, groups=groups))
    return chosen


def shipped_results(
    protocol: Protocol,
    predictions: Sequence[Prediction],
    classes: tuple[str, ...],
    threshold: float | None = None,
) -> dict[str, Any]:
    """Figures for ``results.json``.

    Those at the top are for people never trained on, if there are any; ``on`` says for whom they
    are. ``learned`` has those for the people trained on.
    ``threshold`` is the confidence from which the profile is sure, None if it sets none.
    """
    never = [entry for entry in predictions if entry.item.groups["people"] == NEVER]
    learned = [entry for entry in predictions if entry.item.groups["people"] == LEARNED]
    parts: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        parts.setdefault(prediction.item.groups["part"], []).append(prediction)
    return {
        **protocol_facts(protocol),
        "weights": "as shipped, not retrained for the parts",
        "on": f"people {NEVER}" if never else f"people {LEARNED}",
        **summarize_predictions(never or learned, classes, threshold),
        "learned": summarize_predictions(learned, classes, threshold)
        if never and learned
        else None,
        "parts": [_of_part(name, members) for name, members in parts.items()],
    }


def _of_part(name: str, members: Sequence[Prediction]) -> dict[str, Any]:
    """A part's figures, separated by whom the networks were trained on."""
    facts: dict[str, Any] = {"name": name, "n": len(members)}
    for key, value in (("never_learned_from", NEVER), ("learned_from", LEARNED)):
        chosen = [entry for entry in members if entry.item.groups["people"] == value]
        people = sorted({entry.item.person for entry in chosen} - {""})
        facts[key] = {"people": people, **accuracy_facts(chosen)} if chosen else None
    return facts
