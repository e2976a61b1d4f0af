from __future__ import annotations

import numpy as np
import pytest

from sentistream.decision.expressions import EXPRESSION_INTERVAL, Expressions
from sentistream.types import FloatArray, UInt8Array
from stub_networks import StubNetwork


class Brighter(StubNetwork):
    """Returns positive for brightness on the left, negative for brightness on the right."""

    def run(self, **inputs: UInt8Array) -> FloatArray:
        self.calls.append(inputs)
        left = inputs["face"][:, :, :24].mean(axis=(1, 2, 3)) > inputs["face"].mean(axis=(1, 2, 3))
        return np.where(left[:, None], (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)).astype(np.float32)


def views(count: int) -> UInt8Array:
    pictures = np.zeros((count, 48, 48, 1), np.uint8)
    pictures[:, :, :24] = 200
    return pictures


def probabilities(expressions: Expressions, tracks: list[int], time: float = 0.0) -> FloatArray:
    expressions.update(tracks, views(len(tracks)), time)
    return expressions.of(tracks)


def test_first_look_uses_both_orientations_and_later_ones_alternate() -> None:
    network = Brighter()
    expressions = Expressions(network)
    for _ in range(4):
        answer = probabilities(expressions, [7])
        assert answer[0] == pytest.approx([0.4249, 0.1502, 0.4249], abs=0.01)
    sizes = [len(call["face"]) for call in network.calls]
    assert sizes == [2, 1, 1, 1]
    lefts = [bool(call["face"][0, 0, 0, 0]) for call in network.calls[1:]]
    assert lefts == [True, False, True]


def test_new_face_is_shown_both_ways_beside_a_known_one() -> None:
    network = Brighter()
    expressions = Expressions(network)
    probabilities(expressions, [1])
    assert probabilities(expressions, [1, 2]).shape == (2, 3)
    assert len(network.calls[-1]["face"]) == 3
    probabilities(expressions, [2])
    probabilities(expressions, [1, 2])
    assert len(network.calls[-1]["face"]) == 3  # a returning track is new again


def test_known_face_rests_between_looks_and_a_new_one_does_not() -> None:
    expressions = Expressions(StubNetwork((0.2, 0.5, 0.3)))
    assert expressions.is_due(1, 0.0)
    probabilities(expressions, [1], time=0.0)
    assert not expressions.is_due(1, 1 / 30)
    assert expressions.is_due(1, 2 / 30)
    assert expressions.is_due(1, EXPRESSION_INTERVAL)
    assert expressions.is_due(2, 1 / 30)


def test_answers_accumulate_and_no_class_is_ruled_out() -> None:
    expressions = Expressions(StubNetwork((1.0, 0.0, 0.0)))
    answer = probabilities(expressions, [1])
    assert answer.sum() == pytest.approx(1)
    assert answer[0, 1] > 0
