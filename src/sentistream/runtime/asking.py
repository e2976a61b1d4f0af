"""Work that asks networks on its way, so that several such works can be answered together.

Whatever needs a network is written as a generator: it yields what it asks and is sent the
answers. One alone is answered at once; those of several streams are answered in batches,
which costs less than one by one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentistream.types import FloatArray
from sentistream.values import ByValue


class Runnable(Protocol):
    """A network: named batches in, shape (N, outputs) out."""

    def run(self, **inputs: NDArray[Any]) -> FloatArray: ...


@dataclass(frozen=True, slots=True, eq=False)
class Ask(ByValue):
    """What a network is asked.

    Attributes:
        network: Whom.
        inputs: Its inputs by name, each of N samples.
    """

    network: Runnable
    inputs: dict[str, NDArray[Any]]


T = TypeVar("T")

Asking: TypeAlias = Generator[tuple[Ask, ...], list[FloatArray], T]
"""Yields what it asks at once, is sent one answer to each, returns its result."""


def answer(asking: Asking[T]) -> T:
    """The result of one work, its networks asked as it goes."""
    try:
        asks = next(asking)
        while True:
            asks = asking.send([ask.network.run(**ask.inputs) for ask in asks])
    except StopIteration as end:
        result: T = end.value
        return result


def answer_together(askings: Sequence[Asking[T]]) -> list[T]:
    """The results of several works, in their order.

    What they ask of one network at the same step is asked in one batch, if its shapes agree.
    """
    results: dict[int, T] = {}
    waiting: dict[int, tuple[Ask, ...]] = {}
    for number, asking in enumerate(askings):
        _go_on(number, asking, None, waiting, results)
    while waiting:
        asked = [(number, ask) for number, asks in waiting.items() for ask in asks]
        answers: dict[int, list[FloatArray]] = {number: [] for number in waiting}
        for (number, _), given in zip(asked, _in_batches([a for _, a in asked]), strict=True):
            answers[number].append(given)
        waiting = {}
        for number, given_to in answers.items():
            _go_on(number, askings[number], given_to, waiting, results)
    return [results[number] for number in range(len(askings))]


def _go_on(
    number: int,
    asking: Asking[T],
    answers: list[FloatArray] | None,
    waiting: dict[int, tuple[Ask, ...]],
    results: dict[int, T],
) -> None:
    try:
        waiting[number] = next(asking) if answers is None else asking.send(answers)
    except StopIteration as end:
        results[number] = end.value


def _in_batches(asks: Sequence[Ask]) -> list[FloatArray]:
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, ask in enumerate(asks):
        shapes = tuple((name, values.shape[1:]) for name, values in sorted(ask.inputs.items()))
        groups.setdefault((id(ask.network), shapes), []).append(place)
    answers: dict[int, FloatArray] = {}
    for places in groups.values():
        members = [asks[place] for place in places]
        network = members[0].network
        if len(members) == 1:
            answers[places[0]] = network.run(**members[0].inputs)
            continue
        joined = {
            name: np.concatenate([ask.inputs[name] for ask in members])
            for name in members[0].inputs
        }
        sizes = [len(next(iter(ask.inputs.values()))) for ask in members]
        parts = np.split(network.run(**joined), np.cumsum(sizes)[:-1])
        answers.update(zip(places, parts, strict=True))
    return [answers[place] for place in range(len(asks))]
