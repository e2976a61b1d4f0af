"""Splits share no people, recordings or inputs, and validation is part of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sentistream.errors import DataError
from sentistream.training.examples import Examples, join
from sentistream.training.splits import (
    Splits,
    find_near_duplicates,
    refuse_leaks,
    split_validation,
)


def side(person: str, seed: int, count: int = 4) -> Examples:
    generator = np.random.default_rng(seed)
    return Examples(
        inputs={"face": generator.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)},
        labels=np.zeros(count, int),
        people=np.array([person] * count),
        sources=np.array(["made"] * count),
        clips=np.array([f"{person}{seed}{number}" for number in range(count)]),
    )


def test_different_people_and_contents_pass() -> None:
    refuse_leaks(side("a", 1), side("b", 2))
    # unknown people may be in both splits; inputs may not
    refuse_leaks(side("", 1), side("", 2))


def test_person_in_both_splits_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 people are both .*: a"):
        Splits(join([side("a", 1), side("b", 2)]), side("a", 3))


def test_recording_in_both_splits_is_refused_whatever_was_cut_from_it() -> None:
    train = side("a", 1)
    held_out = replace(side("b", 2), clips=np.array(["x", "x", "pair+" + train.clips[2], "x"]))
    with pytest.raises(DataError, match=r"1 recordings or images are both .* of: made b\."):
        refuse_leaks(train, held_out)


def test_equal_inputs_are_refused_without_names() -> None:
    train, held_out = side("", 1), side("", 2)
    held_out.inputs["face"][3] = train.inputs["face"][1]
    unnamed = np.array([""] * 4)
    with pytest.raises(DataError, match=r"1 equal inputs \(face\) are both"):
        refuse_leaks(replace(train, clips=unnamed), replace(held_out, clips=unnamed))


def test_near_duplicates_are_removed_from_training_and_stay_held_out() -> None:
    ramp = np.linspace(0, 255, 40).astype(np.uint8)
    rising = np.broadcast_to(ramp[None, :, None], (40, 40, 3))
    falling, down = rising[:, ::-1], rising.transpose(1, 0, 2)
    images = [rising, falling, down, rising[:36, :36], falling, down]
    splits = ["train", "train", "train", "validation", "train", "test"]
    duplicates = find_near_duplicates(zip(images, splits, strict=True))
    assert (duplicates.groups, duplicates.across) == (3, 2)
    assert duplicates.dropped.tolist() == [0, 2]


def unlabelled(people: list[str], sources: list[str] | None = None) -> Examples:
    count = len(people)
    return Examples(
        inputs={"face": np.zeros((count, 1, 1, 3), np.uint8)},
        labels=np.zeros(count, np.int64),
        people=np.array(people),
        sources=np.array(sources or ["made"] * count),
    )


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_in_both_splits(seed: int) -> None:
    people = [f"p{number % 20}" for number in range(200)]
    train, validate = split_validation(unlabelled(people), 0.2, seed)
    assert sorted([*train, *validate]) == list(range(200))
    assert not {people[place] for place in train} & {people[place] for place in validate}
    assert len(validate) == 40


def test_each_source_contributes_its_share() -> None:
    people = ["" for _ in range(100)] + [f"p{number % 10}" for number in range(50)]
    sources = ["web"] * 100 + ["clips"] * 50
    _, validate = split_validation(unlabelled(people, sources), 0.1, 1)
    assert sum(place < 100 for place in validate) == 10
    assert sum(place >= 100 for place in validate) == 5


def test_pairs_across_splits_are_in_neither() -> None:
    generator = np.random.default_rng(1)
    people = [f"a{one}+b{two}" for one, two in generator.integers(0, 6, (300, 2))]
    train, validate = split_validation(unlabelled(people), 0.3, 1)
    named = [
        {person for place in places for person in people[place].split("+")}
        for places in (train, validate)
    ]
    assert not named[0] & named[1]
    assert len(validate) > 0
    assert 0 < len(train) + len(validate) < 300


def test_half_known_pair_follows_the_known_person() -> None:
    people = [f"+b{number % 5}" for number in range(50)]
    train, validate = split_validation(unlabelled(people), 0.2, 1)
    assert len({people[place] for place in validate}) == 1
    assert len(train) == 40


def test_split_depends_on_the_seed_alone() -> None:
    people = [f"p{number % 20}" for number in range(200)]
    first, again, other = (split_validation(unlabelled(people), 0.2, seed)[1] for seed in (1, 1, 2))
    assert (first == again).all()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("people", [["anna"] * 9, [""]])
def test_too_few_people_are_refused(people: list[str]) -> None:
    with pytest.raises(DataError, match=r"No validation split .*--patience 0"):
        split_validation(unlabelled(people), 0.2, 1)
