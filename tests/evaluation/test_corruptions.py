"""Each corruption has the stated effect, at the stated place and strength."""

from __future__ import annotations

import numpy as np
import pytest

from sentistream.evaluation import corruptions
from sentistream.evaluation.corruptions import CorruptedSource
from sentistream.evaluation.evaluation_inputs import StillSource, pad_face_image
from sentistream.types import SOUND_RATE, Box, FloatArray, UInt8Array
from synthetic_readings import landmarks

FACE = Box(40, 30, 140, 130)
MOUTH_LEFT, MOUTH_RIGHT, MOUTH_Y = 70, 110, 105  # of ``landmarks(FACE)``


@pytest.fixture
def picture() -> UInt8Array:
    """Skin-colored, with a red mouth at the position in ``landmarks(FACE)``."""
    pixels = np.full((160, 200, 3), (200, 160, 140), np.uint8)
    pixels[MOUTH_Y - 4 : MOUTH_Y + 4, MOUTH_LEFT:MOUTH_RIGHT] = (220, 20, 20)
    return pixels


@pytest.fixture
def points() -> FloatArray:
    found = landmarks(FACE)
    # the scheme's first outer lip point is the left end, the seventh the right one
    angles = np.pi - 2 * np.pi * np.arange(12) / 12
    found[48:60, 0] = 90 + 20 * np.cos(angles)
    found[48:60, 1] = MOUTH_Y - 6 * np.sin(angles)
    found[[3, 13, 31, 35]] = [(50, 90), (130, 90), (85, 85), (95, 85)]
    return found


def red_columns(pixels: UInt8Array) -> int:
    """How many columns of the mouth's middle row are still red."""
    row = pixels[MOUTH_Y].astype(int)
    return int(((row[:, 0] > 180) & (row[:, 1] < 60)).sum())


@pytest.mark.parametrize("share", [0.25, 0.5])
@pytest.mark.parametrize(
    "cover",
    [corruptions.occlude_with_hand, corruptions.occlude_with_object],
    ids=["hand", "object"],
)
def test_stated_share_of_the_mouth_is_covered(
    picture: UInt8Array,
    points: FloatArray,
    share: float,
    cover: corruptions.Occluder,
) -> None:
    before = picture.copy()
    covered = cover(picture, points, share)
    assert np.array_equal(picture, before)
    assert red_columns(covered) == pytest.approx(40 * (1 - share), abs=5)
    assert np.array_equal(
        covered[:, MOUTH_RIGHT:], picture[:, MOUTH_RIGHT:]
    )  # the right side is free
    assert np.array_equal(covered[:60], picture[:60])  # and so are the eyes


def test_hand_has_the_color_of_the_face(picture: UInt8Array, points: FloatArray) -> None:
    covered = corruptions.occlude_with_hand(picture, points, 0.5)
    finger = covered[MOUTH_Y - 20 : MOUTH_Y + 20, 55:60].reshape(-1, 3)
    assert np.median(finger, axis=0) == pytest.approx((200, 160, 140), abs=1)


def test_cover_follows_a_tilted_mouth(picture: UInt8Array, points: FloatArray) -> None:
    tilted = points.copy()
    tilted[48:60] = (points[48:60] - (90, MOUTH_Y)) @ np.array([[0, 1], [-1, 0]]) + (90, MOUTH_Y)
    covered = corruptions.occlude_with_object(picture, tilted, 0.5)
    changed = np.argwhere((covered != picture).any(axis=2))
    # the mouth points down: its first half, and its cover, lies above
    assert changed[:, 0].max() <= MOUTH_Y + 1
    assert changed[:, 0].min() < MOUTH_Y - 30


def test_roll_turns_counter_clockwise_about_the_center() -> None:
    pixels = np.zeros((101, 101, 3), np.uint8)
    pixels[48:53, 78:83] = 255  # to the right of the centre
    rotate_annotated = corruptions.roll(pixels, 90, (50, 50))
    bright = np.argwhere(rotate_annotated[..., 0] > 128).mean(axis=0)
    assert bright == pytest.approx((20, 50), abs=1.5)  # now above it
    assert np.array_equal(corruptions.roll(pixels, 0, (50, 50)), pixels)


def test_less_light_is_darker_and_noisier() -> None:
    grey = np.full((100, 100, 3), 180, np.uint8)
    noise = []
    for light in (1.0, 1 / 4, 1 / 16):
        seen = corruptions.low_light(grey, light, np.random.default_rng(0)).astype(float)
        # the brightness expected from the display's gamma
        assert seen.mean() == pytest.approx(180 * light ** (1 / 2.2), rel=0.03)
        noise.append(seen.std() / seen.mean())
    assert noise[0] < noise[1] < noise[2]
    assert noise[2] > 0.03


def test_blur_spreads_and_keeps_the_brightness() -> None:
    line = np.zeros((41, 41, 3), np.uint8)
    line[:, 20] = 200
    soft = corruptions.blur(line, 2.0)[20, :, 0].astype(float)
    assert soft.sum() == pytest.approx(200, rel=0.1)
    columns = np.arange(41)
    spread = np.sqrt((soft * (columns - 20) ** 2).sum() / soft.sum())
    assert spread == pytest.approx(2, rel=0.15)


def test_distance_shrinks_the_face_in_a_picture_of_equal_size() -> None:
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[40:80, 60:100] = 250
    small = corruptions.shrink_scene(pixels, 0.5)
    assert small.shape == pixels.shape
    bright = np.argwhere(small[..., 0] > 128)
    assert np.ptp(bright, axis=0) + 1 == pytest.approx((20, 20), abs=1)
    assert bright.mean(axis=0) == pytest.approx((60, 80), abs=1)
    with pytest.raises(ValueError, match="farther away"):
        corruptions.shrink_scene(pixels, 1.5)


@pytest.mark.parametrize("ratio", [20.0, 10.0, 0.0])
def test_sound_is_added_at_the_requested_ratio(ratio: float) -> None:
    time = np.arange(SOUND_RATE) / SOUND_RATE
    voice = (0.1 * np.sin(2 * np.pi * 200 * time)).astype(np.float32)
    noise = corruptions.pink_noise(np.random.default_rng(1))
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(0.1, rel=1e-3)
    level = float(np.sqrt(np.mean(voice**2)))
    mixed = corruptions.mix_at_snr(voice, noise[:SOUND_RATE], ratio, level, 0.1)
    added = mixed - voice
    measured = 20 * np.log10(level / np.sqrt(np.mean(added**2)))
    assert measured == pytest.approx(ratio, abs=1)
    assert mixed.dtype == np.float32
    with pytest.raises(ValueError, match="needs a level"):
        corruptions.mix_at_snr(voice, voice, 0, level, 0)


def test_overlapping_windows_get_the_same_noise() -> None:
    track = np.arange(10, dtype=np.float32)
    assert corruptions.loop_samples(track, 8, 4).tolist() == [8, 9, 0, 1]
    assert corruptions.loop_samples(track, -2, 3).tolist() == [8, 9, 0]
    first, later = corruptions.loop_samples(track, 3, 6), corruptions.loop_samples(track, 5, 6)
    assert first[2:].tolist() == later[:4].tolist()


def test_corrupted_source_changes_only_what_is_requested() -> None:
    ramp = np.linspace(0, 0.5, SOUND_RATE, dtype=np.float32)
    pictures = [np.full((8, 8, 3), 10 * index, np.uint8) for index in range(2)]

    def stills() -> StillSource:
        return StillSource("x", pictures, seconds=0.4, tick=0.1, sound=ramp, sound_window=0.1)

    starts: list[int] = []

    def on_sound(sound: FloatArray, start: int) -> FloatArray:
        starts.append(start)
        return -sound

    calls: list[float] = []

    def on_picture(pixels: UInt8Array, time: float) -> UInt8Array:
        calls.append(time)
        return 255 - pixels

    with CorruptedSource(stills(), on_picture, on_sound) as source:
        moments = list(source)
    plain = list(stills())
    assert [moment.time for moment in moments] == [moment.time for moment in plain]
    assert calls == [0, 0.2]  # once a picture
    assert moments[0].picture is moments[1].picture  # and the same one when repeated
    assert moments[2].picture.rgb()[0, 0].tolist() == [245] * 3
    assert starts == [0, 4800, 9600]  # no sound before the first window is full
    assert plain[0].sound is None
    assert moments[0].sound is None
    for corrupted, original in zip(moments[1:], plain[1:], strict=True):
        assert corrupted.sound is not None
        assert original.sound is not None
        assert np.array_equal(corrupted.sound, -original.sound)


def test_face_image_gets_a_background() -> None:
    face = np.zeros((50, 100, 3), np.uint8)
    face[:, 50:] = 200
    wide = pad_face_image(face)
    assert wide.shape == (150, 300, 3)
    assert wide[75, 140:160, 0].astype(int).max() == 200
    assert wide[75, 0].tolist() == [0, 0, 0]
    assert wide[0, 299].tolist() == [200, 200, 200]
    with pytest.raises(ValueError, match="needs a picture"):
        StillSource("x", [], seconds=1, tick=0.1)
