from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from sentistream.media.picture import RgbPicture
from sentistream.media.resample import resample, resize
from sentistream.profiles import LITE, PAPER, Profile
from sentistream.types import Box, Face, Picture, UInt8Array
from sentistream.vision.face_detector import FINE, THRESHOLD, Detection, Detector, make_detector
from sentistream.vision.face_tracker import RETRY_AFTER, FaceTracker
from sentistream.vision.landmarker import Landmarker, make_landmarker

STEP = 0.04
HEAD = Box(136, 10, 316, 220)
"""The portrait's head, from hair to chin."""


PROFILES = {"paper": PAPER, "lite": LITE}


@cache
def models(profile: Profile) -> tuple[Detector, Landmarker]:
    """Cached: those of ``paper`` take a second to load."""
    return make_detector(profile), make_landmarker(profile.landmark_model)


class SynchronousTracker:
    """A tracker whose detections return at once.

    Attributes:
        detector: The face detector.
        longest_wait: Maximum seconds between two confirmations of a visible face.
        gone_after: Seconds within which a vanished face is dropped.
    """

    def __init__(self, profile: Profile, *, max_faces: int = 16) -> None:
        detector, landmarker = models(profile)
        self.detector = detector
        self._tracker = FaceTracker(detector, landmarker, max_faces=max_faces)
        self.detects_faces = landmarker.detects_faces
        self.longest_wait = detector.intervals.confirm
        self.gone_after = detector.intervals.confirm + detector.intervals.carry

    @property
    def left_out(self) -> int:
        return self._tracker.left_out

    def update(self, picture: Picture, time: float) -> list[Face]:
        return self._tracker.update(picture, time)

    def reset(self, *, renumber: bool = False) -> None:
        self._tracker.reset(renumber=renumber)


@pytest.fixture(params=PROFILES)
def tracker(request: pytest.FixtureRequest) -> SynchronousTracker:
    return SynchronousTracker(PROFILES[request.param])


@pytest.fixture(scope="session")
def head(portrait: UInt8Array) -> UInt8Array:
    return resample(portrait, HEAD, 180, 210)


def scene_with_heads(
    *heads: tuple[UInt8Array, int, int], width: int = 640, height: int = 300
) -> RgbPicture:
    """A dim picture with heads at (left, top); later ones in front, cut at the edges."""
    pixels = np.full((height, width, 3), 70, np.uint8)
    for head, left, top in heads:
        rows, columns = head.shape[:2]
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + columns), min(height, top + rows)
        if x0 < x1 and y0 < y1:
            pixels[y0:y1, x0:x1] = head[y0 - top : y1 - top, x0 - left : x1 - left]
    return RgbPicture(pixels)


def play(
    tracker: SynchronousTracker, pictures: list[RgbPicture], start: float = 0.0, step: float = STEP
) -> list[list[Face]]:
    return [tracker.update(picture, start + i * step) for i, picture in enumerate(pictures)]


def test_moving_face_keeps_one_track_and_is_confirmed_in_time(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    lefts = [100 + 6 * i for i in range(40)]
    answers = play(tracker, [scene_with_heads((head, left, 40)) for left in lefts])
    assert all([face.track for face in faces] == [1] for faces in answers)
    for left, (face,) in zip(lefts, answers, strict=True):
        assert face.box.center[0] == pytest.approx(left + 90, abs=20)
    confirmed = [i * STEP for i, (face,) in enumerate(answers) if face.confirmed]
    assert max(np.diff(confirmed)) <= tracker.longest_wait + 2 * STEP + 1e-9
    assert not all(face.confirmed for (face,) in answers)


@pytest.mark.parametrize("step", [0.5, 0.11])
def test_low_frame_rate_is_tracked_as_well(
    tracker: SynchronousTracker, head: UInt8Array, step: float
) -> None:
    pictures = [scene_with_heads((head, 100 + 10 * i, 40)) for i in range(8)]
    answers = play(tracker, pictures, step=step)
    assert all([face.track for face in faces] == [1] for faces in answers)


def test_still_scene_is_searched_finely_at_intervals_and_when_something_appears(
    head: UInt8Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = SynchronousTracker(LITE)
    searches: list[int] = []
    detect = tracker.detector.detect

    def recording_detect(
        luma: UInt8Array, *, size: int = FINE, threshold: float = THRESHOLD
    ) -> list[Detection]:
        searches.append(size)
        return detect(luma, size=size, threshold=threshold)

    monkeypatch.setattr(tracker.detector, "detect", recording_detect)
    small = resize(head[..., 1], 48, 56)[..., np.newaxis].repeat(3, axis=2)
    noise = np.random.default_rng(3)

    def noisy(*heads: tuple[UInt8Array, int, int]) -> RgbPicture:
        clean = scene_with_heads(*heads, width=1280, height=720).rgb()
        return RgbPicture(np.clip(clean + noise.normal(0, 3, clean.shape), 0, 255).astype(np.uint8))

    empty = play(tracker, [noisy() for _ in range(100)])
    assert not any(empty)
    seconds = 100 * STEP
    assert searches.count(FINE) <= 1 + seconds / tracker.detector.intervals.still
    searches.clear()
    late = math.ceil(tracker.detector.intervals.coarse / STEP)
    play(tracker, [noisy((small, 800, 200)) for _ in range(late + 1)], start=seconds)
    assert FINE in searches


@pytest.mark.parametrize("score", [0.4, 0.6])
def test_doubtful_face_is_looked_at_again_only_after_a_while(
    score: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = SynchronousTracker(LITE)
    points = np.array([(70, 70), (110, 70), (90, 95), (75, 115), (105, 115)], np.float32)
    wall = Detection(Box(60, 50, 120, 130), score, points)
    looks: list[bool] = []

    def look_closer(luma: UInt8Array, found: Detection, *, any_roll: bool) -> Detection:
        looks.append(any_roll)
        return replace(found, score=0.3)

    monkeypatch.setattr(tracker.detector, "detect", lambda luma, **_: [wall])
    monkeypatch.setattr(tracker.detector, "look_closer", look_closer)
    seconds = 60 * STEP
    noise = np.random.default_rng(4)
    pictures = [RgbPicture(noise.integers(0, 256, (240, 320, 3), np.uint8)) for _ in range(60)]
    assert not any(play(tracker, pictures))
    # the wait doubles: looks at 0, 0.45 and 1.35 seconds
    assert len(looks) == 1 + math.floor(math.log2(1 + seconds / RETRY_AFTER))
    assert looks == [False, True, *[False] * (len(looks) - 2)]  # at any roll, once


def test_doubtful_faces_are_looked_at_at_any_roll_once_and_one_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracker = SynchronousTracker(LITE)
    points = np.array([(70, 70), (110, 70), (90, 95), (75, 115), (105, 115)], np.float32)
    walls = [
        Detection(Box(60 + x, 50, 120 + x, 130), 0.4, points + np.array([x, 0], np.float32))
        for x in (0, 100, 200)
    ]
    searches: list[list[bool]] = []

    def detect(luma: UInt8Array, **_: Any) -> list[Detection]:
        searches.append([])
        return walls

    def look_closer(luma: UInt8Array, found: Detection, *, any_roll: bool) -> Detection:
        searches[-1].append(any_roll)
        return replace(found, score=0.3)

    monkeypatch.setattr(tracker.detector, "detect", detect)
    monkeypatch.setattr(tracker.detector, "look_closer", look_closer)
    noise = np.random.default_rng(4)
    play(tracker, [RgbPicture(noise.integers(0, 256, (240, 320, 3), np.uint8)) for _ in range(90)])
    looked = [looks for looks in searches if looks]
    assert looked[:3] == [[False] * 3, [True, False, False], [False, True, False]]
    assert sum(map(sum, looked)) == 3


def test_face_that_is_certain_on_a_closer_look_is_tracked(
    head: UInt8Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = SynchronousTracker(LITE)
    detect = tracker.detector.detect

    def doubtful(luma: UInt8Array, **options: Any) -> list[Detection]:
        return [replace(one, score=min(one.score, 0.5)) for one in detect(luma, **options)]

    monkeypatch.setattr(tracker.detector, "detect", doubtful)
    ((face,),) = play(tracker, [scene_with_heads((head, 100, 40))])
    assert face.track == 1


def test_repeated_picture_gives_the_same_faces(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    picture = scene_with_heads((head, 100, 40))
    first = tracker.update(picture, 0.0)
    assert tracker.update(picture, 5.0) == first
    assert [one is other for one, other in zip(tracker.update(picture, 9.0), first, strict=True)]


def test_vanished_face_is_dropped_at_once_or_at_the_next_detection(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    play(tracker, [scene_with_heads((head, 100, 40)) for _ in range(5)])
    late = math.ceil(tracker.longest_wait / STEP) if not tracker.detects_faces else 0
    assert play(tracker, [scene_with_heads() for _ in range(late + 1)], start=5 * STEP)[-1] == []


def test_slowly_fading_face_is_dropped_in_time(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    """The landmarks alone would stay: only the detector notices that the face is gone."""
    blank = np.full_like(head, 70)
    pictures = []
    for i in range(140):
        share = max(0.0, 1 - i / 30)
        mix = (share * head + (1 - share) * blank).astype(np.uint8)
        pictures.append(scene_with_heads((mix, 100, 40)))
    answers = play(tracker, pictures)
    assert len(answers[0]) == 1
    gone_after = 30 + math.ceil(tracker.gone_after / STEP)
    assert all(faces == [] for faces in answers[gone_after:])
    assert len(answers) > gone_after


def test_short_absence_keeps_the_track_and_a_long_one_ends_it(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    there, empty = scene_with_heads((head, 100, 40)), scene_with_heads()
    play(tracker, [there])
    play(tracker, [scene_with_heads() for _ in range(15)], start=STEP)
    back = play(tracker, [scene_with_heads((head, 110, 44)) for _ in range(10)], start=16 * STEP)
    assert [face.track for face in back[-1]] == [1]
    play(tracker, [empty], start=1.2)
    play(tracker, [scene_with_heads() for _ in range(40)], start=1.24)
    again = play(tracker, [scene_with_heads((head, 100, 40)) for _ in range(10)], start=3.0)
    assert [face.track for face in again[-1]] == [2]


def test_second_face_is_found_beside_a_known_one(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    play(tracker, [scene_with_heads((head, 60, 40)) for _ in range(3)])
    pictures = [scene_with_heads((head, 60, 40), (head[:, ::-1], 400, 40)) for _ in range(30)]
    answers = play(tracker, pictures, start=3 * STEP)
    assert [face.track for face in answers[-1]] == [1, 2]
    assert answers[-1][0].box.center[0] < 300 < answers[-1][1].box.center[0]


def test_crossing_faces_never_share_a_face(tracker: SynchronousTracker, head: UInt8Array) -> None:
    pictures = [
        scene_with_heads((head[:, ::-1], 420 - 10 * i, 50), (head, 20 + 10 * i, 40))
        for i in range(40)
    ]
    answers = play(tracker, pictures)
    assert len(answers[0]) == 2
    for faces in answers:
        assert all(
            one.box.iou(other.box) < 0.6 for one in faces for other in faces if one is not other
        )
    assert len(answers[-1]) == 2


def test_face_leaving_the_picture_is_dropped(tracker: SynchronousTracker, head: UInt8Array) -> None:
    answers = play(tracker, [scene_with_heads((head, 100 - 8 * i, 40)) for i in range(50)])
    assert len(answers[0]) == 1
    # all but a sliver of the head is out of the picture from here on
    assert all(faces == [] for faces in answers[36:])


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_max_faces_keeps_the_largest(head: UInt8Array, profile: Profile) -> None:
    small = resample(head, Box(0, 0, 180, 210), 108, 126)
    tracker = SynchronousTracker(profile, max_faces=1)
    answers = play(tracker, [scene_with_heads((small, 40, 80), (head, 300, 40))] * 3)
    assert len(answers[-1]) == 1
    assert answers[-1][0].box.center[0] > 300
    assert tracker.left_out == 1
    with pytest.raises(ValueError, match="At least one"):
        SynchronousTracker(profile, max_faces=0)


def test_backward_time_step_resets_with_new_numbers(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    play(tracker, [scene_with_heads((head, 100, 40)) for _ in range(3)], start=10.0)
    assert [face.track for face in tracker.update(scene_with_heads((head, 100, 40)), 0.0)] == [2]


def test_new_source_is_numbered_from_one_again(
    tracker: SynchronousTracker, head: UInt8Array
) -> None:
    picture = scene_with_heads((head, 100, 40))
    assert [face.track for face in tracker.update(picture, 0.0)] == [1]
    tracker.reset()
    assert [face.track for face in tracker.update(scene_with_heads((head, 100, 40)), 0.0)] == [2]
    tracker.reset(renumber=True)
    assert [face.track for face in tracker.update(scene_with_heads((head, 100, 40)), 0.0)] == [1]


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (3, 500), (120, 160)])
def test_tiny_uniform_and_noisy_pictures_have_no_face(
    tracker: SynchronousTracker, shape: tuple[int, int]
) -> None:
    noise = np.random.default_rng(3)
    pictures = [
        RgbPicture(noise.integers(0, 256, (*shape, 3), np.uint8)),
        RgbPicture(np.zeros((*shape, 3), np.uint8)),
        RgbPicture(np.full((*shape, 3), 128, np.uint8)),
    ]
    assert play(tracker, pictures, step=0.5) == [[], [], []]


def test_very_dark_face_is_found(tracker: SynchronousTracker, head: UInt8Array) -> None:
    dark = RgbPicture((scene_with_heads((head, 100, 40)).rgb() // 8).astype(np.uint8))
    assert len(tracker.update(dark, 0.0)) == 1


def read(path: Path) -> Iterator[tuple[RgbPicture, float]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            yield RgbPicture(pixels), float(frame.time or 0)


@pytest.mark.parametrize(("one", "other"), [("01", "06"), ("07", "02"), ("03", "01"), ("08", "03")])
def test_cut_to_another_person_at_the_same_place_starts_a_track(
    tracker: SynchronousTracker, real_data: Path, one: str, other: str
) -> None:
    clips = real_data / "javased" / "clips"
    first, second = (
        [picture for picture, _ in read(clips / f"{who}-01-01_01.mp4")][35:43]
        for who in (one, other)
    )
    before = play(tracker, first)
    after = play(tracker, second, start=8 * STEP)
    assert {face.track for faces in before for face in faces} == {1}
    assert {face.track for faces in after for face in faces} == {2}
    assert all(len(faces) == 1 for faces in before + after[3:])


def test_two_people_side_by_side_keep_their_tracks(
    tracker: SynchronousTracker, real_data: Path
) -> None:
    clips = real_data / "javased" / "clips"
    left, right = (
        [picture.rgb() for picture, _ in read(clips / f"{who}-01-01_01.mp4")][35:65]
        for who in ("01", "06")
    )
    pictures = [RgbPicture(np.hstack(pair)) for pair in zip(left, right, strict=True)]
    answers = play(tracker, pictures)
    assert all([face.track for face in faces] == [1, 2] for faces in answers)
    first_is_left = answers[0][0].box.center[0] < 360
    assert all((faces[0].box.center[0] < 360) == first_is_left for faces in answers)


@pytest.mark.parametrize(
    ("clip", "share"),
    [
        ("clips/01-01-01-01-01-01-01.mp4", 1.0),
        ("clips/talking_700x700_30fps.mp4", 1.0),
        ("clips/silent_596x336_25fps.mp4", 0.85),
        ("javased/clips/01-04-06_01.mp4", 1.0),
        ("javased/clips/07-01-01_01.mp4", 1.0),
    ],
)
def test_real_people_are_tracked_without_interruption(
    tracker: SynchronousTracker, real_data: Path, clip: str, share: float
) -> None:
    answers = [tracker.update(picture, time) for picture, time in read(real_data / clip)]
    assert sum(len(faces) == 1 for faces in answers) >= share * len(answers)
    assert {face.track for faces in answers for face in faces} == {1}
