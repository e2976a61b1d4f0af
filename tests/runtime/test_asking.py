from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sentistream.runtime.asking import Ask, Asking, answer, answer_together
from sentistream.types import FloatArray


class Doubling:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        (values,) = inputs.values()
        self.sizes.append(len(values))
        return np.asarray(2 * values.reshape(len(values), -1), dtype=np.float32)


def work(network: Doubling, start: float, steps: int, width: int = 1) -> Asking[list[float]]:
    values, seen = np.full((1, width), start), []
    for _ in range(steps):
        (values,) = yield (Ask(network, {"value": values}),)
        seen.append(float(values[0, 0]))
    return seen


def test_one_work_is_answered_at_each_step() -> None:
    assert answer(work(Doubling(), 1, 3)) == [2, 4, 8]


def test_several_works_share_batches_and_get_their_own_answers() -> None:
    network = Doubling()
    works = [work(network, 1, 3), work(network, 5, 1), work(network, 7, 2), work(network, 9, 0)]
    assert answer_together(works) == [[2, 4, 8], [10], [14, 28], []]
    assert network.sizes == [3, 2, 1]


def test_inputs_of_another_shape_or_network_are_asked_apart() -> None:
    one, other = Doubling(), Doubling()
    answer_together([work(one, 1, 1), work(one, 1, 1, width=2), work(other, 1, 1)])
    assert one.sizes == [1, 1]
    assert other.sizes == [1]


def test_several_asks_of_one_step_come_back_in_their_order() -> None:
    def both(network: Doubling) -> Asking[tuple[float, float]]:
        first, second = yield (
            Ask(network, {"value": np.ones((2, 1))}),
            Ask(network, {"value": np.full((1, 1), 4.0)}),
        )
        return float(first.sum()), float(second[0, 0])

    network = Doubling()
    assert answer_together([both(network), both(network)]) == [(4, 8), (4, 8)]
    assert network.sizes == [6]


def test_what_a_network_raises_is_raised() -> None:
    class Broken:
        def run(self, **_: NDArray[Any]) -> FloatArray:
            raise ValueError("broken")

    def ask() -> Asking[None]:
        yield (Ask(Broken(), {}),)

    with pytest.raises(ValueError, match="broken"):
        answer(ask())
