"""Frozen splits: their people, what is refused, and retraining on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE, sex_of
from sentistream.datasets.manifest import Item
from sentistream.errors import DataError, InputError
from sentistream.evaluation.cross_validation import (
    PROTOCOLS,
    ProtocolSplit,
    check_no_overlap,
    cross_validate,
    load_protocol,
    protocol_splits,
    recording_of,
)

SENTIMENT = {"01": 1, "02": 1, "03": 0, "04": 2, "05": 2}


def ravdess() -> list[Item]:
    """All clips of the five emotions in RAVDESS speech, by name."""
    return [
        Item(
            Path(f"01-01-{emotion}-{level}-{line}-{take}-{actor:02}.mp4"), label, person, "ravdess"
        )
        for actor in range(1, 25)
        for person in [f"ravdess-{actor:02}"]
        for emotion, label in SENTIMENT.items()
        for level in (("01",) if emotion == "01" else ("01", "02"))
        for line in ("01", "02")
        for take in ("01", "02")
    ]


def java_sed() -> list[Item]:
    return [
        Item(Path(f"{speaker}-01-0{code}_01.mp4"), code % 3, f"java-sed-{speaker}", "java-sed")
        for speaker in ("01", "02", "03", "06", "07", "08")
        for code in (1, 2, 3, 6)
    ]


def people(items: Sequence[Item], positions: np.ndarray) -> set[str]:
    return {items[index].person for index in positions}


def test_folds_hold_every_actor_once_and_both_sexes() -> None:
    items = ravdess()
    parts = list(protocol_splits(load_protocol("speaker-folds"), items))
    tested = [people(items, part.test) for part in parts]
    assert len(parts) == 5
    assert sorted(person for fold in tested for person in fold) == [
        f"ravdess-{actor:02}" for actor in range(1, 25)
    ]
    for part, fold in zip(parts, tested, strict=True):
        women = sum(sex_of(person) == "woman" for person in fold)
        assert women in (2, 3)
        assert len(fold) - women in (2, 3)
        assert not fold & people(items, part.train)
        assert len(part.train) + len(part.test) == len(items)


def test_first_fold_holds_out_actors_unknown_to_the_shipped_networks() -> None:
    items = ravdess() + java_sed()
    first = next(protocol_splits(load_protocol("speaker-folds"), items))
    held_out = next(protocol_splits(load_protocol("held-out"), items))
    assert people(items, first.test) | {"java-sed-03", "java-sed-08"} == HELD_OUT_PEOPLE
    assert people(items, held_out.test) == HELD_OUT_PEOPLE


def test_papers_split_matches_its_table_6_and_reports_overlapping_people() -> None:
    protocol, items = load_protocol("paper"), ravdess()
    (part,) = protocol_splits(protocol, items)
    assert protocol.person_overlapping
    assert "PERSON-OVERLAPPING" in protocol.heading
    assert len(part.test) == 54
    assert len(people(items, part.test)) == 6
    assert len(people(items, part.train)) == 19
    assert people(items, part.test) & people(items, part.train) == {"ravdess-23"}
    assert sum(sex_of(person) == "woman" for person in people(items, part.test)) == 3
    for person in people(items, part.test):
        labels = [items[index].label for index in part.test if items[index].person == person]
        assert sorted(labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    voices = [replace(item, path=Path("03" + item.path.name[2:])) for item in items]
    (splits,) = protocol_splits(protocol, voices)
    assert splits.test.tolist() == part.test.tolist()  # the same takes in any modality


def test_only_the_papers_split_overlaps() -> None:
    assert [name for name in PROTOCOLS if load_protocol(name).person_overlapping] == ["paper"]
    with pytest.raises(InputError, match="no protocol 'random'"):
        load_protocol("random")


def test_listed_recordings_exist_in_the_data_set() -> None:
    listed = load_protocol("paper").content["test_recordings"]
    assert set(listed) <= {recording_of(item) for item in ravdess()}
    assert len(set(listed)) == 54
    assert recording_of(Item(Path("a/03-01-05-02-01-02-17.flac"), 2, "")) == "05-02-01-02-17"


def test_leave_one_out_holds_out_each_speaker() -> None:
    items = java_sed() + ravdess()[:80]
    parts = list(protocol_splits(load_protocol("leave-one-speaker-out"), items))
    assert [part.name for part in parts][:2] == ["java-sed-01", "java-sed-02"]
    assert all(people(items, part.test) == {part.name} for part in parts)
    corpora = list(protocol_splits(load_protocol("leave-one-corpus-out"), items))
    assert [(part.name, len(part.test)) for part in corpora] == [("java-sed", 24), ("ravdess", 80)]


@pytest.mark.parametrize(
    ("protocol", "items", "problem"),
    [
        ("leave-one-speaker-out", [Item(Path("a"), 0, ""), Item(Path("b"), 0, "x")], "who it is"),
        ("leave-one-speaker-out", java_sed()[:2], "at least two"),
        ("leave-one-corpus-out", java_sed(), "at least two"),
        ("leave-one-corpus-out", [Item(Path("a"), 0, "x")], "which data set"),
        ("speaker-folds", [Item(Path("a"), 0, "ravdess-1", "ravdess")], "stands in no fold"),
        ("speaker-folds", java_sed(), "nothing to measure on"),
        ("paper", java_sed(), "nothing to measure on"),
        # the same person in two data sets
        (
            "leave-one-corpus-out",
            [Item(Path("a"), 0, "ann", "one"), Item(Path("b"), 0, "ann", "two")],
            "1 people stand on both sides of one: ann",
        ),
    ],
)
def test_untrustworthy_splits_are_refused(protocol: str, items: list[Item], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        list(protocol_splits(load_protocol(protocol), items))


def test_same_file_stays_on_one_side_even_where_people_may_overlap() -> None:
    items = [Item(Path("a.mp4"), 0, "ann"), Item(Path("b/../a.mp4"), 0, "bob")]
    part = ProtocolSplit("test", np.array([0]), np.array([1]))
    for name in ("paper", "held-out"):
        with pytest.raises(DataError, match="1 files stand on both sides"):
            check_no_overlap(load_protocol(name), items, part)


def test_cross_validation_trains_on_others_and_pools() -> None:
    items = java_sed()
    seen: list[tuple[str, set[str]]] = []

    def fit(name: str, train: Sequence[Item], test: Sequence[Item]) -> list[np.ndarray | None]:
        seen.append((name, {item.person for item in train}))
        # right except for one speaker, and without an answer for happiness
        right = [item.label if name != "java-sed-06" else (item.label + 1) % 3 for item in test]
        return [
            None if item.label == 1 else np.eye(3)[number]
            for item, number in zip(test, right, strict=True)
        ]

    facts = cross_validate("leave-one-speaker-out", items, fit).facts()
    assert [name for name, _ in seen] == sorted({item.person for item in items})
    assert all(name not in train and len(train) == 5 for name, train in seen)
    assert facts["n"] == 24
    assert facts["unusable"] == 6
    assert facts["accuracy"] == pytest.approx(15 / 24)  # 3 of 4 of five speakers
    assert facts["over_parts"]["accuracy"]["mean"] == pytest.approx(facts["accuracy"], abs=1e-4)
    assert facts["per_person"]["java-sed-06"]["accuracy"] == 0
    assert facts["parts"][3]["people"] == ["java-sed-06"]
    assert not facts["person_overlapping"]


def test_cross_validation_refuses_before_training() -> None:
    def never(*_: object) -> list[None]:
        raise AssertionError

    only_tested = [item for item in ravdess() if item.person == "ravdess-01"]
    with pytest.raises(DataError, match="nothing to learn from in test of paper"):
        cross_validate("paper", only_tested, never)
    with pytest.raises(ValueError, match="0 answers do not fit"):
        cross_validate("leave-one-speaker-out", java_sed(), lambda *_: [])
