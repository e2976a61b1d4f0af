"""The written video: times, sound in sync, valid after any failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sentistream.errors import OutputError
from sentistream.media import open_source
from sentistream.media.video_writer import VideoWriter
from sentistream.types import SOUND_RATE, Box
from synthetic_clips import FLASH, GREY, clicks, flashing, flat, write_clip


def test_times_size_and_color_are_kept(tmp_path: Path) -> None:
    times = [0.0, 0.03, 0.1, 0.5, 0.53]
    colour = np.full((33, 65, 3), (200, 90, 40), np.uint8)
    with VideoWriter(tmp_path / "out.mp4", width=65, height=33) as writer:
        for time in times:
            writer.write(time, colour)
    with open_source(tmp_path / "out.mp4", tick=0.01, sound_window=0.01) as source:
        assert (source.info.width, source.info.height) == (66, 34)
        found = list(source)
        assert not source.faults
    assert sorted({round(moment.picture_time, 3) for moment in found}) == times
    shown = found[0].picture.crop(Box(8, 8, 24, 24), 4, 4)
    assert np.abs(shown.astype(int) - colour[0, 0]).max() <= 8


@pytest.mark.parametrize(("kind", "late"), [("mp4", 0.0), ("mkv", 0.4)])
def test_sound_stays_in_sync(tmp_path: Path, kind: str, late: float) -> None:
    original = write_clip(
        tmp_path / f"in.{kind}",
        flashing(3, [0.8, 2.4]),
        clicks(3 - late, 44_100, [0.8 - late, 2.4 - late]),
        sound_rate=44_100,
        sound_layout="stereo",
        sound_start=late,
    )
    with (
        open_source(original, tick=0.04, sound_window=0.04) as source,
        VideoWriter(tmp_path / "out.mp4", width=64, height=48, sound_from=original) as writer,
    ):
        for moment in source:
            writer.write(moment.time, moment.picture.rgb())
    with open_source(tmp_path / "out.mp4", tick=0.01, sound_window=0.01) as source:
        assert source.info.audio_channels == 2
        found = list(source)
    bright = [m.time for m in found if m.picture.luma.mean() > (FLASH + GREY) / 2]
    loud = [
        m.time + (int(np.argmax(np.abs(m.sound) > 0.3)) - len(m.sound)) / SOUND_RATE
        for m in found
        if m.sound is not None and np.abs(m.sound).max() > 0.3
    ]
    assert bright[0] == pytest.approx(0.8, abs=0.002)
    assert loud[0] == pytest.approx(bright[0], abs=0.006)
    assert loud[-1] == pytest.approx(bright[-1] - 0.03, abs=0.01)
    assert found[-1].time == pytest.approx(2.99, abs=0.02)
    assert all(m.sound is not None for m in found[3:-3])


def test_exception_leaves_a_valid_file(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        VideoWriter(tmp_path / "out.mp4", width=64, height=48) as writer,
    ):
        for index in range(10):
            writer.write(index / 25, flat(100))
        raise KeyboardInterrupt
    with open_source(tmp_path / "out.mp4", tick=0.04, sound_window=0.04) as source:
        assert len(list(source)) == 10


def test_killed_process_leaves_a_playable_file(tmp_path: Path) -> None:
    script = (
        "import os, sys, numpy as np\n"
        "from sentistream.media.video_writer import VideoWriter\n"
        "writer = VideoWriter(sys.argv[1], width=64, height=48)\n"
        "for index in range(400):\n"
        "    writer.write(index / 25, np.full((48, 64, 3), index % 250, np.uint8))\n"
        "os._exit(9)\n"
    )
    target = tmp_path / "killed.mp4"
    result = subprocess.run([sys.executable, "-c", script, str(target)], check=False)  # noqa: S603
    assert result.returncode == 9
    with open_source(target, tick=0.04, sound_window=0.04) as source:
        assert len(list(source)) >= 240


def test_writing_nothing_is_no_error(tmp_path: Path) -> None:
    VideoWriter(tmp_path / "out.mp4", width=64, height=48).close()


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        VideoWriter(tmp_path / "none" / "out.mp4", width=64, height=48)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_reported() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        VideoWriter("/dev/full", width=320, height=240) as writer,
    ):
        for index in range(200):
            writer.write(index / 25, np.roll(noise, index, axis=1))


def test_pictures_must_be_in_order(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", width=64, height=48) as writer:
        writer.write(0.1, flat(9))
        with pytest.raises(ValueError, match="in order"):
            writer.write(0.1, flat(9))
        with pytest.raises(ValueError, match="shape"):
            writer.write(0.2, flat(9, width=62))
