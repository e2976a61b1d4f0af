"""Of several tracks, those that are decodable and have content are selected."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import AudioFrame, VideoFrame
from click.testing import CliRunner

from sentistream.cli import main
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.track_selection import list_tracks
from synthetic_clips import flat

RATE = 48_000


def tone(hertz: float, seconds: float = 1.0, begin: float = 0.0) -> np.ndarray[Any, Any]:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.where(time >= begin, 0.3 * np.sin(2 * np.pi * hertz * time), 0.0)


def write(
    path: Path,
    sounds: Sequence[np.ndarray[Any, Any]],
    pictures: Sequence[int | None] = (None,),
    codecs: Sequence[str] = (),
    titles: Sequence[str] = (),
) -> Path:
    """A clip with several tracks: of pictures (a level, or None for stripes), and of sound."""
    with av.open(str(path), "w") as container:
        packets: list[Any] = []
        seconds = max([1.0, *(len(sound) / RATE for sound in sounds)])
        for level in pictures:
            video: Any = container.add_stream("mpeg4", rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            pixels = flat(level or 0)
            if level is None:
                pixels[:, ::8] = 200
            for number in range(round(25 * seconds)):
                frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                packets += video.encode(frame)
            packets += video.encode(None)
        for place, sound in enumerate(sounds):
            codec = codecs[place] if codecs else "flac"
            audio: Any = container.add_stream(codec, rate=RATE)
            audio.codec_context.layout = "mono"
            audio.codec_context.format = "s16"
            if titles:
                audio.metadata["title"] = titles[place]
            size = 1024
            for first in range(0, len(sound), size):
                block = (sound[None, first : first + size] * 32767).astype(np.int16)
                audible_tone = AudioFrame.from_ndarray(block, format="s16", layout="mono")
                audible_tone.sample_rate, audible_tone.pts, audible_tone.time_base = (
                    RATE,
                    first,
                    Fraction(1, RATE),
                )
                packets += audio.encode(audible_tone)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def audible_tone(path: Path, *, audio_track: int | None = None) -> float:
    """The frequency of the tone in the middle, Hz; 0 for none."""
    with open_source(path, tick=0.1, sound_window=0.1, audio_track=audio_track) as source:
        sounds = [moment.sound for moment in source]
    sound = sounds[len(sounds) // 2]
    assert sound is not None
    if np.abs(sound).max() < 0.01:
        return 0.0
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.argmax(spectrum) * RATE / len(sound))


def undecodable(path: Path) -> Path:
    """Change every FLAC track to an unknown codec."""
    path.write_bytes(path.read_bytes().replace(b"A_FLAC", b"A_FLAX"))
    return path


def test_undecodable_track_is_passed_over(tmp_path: Path) -> None:
    sounds = [tone(400), tone(700)]
    path = undecodable(write(tmp_path / "a.mkv", sounds, codecs=["flac", "pcm_s16le"]))
    assert audible_tone(path) == pytest.approx(700, abs=15)
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        assert (source.info.audio_track, source.info.audio_codec) == (2, "pcm_s16le")
        (remark,) = source.info.remarks
    assert "track 2 is used (track 1 cannot be decoded)" in remark
    with pytest.raises(InputError, match="cannot decode"):
        open_source(path, tick=0.1, sound_window=0.1, audio_track=1)


def test_silent_first_track_is_not_the_voice(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [np.zeros(RATE), tone(700)])
    assert audible_tone(path) == pytest.approx(700, abs=15)
    assert audible_tone(path, audio_track=1) == 0


def test_late_sound_does_not_make_a_track_silent(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [tone(400, 8, begin=5), tone(700, 8)])
    assert list_tracks(path)[1].chosen


def test_first_track_is_selected_if_all_are_silent(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [np.zeros(RATE), np.zeros(RATE)])
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        assert source.info.audio_track == 1


@pytest.mark.parametrize("number", [1, 2])
def test_track_is_selected_by_number(tmp_path: Path, number: int) -> None:
    path = write(tmp_path / "a.mkv", [tone(400), tone(700)])
    assert audible_tone(path, audio_track=number) == pytest.approx([400, 700][number - 1], abs=15)


def test_missing_track_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [tone(400)])
    for video, audio in ((None, 2), (3, None)):
        with pytest.raises(InputError, match="has no track"):
            open_source(path, tick=0.1, sound_window=0.1, video_track=video, audio_track=audio)


def test_empty_first_picture_track_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [], pictures=[0, None])
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        assert source.info.video_track == 2
        assert next(source).picture.luma.std() > 20
        assert "track 1 is empty" in source.info.remarks[0]
    with open_source(path, tick=0.1, sound_window=0.1, video_track=1) as source:
        assert next(source).picture.luma.std() < 5


def test_summary_reports_the_selection(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [np.zeros(RATE), tone(700)])
    result = CliRunner().invoke(main, ["analyze", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert (facts["input"]["video_track"], facts["input"]["audio_track"]) == (1, 2)
    assert "track 1 is silent" in facts["input"]["remarks"][0]
    assert "track 1 is silent" in result.output
    chosen = ["--audio-track", "1", "--json", "--out", str(tmp_path / "other")]
    result = CliRunner().invoke(main, ["analyze", str(path), *chosen])
    assert json.loads(result.output)["input"]["audio_track"] == 1


def test_doctor_lists_the_tracks(tmp_path: Path) -> None:
    sounds, titles = [np.zeros(RATE), tone(700)], ["Music", "Voice"]
    path = write(tmp_path / "a.mkv", sounds, titles=titles)
    output = CliRunner().invoke(main, ["doctor", str(path)])
    assert output.exit_code == 0
    lines = output.output.splitlines()
    assert lines[1].startswith("  video 1: mpeg4")
    assert "Music" in lines[2]
    assert lines[2].endswith("silent")
    assert "Voice" in lines[3]
    assert lines[3].endswith("chosen")
    assert lines[4].endswith(" s of pictures were read. Nothing in it is damaged.")
    assert len(CliRunner().invoke(main, ["doctor", "--quick", str(path)]).output.splitlines()) == 4
    missing = CliRunner().invoke(main, ["doctor", str(tmp_path / "b.mkv")])
    assert (missing.exit_code, "There is no file" in missing.output) == (2, True)


def test_closed_terminal_is_not_an_internal_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [tone(400)])
    with Path("/dev/full").open("w") as full:
        listing = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-m", "sentistream", "doctor", str(path)],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert listing.returncode == 2
    assert "no space left" in listing.stderr
    assert "went wrong inside" not in listing.stderr
