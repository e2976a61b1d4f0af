"""Training anew for every part of a protocol, and what comes of it on people left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sentistream.datasets.manifest import Item
from sentistream.errors import DataError
from sentistream.evaluation.answers import Probabilities
from sentistream.evaluation.outcomes import Outcome
from sentistream.evaluation.protocols import Part, Protocol, load_protocol, split
from sentistream.evaluation.results import summarize
from sentistream.types import SENTIMENTS
from sentistream.values import ByValue

FitAndAnswer: TypeAlias = Callable[
    [str, Sequence[Item], Sequence[Item]], Sequence[Probabilities | None]
]
"""Name of the part, items to learn from, items to answer; probabilities of each of the latter.

None stands for no answer. The labels of the items to answer are not to be looked at.
"""


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation(ByValue):
    """What was answered in every part.

    Attributes:
        protocol: How it was split.
        items: What was split.
        parts: The splits.
        outcomes: Of each part's test items.
        classes: Names of the classes.
    """

    protocol: Protocol
    items: Sequence[Item]
    parts: list[Part]
    outcomes: list[list[Outcome]]
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
                    for key, value in summarize(outcomes, self.classes).items()
                    if key in ("n", "accuracy", "accuracy_ci95", "uar", "macro_f1", "unusable")
                },
            }
            for part, outcomes in zip(self.parts, self.outcomes, strict=True)
        ]
        return {
            **protocol_facts(self.protocol),
            "weights": "trained anew for each part",
            **summarize([outcome for part in self.outcomes for outcome in part], self.classes),
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
    fit_and_answer: FitAndAnswer,
    classes: tuple[str, ...] = SENTIMENTS,
) -> CrossValidation:
    """Retrain for every part of the protocol and measure on what was left out.

    Args:
        protocol: How to split, or its name.
        items: With people and sources named.
        fit_and_answer: Called once a part.
        classes: Names of the classes, in the order of the probabilities.

    Raises:
        DataError: A part overlaps, has nothing to learn from, or cannot be made.
        InputError: There is no protocol of that name.
        ValueError: The answers are not as many as the items asked about.
    """
    chosen = load_protocol(protocol) if isinstance(protocol, str) else protocol
    parts = list(split(chosen, items))  # all are checked before the first is trained
    for part in parts:
        if not len(part.train):
            raise DataError(
                f"There is nothing to learn from in {part.name} of {chosen.name}.",
                "Name more of the data set.",
            )
    outcomes = []
    for part in parts:
        train, test = ([items[index] for index in side] for side in (part.train, part.test))
        answers = fit_and_answer(part.name, train, test)
        if len(answers) != len(test):
            raise ValueError(f"{len(answers)} answers do not fit {len(test)} items.")
        outcomes.append([Outcome(*pair) for pair in zip(test, answers, strict=True)])
    return CrossValidation(chosen, items, parts, outcomes, classes)
