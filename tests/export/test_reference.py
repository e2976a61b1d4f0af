"""The reference of ``sentistream export`` gives the product's answers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentistream.analyzer import Analyzer
from sentistream.decision.lite import LiteDecision
from sentistream.decision.paper import PaperDecision
from sentistream.decision.voice_classifier import VoiceClassifier, describe
from sentistream.export import export_networks
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import resample, resize
from sentistream.profiles import LITE, PAPER
from sentistream.types import Box, Face, Moment, Picture, UInt8Array
from sentistream.vision.alignment import VIEW_SIZE, Alignment, view
from sentistream.vision.face_detector import make_detector
from sentistream.vision.face_geometry import detector_square
from sentistream.vision.landmarker import make_landmarker, predict_single
from sentistream.voice.sound_file import read_sound
from sentistream.voice.utterance import utterance_of
from sentistream.voice.voice_baseline import VoiceBaseline

ANSWERS = 3e-3
"""Tolerance of probabilities for the same face at the same place: 8-bit convolutions round."""

CLIPS = 0.12
"""The same over a whole clip. A pixel rounded differently moves a landmark by 0.01 pixels, and
each picture's landmarks determine where the next ones are searched."""

SAME_LABELS = 0.95

NAMES = ("reference", "faces", "resampling", "voice")


@dataclass
class Reference:
    """The modules of an export."""

    reference: Any
    faces: Any
    resampling: Any


def forget_modules() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in NAMES]:
        del sys.modules[name]


def load(folder: Path) -> Iterator[Any]:
    forget_modules()
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("reference")
    finally:
        sys.path.remove(str(folder))
        forget_modules()


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    folder = tmp_path_factory.mktemp("lite")
    export_networks(folder, LITE)
    for reference in load(folder):
        yield Reference(reference, sys.modules["faces"], sys.modules["resampling"])


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("paper")
    export_networks(folder, PAPER)
    yield from load(folder)


@pytest.fixture(scope="module")
def noise() -> UInt8Array:
    return np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)


# only one side is reduced beforehand, as rounding requires
@example(x=148.5532371986942, y=190.684340612297, side=192.0, size=64)
@settings(max_examples=100)
@given(
    x=st.floats(-20, 420), y=st.floats(-20, 320), side=st.floats(4, 500), size=st.integers(16, 80)
)
def test_crops_are_identical(
    lite: Reference, noise: UInt8Array, x: float, y: float, side: float, size: int
) -> None:
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    edges = (box.left, box.top, box.right, box.bottom)
    expected = resample(noise, box, size, size)
    found = lite.resampling.cut(noise, edges, size)
    # some versions of Pillow shrink the height first where that is cheaper, and round differently
    assert np.abs(found.astype(int) - expected).max() <= 1


@settings(max_examples=50)
@given(x=st.floats(50, 350), y=st.floats(50, 250), side=st.floats(20, 300), roll=st.floats(-3, 3))
def test_rotated_crops_are_identical(
    lite: Reference, noise: UInt8Array, x: float, y: float, side: float, roll: float
) -> None:
    expected = view(noise, Alignment(x, y, side, roll))
    found = lite.resampling.upright(noise, (x, y, side, roll), VIEW_SIZE)
    assert np.abs(found.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("size", [(320, 224), (160, 128), (96, 96), (400, 300)])
def test_whole_pictures_are_identical(
    lite: Reference, noise: UInt8Array, size: tuple[int, int]
) -> None:
    found = lite.resampling.resize(noise, (0, 0, 400, 300), *size)
    assert np.abs(found.astype(int) - resize(noise, *size)).max() <= 1


def test_detector_finds_the_same_faces(lite: Reference, portrait_luma: UInt8Array) -> None:
    expected = make_detector(LITE).detect(portrait_luma, threshold=0.25)
    found = lite.faces.detect(portrait_luma, 640)
    assert len(found) == len(expected) >= 1
    for one, other in zip(found, expected, strict=True):
        box = (other.box.left, other.box.top, other.box.right, other.box.bottom)
        np.testing.assert_allclose(one[1:5], box, atol=0.05)
        assert one[0] == pytest.approx(other.score, abs=1e-4)
        assert other.points is not None
        np.testing.assert_allclose(one[5:].reshape(5, 2), other.points, atol=0.05)


@pytest.mark.parametrize("roll", [0.0, 0.2, 0.6, -0.6])
def test_landmarks_are_identical(lite: Reference, portrait_luma: UInt8Array, roll: float) -> None:
    square = Alignment(225.0, 125.0, 105.0, roll)
    expected = predict_single(make_landmarker(LITE.landmark_model), portrait_luma, square)
    points, score, is_face = lite.faces.place(portrait_luma, (225.0, 125.0, 105.0, roll))
    np.testing.assert_allclose(points, expected.points, atol=0.02)
    assert score == pytest.approx(expected.score, abs=1e-3)
    assert is_face == expected.is_face
    next_square = detector_square(expected.points)
    np.testing.assert_allclose(
        lite.faces.square_of(points),
        (next_square.x, next_square.y, next_square.side, next_square.roll),
        atol=0.02,
    )


def pictures(clip: Path, count: int = 100) -> Iterator[tuple[float, Picture]]:
    """Each picture of a clip once, with its time."""
    with open_source(str(clip), tick=LITE.tick, sound_window=LITE.sound_window) as source:
        last = None
        moments = (moment for moment in source if moment.picture is not last)
        for moment in islice(moments, count):
            last = moment.picture
            yield moment.picture_time, moment.picture


def compare_clip(lite: Reference, clip: Path) -> int:
    """Analyze a clip with both; returns the number of pictures with a face."""
    analyzer = Analyzer(LITE)
    follower, answers = lite.faces.Follower(), lite.reference.Answers()
    differences, same = list[float](), list[bool]()
    for time, picture in pictures(clip):
        readings = analyzer.process(Moment(time, picture, time, None))
        reading = max(readings, key=lambda one: one.face.box.area if one.face else 0)
        luma = np.ascontiguousarray(picture.luma)
        points = follower.update(luma, time)
        if points is None:
            answers = lite.reference.Answers()
        assert (points is None) == (reading.smoothed is None), time
        if points is None or reading.smoothed is None or reading.momentary is None:
            continue
        _, now, summed = answers.update(luma, points, time)
        differences += [
            float(np.abs(now - reading.momentary.as_tuple()).max()),
            float(np.abs(summed - reading.smoothed.as_tuple()).max()),
        ]
        same.append(lite.reference.label(summed) == reading.label)
    assert max(differences) < CLIPS
    assert np.mean(differences) < CLIPS / 6
    assert np.mean(same) >= SAME_LABELS
    return len(same)


def test_answers_of_a_synthetic_clip_are_identical(
    lite: Reference, demonstration_clip: Path
) -> None:
    assert compare_clip(lite, demonstration_clip) > 50


@pytest.mark.parametrize(
    "clip",
    [
        "clips/talking_590x590_25fps.mp4",
        "clips/01-01-01-01-01-01-01.mp4",
        "javased/clips/01-03-01_01.mp4",
    ],
)
def test_answers_of_real_clips_are_identical(lite: Reference, real_data: Path, clip: str) -> None:
    assert compare_clip(lite, real_data / clip) > 50


def test_accumulated_answers_are_identical_for_equal_landmarks(
    lite: Reference, portrait: UInt8Array
) -> None:
    """Beyond the three seconds after which the face baseline takes effect."""
    generator = np.random.default_rng(0)
    square = Alignment(225.0, 125.0, 105.0, 0.0)
    still = predict_single(make_landmarker(LITE.landmark_model), RgbPicture(portrait).luma, square)
    decision, answers = LiteDecision(LITE), lite.reference.Answers()
    for number in range(100):
        dim = (portrait * generator.uniform(0.4, 1)).astype(np.uint8)
        picture, time = RgbPicture(dim), number * 0.06
        points = still.points + generator.normal(0, 2, (68, 2)).astype(np.float32)
        face = Face(track=1, box=Box(172, 67, 280, 175), landmarks=points)
        decision.update_faces(picture, [face], time)
        (verdict,) = decision.decide(Moment(time, picture, time, None))
        mouth, now, summed = answers.update(picture.luma, points, time)
        assert verdict.accumulated is not None
        assert mouth == pytest.approx(verdict.mouth_open, abs=ANSWERS)
        np.testing.assert_allclose(now, verdict.momentary.as_tuple(), atol=ANSWERS)
        np.testing.assert_allclose(summed, verdict.accumulated.as_tuple(), atol=ANSWERS)
    assert answers.known > 2


def check_voice(lite: Reference, recording: Path) -> None:
    sound = read_sound(recording)[: 4 * 48_000]
    frames = utterance_of(sound)
    assert frames is not None
    classifier = VoiceClassifier.load(LITE)
    (expected,) = classifier.classify(classifier.hear(describe(frames)), [VoiceBaseline()])
    found, enough = lite.reference.hear(sound)
    np.testing.assert_allclose(found, expected, atol=ANSWERS)
    assert 0 < enough <= 1


def test_voice_answers_of_a_synthetic_clip_are_identical(
    lite: Reference, demonstration_clip: Path
) -> None:
    check_voice(lite, demonstration_clip)


def test_voice_answers_of_real_recordings_are_identical(lite: Reference, real_data: Path) -> None:
    for recording in sorted((real_data / "ravdess_speech" / "Actor_01").glob("*.flac"))[:4]:
        check_voice(lite, recording)


def test_nobody_speaks_in_silence(lite: Reference) -> None:
    assert lite.reference.hear(np.zeros(96_000, np.float32)) == (None, 0.0)


@pytest.mark.parametrize("loud", [0.0, 0.3, None])
def test_paper_profile_answers_are_identical(
    paper: Any, portrait: UInt8Array, loud: float | None
) -> None:
    square = Alignment(225.0, 125.0, 105.0, 0.0)
    picture = RgbPicture(portrait)
    points = predict_single(make_landmarker(LITE.landmark_model), picture.luma, square).points
    sound = None
    if loud is not None:
        sound = np.random.default_rng(0).normal(0, loud, 1_440).astype(np.float32)
    decision = PaperDecision(PAPER)
    face = Face(track=1, box=Box(172, 67, 280, 175), landmarks=points)
    decision.update_faces(picture, [face], 0.0)
    (verdict,) = decision.decide(Moment(0.0, picture, 0.0, sound))
    mouth, shares = paper.answer(portrait, points, sound)
    assert mouth == pytest.approx(verdict.mouth_open, abs=ANSWERS)
    assert (verdict.branch == "fused") == (mouth >= 0.5 and sound is not None)
    np.testing.assert_allclose(shares, verdict.momentary.as_tuple(), atol=ANSWERS)
