from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentistream.media import open_source
from sentistream.reports.annotated_video import AnnotatedVideo
from sentistream.reports.frame_drawing import annotate
from sentistream.reports.report_wording import ink, rgb
from sentistream.types import Box, Label, Reading
from synthetic_clips import clicks, flat, write_clip
from synthetic_readings import picture, reading


def has(pixels: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((pixels == np.array(color, np.uint8)).all(axis=-1).any())


def test_box_in_the_class_color_is_drawn_around_the_face() -> None:
    pixels = picture(640, 480).rgb()
    before = pixels.copy()
    box = Box(100, 100, 200, 220)
    drawn = annotate(pixels, [reading(0.0, 1, 0.1, 0.8, box=box)], mouth_threshold=0.5)
    assert (pixels == before).all()
    assert drawn.shape == pixels.shape
    color = np.array(rgb(Label.NEGATIVE))
    assert (drawn[100, 100:200] == color).all()
    assert (drawn[100:220, 100] == color).all()
    # inside the face only the lips are drawn
    assert (drawn[110:160, 110:190] == before[110:160, 110:190]).all()


def test_open_and_closed_mouths_look_different() -> None:
    pixels = picture(640, 480).rgb()
    opened = annotate(pixels, [reading(0.0, mouth_open=0.9)], mouth_threshold=0.5)
    closed = annotate(pixels, [reading(0.0, mouth_open=0.1)], mouth_threshold=0.5)
    assert has(opened, (255, 214, 64))
    assert not has(closed, (255, 214, 64))


def test_no_face_is_written_into_the_picture() -> None:
    pixels = picture(640, 480).rgb()
    drawn = annotate(pixels, [Reading(0.0)], mouth_threshold=0.5)
    assert (drawn != pixels).any()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 400),
    st.integers(2, 400),
    st.floats(-300, 500),
    st.floats(-300, 500),
    st.floats(1, 600),
    st.sampled_from([0, 1, 3]),
)
def test_any_size_and_position_can_be_drawn(
    width: int, height: int, left: float, top: float, size: float, people: int
) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    box = Box(left, top, left + size, top + size)
    readings = [reading(0.0, track, box=box) for track in range(1, people + 1)] or [Reading(0.0)]
    drawn = annotate(pixels, readings, mouth_threshold=0.5)
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize("size", [(480, 360), (1920, 1080)])
def test_panels_of_two_people_do_not_overlap(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    boxes = [Box(width * x, height * 0.3, width * (x + 0.15), height * 0.6) for x in (0.2, 0.6)]
    readings = [
        reading(0.0, track, 0.8 if track == 1 else 0.1, 0.1 if track == 1 else 0.8, box=box)
        for track, box in enumerate(boxes, 1)
    ]
    drawn = annotate(pixels, readings, mouth_threshold=0.5)
    for one in readings:
        color = np.array(rgb(one.label), np.uint8)
        alone = annotate(pixels, [one], mouth_threshold=0.5)
        shown = (drawn == color).all(axis=-1).sum()
        assert shown > 0.9 * (alone == color).all(axis=-1).sum()


def test_video_has_the_drawn_pictures_and_the_sound(tmp_path: Path) -> None:
    source = write_clip(
        tmp_path / "in.mp4",
        [(index / 25, flat(60, 320, 240)) for index in range(50)],
        clicks(2.0, 48_000, [1.0]),
    )
    target = tmp_path / "annotated.mp4"
    with (
        open_source(source, tick=0.03, sound_window=0.03) as clip,
        AnnotatedVideo(
            target, width=320, height=240, sound_from=source, mouth_threshold=0.5
        ) as video,
    ):
        count = 0
        for moment in clip:
            count += 1
            video.add(moment, [reading(moment.time, box=Box(100, 60, 220, 200))])
    with av.open(str(target)) as container:
        assert container.streams.audio
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == count
    edge = pictures[10][100:160, 100:102].reshape(-1, 3).mean(axis=0)
    assert np.abs(edge - 60).max() > 25
    assert not list(tmp_path.glob("*.partial.*"))


@pytest.mark.parametrize("label", Label)
def test_text_contrasts_with_the_class_color(label: Label) -> None:
    def luminance(color: tuple[int, int, int]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in color)
        ]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    dark, light = sorted((luminance(rgb(label)), luminance(ink(label))))
    # required by WCAG 2 for small text
    assert (light + 0.05) / (dark + 0.05) >= 4.5
