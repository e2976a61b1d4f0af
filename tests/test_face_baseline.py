"""A face's baseline is subtracted in part, and forgotten with its track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentistream.decision.face_baseline import HORIZON, KNOWN_AFTER, STRENGTH, FaceBaseline
from sentistream.types import FloatArray
from stub_networks import make_face
from test_lite_decision import BY_FACE, Harness

SPAN = 3.0


def known(probabilities: FloatArray, seconds: float) -> FaceBaseline:
    baseline = FaceBaseline(SPAN)
    for step in range(round((seconds + SPAN) / 0.24) + 1):
        baseline.take(probabilities, step * 0.24)
    return baseline


@st.composite
def distributions(draw: st.DrawFn) -> FloatArray:
    values = np.array(draw(st.tuples(*[st.floats(0.02, 1.0)] * 3)), np.float32)
    return np.asarray(values / values.sum(), dtype=np.float32)


@given(distributions(), distributions(), st.floats(0.5, 400.0))
def test_shrunk_share_of_the_baseline_is_subtracted(
    usual: FloatArray, now: FloatArray, seconds: float
) -> None:
    relative = known(usual, seconds).relative(now)
    duration = min(HORIZON, seconds)
    share = STRENGTH * duration / (duration + KNOWN_AFTER)
    expected = now / usual**share
    assert relative == pytest.approx(expected / expected.sum(), rel=0.05)


@given(distributions())
def test_lasting_emotion_keeps_its_label(emotion: FloatArray) -> None:
    assert known(emotion, HORIZON).relative(emotion).argmax() == emotion.argmax()


def test_current_moment_is_not_yet_in_the_baseline() -> None:
    now = np.array(BY_FACE, np.float32)
    baseline = FaceBaseline(SPAN)
    for step in range(round(SPAN / 0.03)):
        baseline.take(now, step * 0.03)
        assert baseline.relative(now) == pytest.approx(now)


def test_older_emotion_fades_beyond_the_horizon() -> None:
    sad, glad = np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], np.float32)
    baseline = known(sad, HORIZON)
    for step in range(round(4 * HORIZON / 0.24)):
        baseline.take(glad, HORIZON + SPAN + 1 + step * 0.24)
    assert baseline.relative(glad)[0] < glad[0]


def test_baseline_ends_with_its_track() -> None:
    stage = Harness(make_face())
    readings = stage.show(None, 10.0)
    first, last = (reading.momentary for (reading,) in (readings[0], readings[-1]))
    assert first is not None and first.as_tuple() == pytest.approx(BY_FACE)
    assert last is not None and max(last.as_tuple()) < max(BY_FACE)
    stage.analyzer.reset()
    (again,) = stage.show(None, 0.3)[-1]
    assert again.momentary is not None
    assert again.momentary.as_tuple() == pytest.approx(BY_FACE)
