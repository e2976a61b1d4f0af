"""Overloaded streams, in simulated time: no stream collapses."""

from __future__ import annotations

import pytest
from overload_simulation import Coding, Costs, Outcome, jain, simulate

HOLDS = 9
"""Number of streams within the simulated machine's capacity."""

CODINGS = {
    "pictures that nothing refers to": Coding(referred=3),
    "keyframes each second": Coding(),
    "keyframes every two seconds": Coding(group=60),
    "25 pictures a second": Coding(rate=25, group=50, referred=2),
}


@pytest.fixture(scope="module", params=CODINGS, ids=str)
def coding(request: pytest.FixtureRequest) -> Coding:
    return CODINGS[request.param]


@pytest.fixture(scope="module")
def best(coding: Coding) -> Outcome:
    return simulate([coding] * HOLDS)


def test_sufficient_machine_skips_nothing(coding: Coding, best: Outcome) -> None:
    assert sum(best.moments) == pytest.approx(HOLDS / 0.03, rel=0.01)
    assert sum(best.fresh) == pytest.approx(HOLDS * min(coding.rate, 1 / 0.03), rel=0.01)
    assert set(best.slowed) == {0.0}


def test_without_backpressure_or_control_it_would_collapse() -> None:
    """Validates the simulation: it reproduces an earlier measurement (59 of 132)."""
    collapsed = simulate([Coding(referred=3)] * 16, controlled=False, patience=0, catches_up=False)
    assert sum(collapsed.moments) < 0.5 * HOLDS / 0.03


@pytest.mark.parametrize(
    ("streams", "new_pictures"), [(12, 0.8), (16, 0.65), (24, 0.45), (40, 0.25)]
)
def test_overload_costs_no_moments_and_is_shared_fairly(
    coding: Coding, best: Outcome, streams: int, new_pictures: float
) -> None:
    """``new_pictures``: at least this share of those within the machine's capacity.

    Pictures further apart are more expensive: faces have to be detected again.
    """
    offered = simulate([coding] * streams)
    assert sum(offered.moments) >= 0.95 * sum(best.moments)
    assert jain(offered.moments) >= 0.95
    assert min(offered.slowed) > 0.5, "each stream reports it"
    assert sum(offered.fresh) >= new_pictures * sum(best.fresh)
    assert jain(offered.fresh) >= 0.95
    assert max(offered.lags) < 2.0


def test_streams_recover_when_others_end() -> None:
    outcome = simulate([Coding(referred=3)] * 16, seconds=30.0, settle=200.0, until={8: 60.0})
    assert all(share > 0.8 for share in outcome.shares)


def test_expensive_analysis_is_shared_fairly() -> None:
    """As with the profile paper, where even a moment without a new picture is expensive."""
    costs = Costs(fresh=0.010, repeated=0.003)
    best = simulate([Coding(referred=3)] * 4, costs=costs)
    offered = simulate([Coding(referred=3)] * 8, costs=costs)
    assert sum(offered.moments) >= 0.95 * sum(best.moments)
    assert jain(offered.moments) >= 0.95


@pytest.mark.parametrize("streams", [12, 16, 24])
@pytest.mark.parametrize("referred", [1, 3])
def test_distant_keyframes_keep_their_moments(referred: int, streams: int) -> None:
    """Eight seconds apart: a stream that skips the rest of a group has no new picture for long."""
    coding = Coding(group=252, referred=referred)
    apart = coding.group / coding.rate / streams
    offered = simulate([coding] * streams, apart=apart, seconds=60)
    assert sum(offered.moments) >= 0.95 * HOLDS / 0.03
    assert jain(offered.moments) >= 0.95
    assert min(offered.slowed) > 0.5
    assert sum(offered.fresh) >= 0.25 * HOLDS * coding.rate
    assert jain(offered.fresh) >= 0.85


def test_distant_and_simultaneous_keyframes_keep_their_moments() -> None:
    offered = simulate([Coding(group=252)] * 16, seconds=60)
    assert sum(offered.moments) >= 0.95 * HOLDS / 0.03
    assert jain(offered.moments) >= 0.95


def test_long_groups_without_disposable_pictures_keep_their_moments() -> None:
    """They cannot be skipped in short pieces: decoded pictures are analyzed less often."""
    offered = simulate([Coding(group=250)] * 12)
    assert sum(offered.moments) >= 0.95 * HOLDS / 0.03
    assert jain(offered.fresh) >= 0.95
