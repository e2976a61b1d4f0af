"""Downmixing to one channel preserves a voice."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame

from sentistream.media import open_source
from sentistream.media.downmix import Downmixer
from sentistream.media.sound import SoundBuffer
from synthetic_clips import flashing, write_clip

RATE = 48_000
VOICE = (0.3 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)).astype(np.float32)
NONE = np.zeros(RATE, np.float32)
MUSIC = (0.2 * np.sin(2 * np.pi * 90 * np.arange(RATE) / RATE)).astype(np.float32)
SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")


def level(sound: Any) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


@pytest.mark.parametrize(
    ("names", "channels"),
    [
        (("FL", "FR"), [VOICE, VOICE]),
        (("FL", "FR"), [VOICE, -VOICE]),
        (("FL", "FR"), [VOICE, -0.8 * VOICE]),
        (("FL", "FR"), [VOICE, NONE]),
        (("FL", "FR"), [NONE, VOICE]),
        (SURROUND, [MUSIC, MUSIC, VOICE, MUSIC, MUSIC, MUSIC]),
        (SURROUND, [VOICE, -VOICE, NONE, MUSIC, NONE, NONE]),
        (SURROUND, [NONE, NONE, NONE, MUSIC, VOICE, VOICE]),
        (("FL", "FR", "BL", "BR"), [VOICE, VOICE, -MUSIC, MUSIC]),
        (("UNK", "UNK"), [VOICE, -VOICE]),
    ],
)
def test_voice_keeps_its_level(names: tuple[str, ...], channels: list[Any]) -> None:
    mixer = Downmixer(names)
    blocks = np.split(np.stack(channels).astype(np.float32), 50, axis=1)
    mixed = np.concatenate([mixer.mix(block) for block in blocks])
    likeness = abs(np.corrcoef(mixed, VOICE)[0, 1])
    assert likeness > 0.98
    assert level(mixed) == pytest.approx(level(VOICE), rel=0.15)


def test_ordinary_stereo_is_averaged() -> None:
    mixer = Downmixer(("FL", "FR"))
    mixed = mixer.mix(np.stack([VOICE, MUSIC]))
    assert np.allclose(mixed, (VOICE + MUSIC) / 2, atol=1e-6)
    assert mixer.cancelling == 0


def test_phase_cancellation_is_counted() -> None:
    mixer = Downmixer(("FL", "FR"))
    mixer.mix(np.stack([VOICE, -VOICE]))
    assert mixer.cancelling == RATE


def test_damaged_samples_have_no_lasting_effect() -> None:
    mixer = Downmixer(("FL", "FR"))
    broken = np.full((2, 100), np.nan, np.float32)
    broken[0, 3] = np.inf
    assert np.isfinite(mixer.mix(broken)).all()
    assert np.isfinite(mixer.mix(np.stack([VOICE, VOICE]))).all()


def frames(left: Any, right: Any) -> list[AudioFrame]:
    found = []
    for first in range(0, len(left), 960):
        block = np.stack([left[first : first + 960], right[first : first + 960]])
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(block.astype(np.float32)), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        found.append(frame)
    return found


def test_live_sound_uses_the_same_downmix() -> None:
    buffer = SoundBuffer()
    for place, frame in enumerate(frames(VOICE, -VOICE)):
        buffer.add(frame, place * 0.02)
    sound = buffer.window(RATE // 4, RATE // 2)
    assert sound is not None
    assert level(sound) == pytest.approx(level(VOICE), rel=0.05)
    assert buffer.cancelling == pytest.approx(1.0, abs=0.05)


def test_file_in_opposite_phase_is_audible(tmp_path: Path) -> None:
    path = tmp_path / "phase.mkv"
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream("flac", rate=RATE)
        audio.codec_context.layout = "stereo"
        audio.codec_context.format = "s16"
        packets: list[Any] = []
        for time, pixels in flashing(1, []):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = round(time * 25), Fraction(1, 25)
            packets += video.encode(picture)
        resampler = av.AudioResampler("s16", "stereo", RATE)
        for frame in frames(VOICE, -VOICE):
            packets += [each for one in resampler.resample(frame) for each in audio.encode(one)]
        for packet in sorted([*packets, *video.encode(None), *audio.encode(None)], key=_when):
            container.mux(packet)
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        sounds = [moment.sound for moment in source if moment.sound is not None]
        assert source.faults.cancelling_seconds == pytest.approx(1.0, abs=0.1)
    assert level(sounds[4]) == pytest.approx(level(VOICE), rel=0.05)


def test_equal_channels_are_as_loud_as_one(tmp_path: Path) -> None:
    levels = []
    for codec, layout in (("aac", "mono"), ("aac", "stereo"), ("flac", "stereo")):
        path = tmp_path / f"{codec}-{layout}.mkv"
        write_clip(path, flashing(1, []), VOICE, sound_codec=codec, sound_layout=layout)
        with open_source(path, tick=0.1, sound_window=0.1) as source:
            levels.append(level([m.sound for m in source if m.sound is not None][5]))
    assert max(levels) == pytest.approx(min(levels), rel=0.05)


def _when(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


@pytest.mark.parametrize("channels", [2, 3, 6, 7, 8, 9, 16])
def test_any_number_of_channels_is_mixed(tmp_path: Path, channels: int) -> None:
    """Also layouts without channel positions."""
    path = tmp_path / "many.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.repeat((VOICE * 32767).astype("<i2")[:, None], channels, 1).tobytes())
    buffer = SoundBuffer()
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(audio=0)):
            buffer.add(frame, 0.0 if number == 0 else None)
    buffer.flush()
    sound = buffer.samples(12_000, 36_000)[0][0]
    assert level(sound) == pytest.approx(level(VOICE), rel=0.05)


@pytest.mark.parametrize("layout", ["5.1", "7.1", "quad", "hexadecagonal"])
def test_known_channel_positions_keep_the_level(layout: str) -> None:
    count = av.AudioLayout(layout).nb_channels
    frame = AudioFrame.from_ndarray(
        np.repeat(VOICE[:, None], count, 1).reshape(1, -1), format="flt", layout=layout
    )
    frame.sample_rate = RATE
    buffer = SoundBuffer()
    buffer.add(frame, 0.0)
    buffer.flush()
    assert level(buffer.samples(12_000, 36_000)[0][0]) == pytest.approx(level(VOICE), rel=0.05)
