"""Of a live stream's tracks, those with content are selected, as in files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stream_server as cameras
from click.testing import CliRunner
from test_track_selection import RATE, tone, write

from sentistream.cli import main
from sentistream.media import live_source, live_track_selection
from sentistream.media.source_factory import open_stream
from sentistream.types import Moment

TICK = 0.1
SECONDS = 1.0


pytestmark = pytest.mark.usefixtures("no_drops")


@pytest.fixture
def server() -> Iterator[cameras.Server]:
    with cameras.serve() as server:
        yield server


def stream(
    folder: Path, sounds: Sequence[np.ndarray[Any, Any]], pictures: Sequence[int | None] = (None,)
) -> bytes:
    codecs = ["mp2"] * len(sounds)
    return write(folder / "stream.ts", sounds, pictures, codecs).read_bytes()


def read(
    address: str, audio_track: int | None = None
) -> tuple[list[Moment], live_source.LiveSource]:
    with open_stream(address, tick=TICK, sound_window=TICK, audio_track=audio_track) as source:
        return list(source), source


def hertz(moment: Moment) -> float:
    """The tone that is heard; 0 for silence."""
    assert moment.sound is not None
    if np.abs(moment.sound).max() < 0.01:
        return 0.0
    spectrum = np.abs(np.fft.rfft(moment.sound))
    return float(np.argmax(spectrum) * RATE / len(moment.sound))


def test_silent_first_track_is_not_the_voice(server: cameras.Server, tmp_path: Path) -> None:
    address = server.add(stream(tmp_path, [np.zeros(RATE), tone(700)]))
    moments, source = read(address)
    assert hertz(moments[5]) == pytest.approx(700, abs=15)
    assert (source.info.live, source.info.audio_track) == (True, 2)
    assert source.info.remarks == ("Of 2 tracks of sound, track 2 is used (track 1 is silent).",)
    moments, source = read(address, audio_track=1)
    assert hertz(moments[5]) == 0
    assert source.info.audio_track == 1


def test_silent_track_that_starts_later_is_passed_over(
    server: cameras.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.add(stream(tmp_path, [tone(400, 3, begin=2), tone(700, 3)]))
    moments, source = read(address)
    assert source.info.audio_track == 1
    assert source.info.remarks == ("Of 2 tracks of sound, track 1 is used.",)
    assert hertz(moments[3]) == pytest.approx(700, abs=15)
    assert hertz(moments[-3]) == pytest.approx(400, abs=15)
    # not forever: a track that was silent for long stays unselected
    monkeypatch.setattr(live_track_selection, "MAX_SWITCH_SECONDS", 0.5)
    moments, source = read(address)
    assert source.info.audio_track == 2
    assert hertz(moments[-3]) == pytest.approx(700, abs=15)


def test_first_track_is_selected_if_all_are_silent(server: cameras.Server, tmp_path: Path) -> None:
    _, source = read(server.add(stream(tmp_path, [np.zeros(RATE), np.zeros(RATE)])))
    assert source.info.audio_track == 1


@pytest.mark.parametrize(
    ("pictures", "number"), [((90, None), 2), ((None, 90), 1), ((90, 40), 1), ((90, 90, None), 3)]
)
def test_empty_first_picture_track_is_passed_over(
    server: cameras.Server, tmp_path: Path, pictures: Sequence[int | None], number: int
) -> None:
    moments, source = read(server.add(stream(tmp_path, [tone(400)], pictures)))
    assert source.info.video_track == number
    assert (
        f"Of {len(pictures)} tracks of pictures, track {number} is used" in (source.info.remarks[0])
    )
    empty = "track 1 is empty" in source.info.remarks[0]
    assert empty == (pictures[0] is not None)
    # what was read to select the tracks is not lost
    assert moments[0].time == 0
    assert moments[-1].time == pytest.approx(SECONDS, abs=0.2)
    assert (moments[0].picture.luma.std() > 5) == (None in pictures)
    assert hertz(moments[5]) == pytest.approx(400, abs=15)


def test_selection_is_reported(server: cameras.Server, tmp_path: Path) -> None:
    address = server.add(stream(tmp_path, [np.zeros(RATE), tone(700)], [90, None]))
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["analyze", address, "--out", str(out)])
    assert result.exit_code == 0, result.output
    facts = json.loads((out / "summary.json").read_text("utf-8"))["input"]
    assert (facts["video_track"], facts["audio_track"], facts["audio_codec"]) == (2, 2, "mp2")
    for statement in ("track 2 is used (track 1 is empty)", "track 2 is used (track 1 is silent)"):
        assert statement in " ".join(facts["remarks"])
        assert statement in result.output
