"""Recordings are heard as videos are: one choice of track, one mix to one channel."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame

from sentistream.errors import InputError
from sentistream.voice.recorded import read_sound

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
    """Sound tracks of 16 bits, each (channels, samples), in a Matroska file."""
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


def test_one_channel_is_read_as_it_is(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "mono.wav", VOICE))
    assert np.array_equal(sound, (VOICE * 32768).astype(np.int16) / np.float32(32768))


def test_channels_in_opposite_phase_do_not_cancel(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "opposite.wav", VOICE, -VOICE))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_a_dead_side_does_not_make_it_quieter(tmp_path: Path) -> None:
    sound = read_sound(write_wav(tmp_path / "one-sided.wav", SILENCE, VOICE))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_a_silent_first_track_is_not_the_voice(tmp_path: Path) -> None:
    tracks = SILENCE[None], np.stack([VOICE, -VOICE])
    sound = read_sound(write_tracks(tmp_path / "two.mka", *tracks))
    assert sound == pytest.approx(VOICE, abs=1e-3)


def test_a_file_without_sound_is_refused_by_name(tmp_path: Path) -> None:
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


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    write_wav(tmp_path / "secret.wav", VOICE)
    path = tmp_path / "voice.wav"
    path.write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(InputError, match=r"voice\.wav cannot be read"):
        read_sound(path)
