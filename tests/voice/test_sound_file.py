"""Sound files are read like videos: same track selection, same downmix to one channel."""

from __future__ import annotations

import io
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame

from sentistream.errors import InputError
from sentistream.voice.sound_file import read_sound

RATE = 48_000
VOICE = (0.3 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)).astype(np.float32)
SILENCE = np.zeros(RATE, np.float32)


def write_wav(path: Path, *channels: Any) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.stack(channels, axis=1) * 32768).astype("<i2").tobytes())
    return path


def write_tracks(path: Path, *tracks: Any) -> Path:
    """16-bit sound tracks, each (channels, samples), in a Matroska file."""
    with av.open(str(path), "w") as container:
        streams = []
        for track in tracks:
            stream = container.add_stream("pcm_s16le", rate=RATE)
            stream.codec_context.layout = "mono" if len(track) == 1 else "stereo"
            streams.append(stream)
        for first in range(0, RATE, 4800):
            for stream, track in zip(streams, tracks, strict=True):
                block = (track[:, first : first + 4800].T.reshape(1, -1) * 32768).astype(np.int16)
                layout = "mono" if len(track) == 1 else "stereo"
                frame = AudioFrame.from_ndarray(block, format="s16", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def test_single_channel_is_read_unchanged(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "mono.wav", VOICE))
    assert np.array_equal(sound, (VOICE * 32768).astype(np.int16) / np.float32(32768))


def test_channels_in_opposite_phase_do_not_cancel(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "opposite.wav", VOICE, -VOICE))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_silent_channel_does_not_reduce_the_level(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "one-sided.wav", SILENCE, VOICE))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_silent_first_track_is_not_the_voice(tmp_path: Path) -> None:
    tracks = SILENCE[None], np.stack([VOICE, -VOICE])
    sound = read_sound(write_tracks(tmp_path / "two.mka", *tracks))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_file_without_sound_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "silent film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(
        InputError, match=r"silent film\.mkv cannot be read \(there is none in it\)"
    ):
        read_sound(path)


def mp3(rate: int, seconds: float) -> bytes:
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp3") as container:
        stream: Any = container.add_stream("libmp3lame", rate=rate)
        stream.layout = "mono"
        time = np.arange(round(rate * seconds)) / rate
        sound = (0.3 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
        for first in range(0, len(sound), 1152):
            block = np.ascontiguousarray(sound[None, first : first + 1152])
            frame = AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return memory.getvalue()


def pitch(sound: Any) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound))


def test_sample_rate_change_midway_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "joined.mp3"
    path.write_bytes(mp3(44_100, 2) + mp3(48_000, 2))
    sound = read_sound(path)
    assert len(sound) / RATE == pytest.approx(4, abs=0.15)
    halves = sound[RATE // 2 : RATE * 3 // 2], sound[RATE * 5 // 2 : RATE * 7 // 2]
    assert [pitch(half) for half in halves] == [pytest.approx(300, abs=2)] * 2


def test_damaged_part_is_skipped_and_the_rest_read(tmp_path: Path) -> None:
    content = bytearray(mp3(44_100, 6))
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    path = tmp_path / "damaged.mp3"
    path.write_bytes(content)
    sound = read_sound(path)
    assert 4.5 < len(sound) / RATE < 6.1
    assert pitch(sound[-2 * RATE : -RATE]) == pytest.approx(300, abs=2)


def test_playlist_is_not_followed(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", VOICE)
    path = tmp_path / "voice.wav"
    path.write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(InputError, match=r"voice\.wav cannot be read"):
        read_sound(path)


def test_skipped_share_of_a_damaged_recording_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.flac"
    with av.open(str(broken), "w") as container:
        stream: Any = container.add_stream("flac", rate=RATE)
        stream.codec_context.layout, stream.codec_context.format = "mono", "s16"
        noise = np.random.default_rng(0).normal(0, 3000, 2 * RATE).astype(np.int16)
        for first in range(0, len(noise), 4096):
            block = noise[None, first : first + 4096]
            frame = AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(read_sound(broken)) == 2 * RATE
    assert caplog.messages == []
    cut = tmp_path / "cut.flac"
    cut.write_bytes(broken.read_bytes()[: broken.stat().st_size * 3 // 5])
    seconds = len(read_sound(cut)) / RATE
    (message,) = caplog.messages
    assert f"{cut} is damaged: {2 - seconds:.2f} s of its sound were left out" in message
    caplog.clear()
    damaged = bytearray(broken.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 20_000] = bytes(20_000)
    broken.write_bytes(damaged)
    read = read_sound(broken)
    (message,) = caplog.messages
    assert f"{broken} is damaged: " in message
    assert f"{len(read) / RATE:.2f} s were read" in message
