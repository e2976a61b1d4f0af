"""The background model, on cells alone: no picture, no face, no clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sentistream.media.picture import RgbPicture
from sentistream.monitor.cameras.background import (
    LEARN_AFTER,
    RELEARN_AFTER,
    BackgroundModel,
    CellMask,
    Cells,
    cell_means,
    covering_boxes,
    dilated,
)
from sentistream.types import Box

ROWS, COLUMNS = 22, 40
HERE = np.s_[8:13, 15:19]
"""Cells of the person."""

AWAY = np.s_[18:, 30:]
"""Cells far from the person."""

Draw = Callable[[], Cells]


@pytest.fixture
def empty_scene() -> Draw:
    """A still scene with sensor noise."""
    chance = np.random.default_rng(7)
    still = chance.uniform(40, 200, (ROWS, COLUMNS, 3)).astype(np.float32)
    return lambda: (still + chance.normal(0, 0.5, still.shape)).astype(np.float32)


def person(cells: Cells, moved: float = 0.0) -> Cells:
    """A person in the scene; ``moved`` changes the look of one part."""
    cells = cells.copy()
    cells[HERE] = (170, 120, 100)
    cells[8:10, 15:17] -= moved
    return cells


def watch(
    background: BackgroundModel, seconds: float, draw: Draw, faces: tuple[Box, ...] = ()
) -> CellMask:
    for _ in range(round(seconds)):
        marks = background.update(draw(), 1.0, faces)
    return marks


@pytest.fixture
def learned(empty_scene: Draw) -> BackgroundModel:
    background = BackgroundModel()
    assert not watch(background, LEARN_AFTER + 15, empty_scene).any()
    return background


def test_everything_is_masked_until_still_for_a_while(empty_scene: Draw) -> None:
    background = BackgroundModel()
    assert watch(background, LEARN_AFTER - 1, empty_scene).all()
    assert not watch(background, 15, empty_scene).any()


def test_newcomer_is_masked_at_once_with_a_margin(
    learned: BackgroundModel, empty_scene: Draw
) -> None:
    marks = learned.update(person(empty_scene()), 0.2)
    assert marks[6:15, 13:21].all()
    assert not marks[AWAY].any()
    assert not learned.update(empty_scene(), 0.2).any()  # and nothing once they have left


def test_standing_person_does_not_become_background(
    learned: BackgroundModel, empty_scene: Draw
) -> None:
    for _ in range(int(RELEARN_AFTER) - 5):
        assert learned.update(person(empty_scene()), 1.0)[HERE].all()
    # whatever stays longer is an object: it becomes background eventually
    assert not watch(learned, 30, lambda: person(empty_scene())).any()


def test_occasionally_moving_person_stays_masked(
    learned: BackgroundModel, empty_scene: Draw
) -> None:
    for second in range(2 * int(RELEARN_AFTER)):
        moved = 40.0 * (second // 120 % 2)  # a little, every two minutes
        assert learned.update(person(empty_scene(), moved), 1.0)[HERE].all()


def test_person_present_at_the_start_is_masked_while_moving(empty_scene: Draw) -> None:
    background = BackgroundModel()
    for second in range(int(RELEARN_AFTER)):
        marks = background.update(person(empty_scene(), 40.0 * (second // 20 % 2)), 1.0)
        assert marks[HERE].all()
    assert not marks[AWAY].any()


def test_known_face_never_becomes_background(empty_scene: Draw) -> None:
    background = BackgroundModel()
    face = (Box(15, 8, 19, 13),)
    marks = watch(background, RELEARN_AFTER / 2, lambda: person(empty_scene()), face)
    assert marks[HERE].all()
    assert not marks[AWAY].any()
    # nor soon after the tracker has lost it
    assert watch(background, RELEARN_AFTER - LEARN_AFTER, lambda: person(empty_scene()))[HERE].all()


def test_late_detected_face_is_removed_from_the_background(empty_scene: Draw) -> None:
    background = BackgroundModel()
    assert not watch(background, 60, lambda: person(empty_scene()))[HERE].any()  # never moved
    background.update(person(empty_scene()), 1.0, (Box(15, 8, 19, 13),))
    assert watch(background, RELEARN_AFTER - LEARN_AFTER, lambda: person(empty_scene()))[HERE].all()


def test_face_leaves_the_background_behind_it_known(
    learned: BackgroundModel, empty_scene: Draw
) -> None:
    watch(learned, 60, lambda: person(empty_scene()), (Box(15, 8, 19, 13),))
    assert not learned.update(empty_scene(), 1.0).any()


def test_light_change_masks_everything_and_is_relearned(
    learned: BackgroundModel, empty_scene: Draw
) -> None:
    def lit() -> Cells:
        return np.asarray(np.minimum(255, 1.6 * empty_scene() + 20), np.float32)

    assert learned.update(lit(), 0.2).all()
    assert watch(learned, LEARN_AFTER - 2, lit).all()
    assert not watch(learned, 20, lit).any()


def test_flash_is_forgotten(learned: BackgroundModel, empty_scene: Draw) -> None:
    assert learned.update(np.full_like(empty_scene(), 250), 1.0).all()
    assert not learned.update(empty_scene(), 1.0).any()


@pytest.mark.parametrize("gain", [0.88, 1.12])
def test_exposure_and_dusk_are_followed(
    learned: BackgroundModel, empty_scene: Draw, gain: float
) -> None:
    assert not learned.update(gain * empty_scene(), 0.2).any()
    for second in range(300):
        assert not learned.update((gain - 0.0014 * second) * empty_scene(), 1.0).any()


def test_exposure_is_followed_behind_a_person(learned: BackgroundModel, empty_scene: Draw) -> None:
    for second in range(300):
        learned.update(person((1 - 0.001 * second) * empty_scene(), 40 * (second % 2)), 1.0)
    assert not learned.update(0.7 * empty_scene(), 1.0).any()


def test_repeated_picture_changes_nothing(empty_scene: Draw) -> None:
    background, cells = BackgroundModel(), empty_scene()
    for _ in range(100):
        assert background.update(cells, 0.0).all()
    # and a long gap counts as a short one
    for _ in range(10):
        assert background.update(cells, 1000.0).all()


def test_size_change_resets_the_model(learned: BackgroundModel) -> None:
    for _ in range(3):
        assert learned.update(np.full((30, 40, 3), 90, np.float32), 1.0).all()


def test_flickering_cell_does_not_keep_its_surroundings_masked(empty_scene: Draw) -> None:
    background = BackgroundModel()
    for second in range(119):
        cells = empty_scene()
        cells[4, 4] += 20.0 * (second % 29 == 0)
        marks = background.update(cells, 1.0)
    assert marks.mean() < 0.1


def test_memory_does_not_grow(learned: BackgroundModel, empty_scene: Draw) -> None:
    def held() -> int:
        return sum(v.nbytes for v in vars(learned).values() if isinstance(v, np.ndarray))

    before = held()
    watch(learned, 100, lambda: person(empty_scene()))
    assert held() == before < 100_000


def test_boxes_cover_every_cell_and_separate_distant_ones() -> None:
    chance = np.random.default_rng(3)
    for share in (0.0, 0.01, 0.1, 0.7):
        marks = chance.random((45, 80)) < share
        inside = np.zeros_like(marks)
        for left, top, right, bottom in covering_boxes(marks):
            assert marks[top:bottom, left:right].any()
            inside[top:bottom, left:right] = True
        assert not (marks & ~inside).any()
    marks = np.zeros((45, 80), np.bool_)
    marks[5:9, 10:20] = marks[30:40, 60:70] = True
    assert sorted(covering_boxes(marks)) == [(10, 5, 20, 9), (60, 30, 70, 40)]


def test_dilation_has_the_stated_radius() -> None:
    marks = np.zeros((9, 12), np.bool_)
    marks[0, 0] = marks[5, 8] = True
    expected = np.zeros_like(marks)
    expected[0:3, 0:3] = expected[3:8, 6:11] = True
    assert np.array_equal(dilated(marks, 2), expected)


@pytest.mark.parametrize(("width", "height", "shape"), [
    (1280, 720, (68, 120, 3)), (640, 360, (45, 80, 3)), (320, 240, (30, 40, 3)), (4, 4, (1, 1, 3)),
])  # fmt: skip
def test_cells_are_mean_colors(width: int, height: int, shape: tuple[int, ...]) -> None:
    pixels = np.full((height, width, 3), (10, 20, 30), np.uint8)
    cells = cell_means(RgbPicture(pixels))
    assert cells.shape == shape
    assert np.allclose(cells, (10, 20, 30))
