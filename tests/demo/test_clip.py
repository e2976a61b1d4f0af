"""The demonstration clip follows its script in picture and sound."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("dlib", reason="needs the extra 'paper'")

import dlib

from sentistream.demo import make_clip, repeat_clip, script
from sentistream.demo.portrait import Portrait
from sentistream.demo.speech import speak
from sentistream.errors import InputError, OutputError
from sentistream.media import open_source
from sentistream.types import SOUND_RATE, Box
from sentistream.vision.dlib_landmarks import LandmarkPredictor

SIZE = (640, 360)
WIDE_OPEN = 0.81
SMILING, SERIOUS, AWAY = 0.3, 5.9, 9.2
"""Times at which the mouth is open, closed smiling, closed neutral, and the face is absent."""


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait()


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(
        tmp_path_factory.mktemp("clip") / "short.mp4", duration=1.6, size=SIZE, frame_rate=10
    )


@cache
def _dlib() -> tuple[Any, LandmarkPredictor]:
    """A face detector and a landmark predictor, cached: loading takes a second."""
    return dlib.get_frontal_face_detector(), LandmarkPredictor()


def landmarks(portrait: Portrait, time: float) -> np.ndarray:
    luma = np.ascontiguousarray(portrait.draw(time, SIZE).mean(axis=2).astype(np.uint8))
    detector, predictor = _dlib()
    (found,) = detector(luma, 0)
    box = Box(found.left(), found.top(), found.right() + 1, found.bottom() + 1)
    return predictor.predict(luma, box)


def lip_gap(points: np.ndarray) -> float:
    """Distance of the inner lips, as a share of the face's width."""
    gap = points[[65, 66, 67], 1].mean() - points[[61, 62, 63], 1].mean()
    return float(gap / np.ptp(points[:, 0]))


def test_mouth_opens_as_scripted(portrait: Portrait) -> None:
    assert script.opening(WIDE_OPEN) > 0.9
    assert lip_gap(landmarks(portrait, WIDE_OPEN)) > 0.09
    for time in (SMILING, SERIOUS):
        assert script.opening(time) == 0
        assert abs(lip_gap(landmarks(portrait, time))) < 0.03


def test_smile_fades(portrait: Portrait) -> None:
    def corners_up(points: np.ndarray) -> float:
        rise = points[[62, 66], 1].mean() - points[[48, 54], 1].mean()
        return float(rise / np.ptp(points[:, 0]))

    smiling = corners_up(landmarks(portrait, SMILING))
    serious = corners_up(landmarks(portrait, SERIOUS))
    assert serious < 0.6 * smiling


def test_face_leaves_the_picture(portrait: Portrait) -> None:
    gray = np.ascontiguousarray(portrait.draw(AWAY, SIZE).mean(axis=2).astype(np.uint8))
    assert len(_dlib()[0](gray, 1)) == 0


def test_voice_is_audible_exactly_while_the_mouth_speaks() -> None:
    sound = speak()
    assert sound.dtype == np.float32
    assert len(sound) == round(script.LENGTH * SOUND_RATE)
    assert np.abs(sound).max() <= 1
    times = np.arange(len(sound)) / SOUND_RATE
    speaking = np.zeros(len(sound), dtype=bool)
    for start, end in script.SPEAKING:
        speaking |= (times > start - 0.01) & (times < end + 0.01)
    assert not sound[~speaking].any()
    loudness = np.array([np.abs(part).max() for part in np.split(sound, 256)])
    opening = np.array([script.opening((number + 0.5) * 0.05) for number in range(256)])
    assert np.corrcoef(loudness, opening)[0, 1] > 0.7


def test_vowels_have_their_formants() -> None:
    sound = speak()
    first = script.syllables()[0]
    start, end = (round(at * SOUND_RATE) for at in (first.start + 0.08, first.end - 0.08))
    part = sound[start:end] * np.hanning(end - start)
    spectrum = np.abs(np.fft.rfft(part, SOUND_RATE))
    # an "a" is strongest near its first two formants, 850 and 1220 Hz
    assert 700 < int(spectrum.argmax()) < 1400


def test_clip_is_read_back_completely(short: Path) -> None:
    with open_source(short, tick=0.03, sound_window=0.03) as source:
        moments = list(source)
        assert (source.info.width, source.info.height) == SIZE
        assert source.info.video_codec == "h264"
        assert source.info.audio_rate == SOUND_RATE
    assert moments[-1].time == pytest.approx(1.6, abs=0.15)
    loud = [m.time for m in moments if m.sound is not None and np.abs(m.sound).max() > 0.05]
    assert loud[0] == pytest.approx(script.SPEAKING[0][0], abs=0.1)


def test_copies_join_seamlessly(short: Path, tmp_path: Path) -> None:
    long = repeat_clip(short, tmp_path / "long.mp4", duration=8.0)
    with av.open(str(long)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert np.diff(times) == pytest.approx(np.full(79, 0.1), abs=1e-3)
    with av.open(str(long)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / SOUND_RATE == pytest.approx(8.0, abs=0.05)


def test_long_clip_consists_of_copies(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "long.mp4", duration=26, size=(160, 90), frame_rate=2, sound=False)
    with av.open(str(clip)) as container:
        assert not container.streams.audio
        assert len(list(container.decode(video=0))) == 52


def test_progress_is_reported(tmp_path: Path) -> None:
    shares: list[float] = []
    make_clip(
        tmp_path / "a.mp4", duration=0.4, size=(64, 64), frame_rate=10, on_progress=shares.append
    )
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize(
    "wrong", [{"duration": 0}, {"duration": -1}, {"size": (641, 360)}, {"frame_rate": 0}]
)
def test_impossible_clips_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError):
        make_clip(tmp_path / "a.mp4", **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_unwritable_path_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        make_clip(tmp_path / "file" / "a.mp4", duration=0.1, size=SIZE)


def test_repeating_another_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(InputError, match="cannot be copied"):
        repeat_clip(tmp_path / "notes.mp4", tmp_path / "b.mp4", duration=1)
