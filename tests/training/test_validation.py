"""The validation part: by person, from each source, and never from what is held out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")

from sentistream.errors import DataError
from sentistream.training.examples import Examples
from sentistream.training.validation import draw_validation


def examples(people: list[str], sources: list[str] | None = None) -> Examples:
    count = len(people)
    return Examples(
        inputs={"face": np.zeros((count, 1, 1, 3), np.uint8)},
        labels=np.zeros(count, np.int64),
        people=np.array(people),
        sources=np.array(sources or ["made"] * count),
    )


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_on_both_sides(seed: int) -> None:
    people = [f"p{number % 20}" for number in range(200)]
    learn, validate = draw_validation(examples(people), 0.2, seed)
    assert sorted([*learn, *validate]) == list(range(200))
    assert not {people[place] for place in learn} & {people[place] for place in validate}
    assert len(validate) == 40


def test_each_source_gives_its_share() -> None:
    people = ["" for _ in range(100)] + [f"p{number % 10}" for number in range(50)]
    sources = ["web"] * 100 + ["clips"] * 50
    _, validate = draw_validation(examples(people, sources), 0.1, 1)
    assert sum(place < 100 for place in validate) == 10
    assert sum(place >= 100 for place in validate) == 5


def test_pairs_that_join_people_of_both_parts_are_in_neither() -> None:
    generator = np.random.default_rng(1)
    people = [f"a{one}+b{two}" for one, two in generator.integers(0, 6, (300, 2))]
    learn, validate = draw_validation(examples(people), 0.3, 1)
    named = [
        {person for place in places for person in people[place].split("+")}
        for places in (learn, validate)
    ]
    assert not named[0] & named[1]
    assert len(validate) > 0
    assert 0 < len(learn) + len(validate) < 300


def test_a_half_known_pair_goes_by_the_known_person() -> None:
    people = [f"+b{number % 5}" for number in range(50)]
    learn, validate = draw_validation(examples(people), 0.2, 1)
    assert len({people[place] for place in validate}) == 1
    assert len(learn) == 40


def test_the_draw_depends_on_the_seed_alone() -> None:
    people = [f"p{number % 20}" for number in range(200)]
    first, again, other = (draw_validation(examples(people), 0.2, seed)[1] for seed in (1, 1, 2))
    assert (first == again).all()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("people", [["anna"] * 9, [""]])
def test_too_few_people(people: list[str]) -> None:
    with pytest.raises(DataError, match=r"No validation part .*--patience 0"):
        draw_validation(examples(people), 0.2, 1)
