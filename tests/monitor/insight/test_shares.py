"""Margins have their stated coverage; unusual values are separated from chance."""

from __future__ import annotations

import random
import re
import statistics

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentistream.monitor.insight import Difference, Figures, Known, Share, Span, Usual, Verdict
from sentistream.monitor.insight.shares import (
    FEWEST_WEEKS,
    TOO_WIDE,
    verdict_on_count,
    verdict_on_share,
)
from sentistream.monitor.insight.words import share_words, shares_words, unknown_words
from sentistream.monitor.translation import translator

shares = st.floats(0, 1)
counts = st.integers(1, 100_000)


@given(value=shares, appearances=counts)
@example(value=3.6295123554144475e-124, appearances=141)  # the last digit is lost in rounding
def test_interval_contains_the_share_and_narrows(value: float, appearances: int) -> None:
    share = Share.of(value, appearances)
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert Share.of(value, appearances * 4).margin < share.margin
    mirrored = Share.of(1 - value, appearances)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - share.high, 1 - share.low))
    assert share.is_vague == (share.margin > TOO_WIDE)


@pytest.mark.parametrize("appearances", [20, 60, 300])
@pytest.mark.parametrize("kind", ["sure", "mixed"])
def test_margin_covers_the_truth_as_often_as_stated(appearances: int, kind: str) -> None:
    """Stays are exponential; faces are all or nothing (the worst case), or in between."""
    chance, truth, rounds = np.random.default_rng(7), 0.3, 2_000
    hits = 0
    for _ in range(rounds):
        stays = chance.exponential(60, appearances)
        if kind == "sure":
            negative = (chance.random(appearances) < truth).astype(float)
        else:
            negative = chance.beta(3 * truth, 3 * (1 - truth), appearances)
        share = Share.of(float((stays * negative).sum() / stays.sum()), appearances)
        hits += share.low <= truth <= share.high
    assert hits / rounds >= 0.94  # 0.95, minus the sampling error of 2,000 rounds


def test_margin_without_stay_effect_is_too_narrow() -> None:
    """Why ``STAY_EFFECT`` exists: the same trial with each appearance counted in full."""
    chance, truth, rounds, appearances = np.random.default_rng(7), 0.3, 2_000, 60
    hits = 0
    for _ in range(rounds):
        stays = chance.exponential(60, appearances)
        negative = chance.random(appearances) < truth
        share = Share.of(float((stays * negative).sum() / stays.sum()), appearances * 2)
        hits += share.low <= truth <= share.high
    assert hits / rounds < 0.9


@given(now=shares, before=shares, m=counts, n=counts)
def test_difference_is_antisymmetric(now: float, before: float, m: int, n: int) -> None:
    one = Difference.of(Share.of(now, m), Share.of(before, n))
    other = Difference.of(Share.of(before, n), Share.of(now, m))
    assert one.value == pytest.approx(now - before)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    assert one.low <= one.value + 1e-12 and one.value <= one.high + 1e-12
    assert one.is_more_than_chance == other.is_more_than_chance


def test_equal_weeks_seldom_differ_beyond_chance() -> None:
    chance = np.random.default_rng(3)
    found = 0
    for _ in range(1_000):
        pair = []
        for _ in range(2):
            stays = chance.exponential(60, 200)
            negative = chance.random(200) < 0.3
            pair.append(Share.of(float((stays * negative).sum() / stays.sum()), 200))
        found += Difference.of(*pair).is_more_than_chance
    assert found / 1_000 <= 0.07
    sure = Difference.of(Share.of(0.4, 1_000), Share.of(0.25, 1_000))
    assert sure.is_more_than_chance and sure.low > 0


@given(value=shares, appearances=counts)
def test_worded_interval_stays_within_0_and_100(value: float, appearances: int) -> None:
    share = Share.of(value, appearances)
    sentence = share_words(share, translator("en"))
    if share.is_vague:
        assert sentence.endswith("too few to say")
    elif "±" in sentence:
        percent, margin = (int(number) for number in re.findall(r"\d+", sentence))
        assert percent - margin >= -1 and percent + margin <= 101  # both rounded
    else:
        numbers = [int(number) for number in re.findall(r"\d+", sentence)]
        assert numbers[0] >= min(numbers[1:]) and numbers[0] <= max(numbers[1:])


@given(st.lists(shares, min_size=FEWEST_WEEKS, max_size=12))
def test_usual_range_has_median_minimum_and_maximum(values: list[float]) -> None:
    usual = Usual.of(values)
    assert usual is not None
    assert (usual.low, usual.high, usual.count) == (min(values), max(values), len(values))
    assert usual.median == statistics.median(values)
    shuffled = random.Random(1).sample(values, len(values))  # noqa: S311
    assert Usual.of(shuffled) == usual


def test_too_few_weeks_give_no_usual_range() -> None:
    assert Usual.of([0.2] * (FEWEST_WEEKS - 1)) is None
    assert verdict_on_share(Share.of(0.5, 1_000), None) is Verdict.UNKNOWN
    assert verdict_on_count(5, None) is Verdict.UNKNOWN


def test_unusual_values_lie_outside_the_range_with_their_margin() -> None:
    usual = Usual(median=0.25, low=0.2, high=0.3, count=8)
    assert verdict_on_share(Share.of(0.5, 400), usual) is Verdict.ABOVE
    assert verdict_on_share(Share.of(0.05, 400), usual) is Verdict.BELOW
    assert verdict_on_share(Share.of(0.32, 400), usual) is Verdict.AS_USUAL  # within its margin
    assert verdict_on_share(Share.of(0.9, 6), usual) is Verdict.UNKNOWN
    counted = Usual(median=20, low=10, high=30, count=8)
    assert [verdict_on_count(n, counted) for n in (9, 10, 30, 31)] == [
        Verdict.BELOW,
        Verdict.AS_USUAL,
        Verdict.AS_USUAL,
        Verdict.ABOVE,
    ]


@given(st.lists(st.integers(1, 1_000), min_size=3, max_size=3), st.sampled_from(["en", "de", "fr"]))
def test_displayed_shares_add_up_to_a_hundred(seen: list[int], language: str) -> None:
    whole = sum(seen)
    one, two, three = (Share.of(part / whole, 500) for part in seen)
    span = Span(0.0, 3600.0)
    figures = Figures(
        camera="door",
        zone="",
        span=span,
        known=Known.SHOWN,
        appearances=500,
        positive=one,
        neutral=two,
        negative=three,
    )
    labels = shares_words(figures, translator(language))
    assert set(labels) == {"negative", "neutral", "positive"}
    assert sum(int(re.findall(r"\d+", text)[0]) for text in labels.values()) == 100


def test_hidden_share_names_its_reason() -> None:
    tr, span = translator("en"), Span(0.0, 3600.0)
    few, subtracted = (
        Figures(camera="door", zone="", span=span, known=Known.WITHHELD, appearances=count)
        for count in (3, 40)
    )
    assert unknown_words(few, 5, tr) == "fewer than 5 appearances"
    assert "worked out from it" in unknown_words(subtracted, 5, tr)
