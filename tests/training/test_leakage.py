"""Training refuses what is also held out: people, recordings, inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sentistream.errors import DataError
from sentistream.training.examples import Examples, join
from sentistream.training.leakage import find_twins, refuse_leaks
from sentistream.training.parts import Sides


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
    # who is not known may stand on both sides; what is seen may not
    refuse_leaks(side("", 1), side("", 2))


def test_a_person_on_both_sides_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 people stand both .*: a"):
        Sides(join([side("a", 1), side("b", 2)]), side("a", 3))


def test_a_recording_on_both_sides_is_refused_whatever_was_cut_from_it() -> None:
    learned = side("a", 1)
    measured = replace(side("b", 2), clips=np.array(["x", "x", "pair+" + learned.clips[2], "x"]))
    with pytest.raises(DataError, match=r"1 recordings or images stand both .* of: made b\."):
        refuse_leaks(learned, measured)


def test_equal_inputs_are_refused_without_any_names() -> None:
    learned, measured = side("", 1), side("", 2)
    measured.inputs["face"][3] = learned.inputs["face"][1]
    unnamed = np.array([""] * 4)
    with pytest.raises(DataError, match=r"1 equal inputs \(face\) stand both"):
        refuse_leaks(replace(learned, clips=unnamed), replace(measured, clips=unnamed))


def test_twins_leave_training_and_stay_where_they_are_measured() -> None:
    ramp = np.linspace(0, 255, 40).astype(np.uint8)
    rising = np.broadcast_to(ramp[None, :, None], (40, 40, 3))
    falling, down = rising[:, ::-1], rising.transpose(1, 0, 2)
    images = [rising, falling, down, rising[:36, :36], falling, down]
    splits = ["train", "train", "train", "validation", "train", "test"]
    twins = find_twins(zip(images, splits, strict=True))
    assert (twins.groups, twins.across) == (3, 2)
    assert twins.dropped.tolist() == [0, 2]
