"""Items asked about, and what was said of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.manifest import Item
from sentistream.errors import skip_failures
from sentistream.evaluation.answers import Answer, Probabilities
from sentistream.evaluation.metrics import wilson_interval
from sentistream.types import ON_A_TIE, SENTIMENTS
from sentistream.values import ByValue


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(ByValue):
    """One item and what was said of it.

    Attributes:
        item: What was asked.
        probabilities: Of the classes; None where there was no usable face or voice.
        problem: Why the file could not be read; empty otherwise.
        unknown: Whether the answer was withheld (``unknown``) though there are probabilities.
        sure: Whether the answer is sure enough for the profile; None where it sets no bar.
    """

    item: Item
    probabilities: Probabilities | None
    problem: str = ""
    unknown: bool = False
    sure: bool | None = None

    @property
    def answer(self) -> int | None:
        """The most probable class; None without an answer."""
        if self.probabilities is None or self.unknown:
            return None
        if len(self.probabilities) == len(SENTIMENTS):
            order = [SENTIMENTS.index(label.value) for label in ON_A_TIE]
            return max(order, key=self.probabilities.__getitem__)
        return int(self.probabilities.argmax())

    @property
    def correct(self) -> bool:
        """Whether the answer is right; no answer is wrong."""
        return self.answer == self.item.label


def ask(
    items: Iterable[Item],
    answer: Answer,
    *,
    withholds: Callable[[Probabilities], bool] = lambda _: False,
    is_sure: Callable[[Probabilities], bool] | None = None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """What ``answer`` says of each item; one that cannot be read has no answer.

    Args:
        items: What to ask about, in order.
        answer: Whom to ask.
        withholds: Whether probabilities are too unsure for an answer other than ``unknown``.
        is_sure: Whether probabilities are sure enough for the profile; None if it sets no bar.
        on_problem: Told why an item cannot be read.
    """
    outcomes = []
    for item in items:
        said: Probabilities | None = None
        problems: list[str] = []
        with skip_failures(item.path, problems.append):
            said = answer(item.path)
        for problem in problems:
            outcomes.append(Outcome(item, None, problem))
            on_problem(problem)
        if not problems:
            unknown = said is not None and withholds(said)
            sure = None if said is None or is_sure is None else is_sure(said)
            outcomes.append(Outcome(item, said, unknown=unknown, sure=sure))
    return outcomes


def class_numbers(
    outcomes: Sequence[Outcome], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Truth and answers, each of shape (N,); no answer is the number ``classes``."""
    truth = np.array([outcome.item.label for outcome in outcomes], np.int64)
    answers = np.array(
        [classes if outcome.answer is None else outcome.answer for outcome in outcomes], np.int64
    )
    return truth, answers


def share_right(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """``n``, ``accuracy`` and its Wilson interval, for JSON.

    Raises:
        ValueError: There are none.
    """
    if not outcomes:
        raise ValueError("Nothing was measured.")
    correct = sum(outcome.correct for outcome in outcomes)
    interval = wilson_interval(correct, len(outcomes))
    return {
        "n": len(outcomes),
        "accuracy": round(correct / len(outcomes), 4),
        "accuracy_ci95": [round(value, 4) for value in interval],
    }
