"""The moments are the same however picture and sound are interleaved in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from av.container import InputContainer

from sentistream.media import demux, file_source, open_source
from sentistream.media.container import open_file
from sentistream.types import FloatArray
from synthetic_clips import clicks, flat, write_clip

MomentData = list[tuple[float, float, FloatArray | None]]


def moment_data(path: Path) -> MomentData:
    with open_source(path, tick=0.03, sound_window=0.03) as source:
        moments = [(moment.time, moment.picture_time, moment.sound) for moment in source]
        assert not source.faults
    return moments


def assert_same(first: MomentData, second: MomentData) -> None:
    assert len(first) == len(second) > 50
    for one, other in zip(first, second, strict=True):
        assert one[:2] == other[:2]
        assert (one[2] is None) == (other[2] is None)
        if one[2] is not None and other[2] is not None:
            assert np.array_equal(one[2], other[2])


@pytest.fixture(params=["mp4", "mkv", "avi"])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pictures = [(index / 25, flat(40 + index % 50 * 4)) for index in range(75)]
    return write_clip(tmp_path / f"in.{request.param}", pictures, clicks(3, 48_000, [0.5, 2]))


def count_openings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths of all files opened from now on."""
    opened: list[Path] = []

    def open_and_count(path: Path) -> InputContainer:
        opened.append(path)
        return open_file(path)

    monkeypatch.setattr(file_source, "open_file", open_and_count)
    return opened


@pytest.mark.parametrize("most", [0, 700])
def test_separately_read_sound_is_identical(
    clip: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = moment_data(clip)
    assert any(sound is not None and np.abs(sound).max() > 0.5 for _, _, sound in together)
    opened = count_openings(monkeypatch)
    monkeypatch.setattr(demux, "MAX_WAITING", most)
    assert_same(moment_data(clip), together)
    assert len(opened) == 2


def test_usual_file_is_opened_once(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = count_openings(monkeypatch)
    moment_data(clip)
    assert len(opened) == 1
