"""From settings to moments: files played as cameras, addresses, webcams."""

from __future__ import annotations

import dataclasses
import logging
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from sentistream.errors import InputError
from sentistream.media import MediaInfo, simulated_camera
from sentistream.media.source import Source
from sentistream.monitor.cameras import capture
from sentistream.monitor.cameras.capture import open_camera
from sentistream.monitor.settings import CameraSettings
from sentistream.types import SOUND_RATE
from synthetic_clips import FLASH, GREY, clicks, flashing, write_clip

TICK, WINDOW = 0.02, 0.1


def camera(source: object, **settings: object) -> CameraSettings:
    return CameraSettings.model_validate({"source": str(source), **settings})


def opened(settings: CameraSettings) -> Source:
    return open_camera(settings, tick=TICK, sound_window=WINDOW)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second, with a flash and a click in the middle."""
    return write_clip(
        tmp_path / "clip.mp4", flashing(1.0, [0.4]), clicks(1.0, 48_000, [0.4]), codec="libx264"
    )


def test_file_loops_seamlessly(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_camera, "QUEUE", 100_000)
    monkeypatch.setattr(simulated_camera, "MAX_BEHIND", 60.0)
    flashes: list[float] = []
    loud: list[float] = []
    times: list[float] = []
    silent = 0
    with opened(camera(clip, pace=2.0)) as source:
        assert source.info.live
        assert source.info.duration is None
        for moment in source:
            times.append(moment.time)
            assert moment.picture_time <= moment.time
            if moment.picture.luma.mean() > (FLASH + GREY) / 2:
                flashes.append(moment.time)
            if moment.sound is None:
                silent += 1
            elif np.abs(moment.sound).max() > 0.3:
                at = int(np.argmax(np.abs(moment.sound) > 0.3)) - len(moment.sound)
                loud.append(moment.time + at / SOUND_RATE)
            if moment.time > 3.3:
                break
        assert source.faults.dropped_moments == 0
    assert times == sorted(times)
    assert np.allclose(np.diff(times), TICK)
    assert [round(f - 0.4) for f in flashes[::2]] == [0, 1, 2]
    for number in range(3):
        clicked = [time - number for time in loud if number < time < number + 1]
        assert clicked == pytest.approx([0.4] * len(clicked), abs=0.008)
        assert clicked
    # the first window waits for its sound; later none is missing
    assert silent <= WINDOW / TICK


def test_file_is_played_at_its_pace(clip: Path) -> None:
    with opened(camera(clip, pace=4.0)) as source:
        start = time.monotonic() - next(source).time / 4
        passed = next(m.time for m in source if m.time >= 2.0) / 4
        assert time.monotonic() - start == pytest.approx(passed, abs=0.3)


def test_file_does_not_wait_for_a_slow_reader(clip: Path) -> None:
    with opened(camera(clip)) as source:
        first = next(source)
        start = time.monotonic()
        deadline = start + 20
        moment = first
        while time.monotonic() < deadline and not source.faults.dropped_moments:
            time.sleep(0.5)  # tests a slow reader
            moment = next(source)
        assert source.faults.dropped_moments > 0
        newest = [next(source) for _ in range(16)][-1]
        assert newest.time > moment.time
        assert newest.time - first.time == pytest.approx(time.monotonic() - start, abs=0.3)


def test_thousands_of_loops_use_constant_memory(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "tiny.mp4", flashing(0.08, []), clicks(0.08, 48_000))
    settings = camera(clip, pace=100)
    with opened(settings) as source:
        held: list[tuple[int, int]] = []
        start = time.monotonic()
        for moment in source:
            if moment.time > (len(held) + 1) * 16:  # two hundred loops each
                held.append((_memory(), len(list(Path("/proc/self/fd").iterdir()))))
            if len(held) == 6 or time.monotonic() - start > 20:
                break
    assert len(held) >= 3
    memory, handles = zip(*held, strict=True)
    assert max(memory[2:]) - memory[1] < 8_000, memory
    assert max(handles) <= handles[0] + 2


def _memory() -> int:
    """Resident set size, kB."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError


def test_disabled_sound_is_not_decoded(clip: Path) -> None:
    with opened(camera(clip, sound=False, pace=10)) as source:
        assert source.info.audio_codec is None
        assert all(next(source).sound is None for _ in range(60))


def test_deleted_file_ends_the_camera(clip: Path) -> None:
    with opened(camera(clip, pace=5)) as source:
        next(source)
        clip.unlink()
        with pytest.raises(InputError, match="There is no file"):
            list(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("99", "There is no camera 99"),
        ("/no/such/file.mp4", "There is no file"),
        ("no\0file", "zero bytes"),
        ("gopher://host/x", "begin with gopher"),
        ("file:///etc/passwd", "begin with file"),
        ("http://127.0.0.1:1/x", "nothing listens"),
        ("rtsp://me:se/cr@et@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_unreadable_source_is_reported(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        opened(camera(source))
    assert caught.value.way_out


@pytest.mark.parametrize("place", ["http://me:geheim@{}/x", "http://{}/x?user=me&pwd=geheim"])
def test_password_is_not_in_logs_or_errors(
    place: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = camera(place.format("127.0.0.1:1"))
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError) as caught:
        opened(settings)
    logging.getLogger("test").error("failed", exc_info=caught.value)
    chain: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain += [str(error), repr(error), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    output = capfd.readouterr()
    shown = "".join([*chain, caplog.text, output.out, output.err, repr(settings)])
    assert "geheim" not in shown


def test_nonpositive_tick_is_refused() -> None:
    with pytest.raises(ValueError, match="tick"):
        open_camera(camera("0"), tick=0.0, sound_window=0.1)


class Stream:
    """Fake opened stream."""

    def __init__(self, width: int, height: int, remarks: tuple[str, ...]) -> None:
        self.info = dataclasses.replace(INFO, width=width, height=height, remarks=remarks)
        self.closed = False

    def close(self) -> None:
        self.closed = True


INFO = MediaInfo(
    name="a", container="rtsp", duration=None, width=1, height=1, frame_rate=None, rotation=0,
    video_codec="h264", audio_codec=None, audio_rate=None, audio_channels=None, live=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "small", "read", "remark"),
    [
        ("main", (1280, 720), "main", ""),
        ("auto", (1280, 720), "small", ""),
        ("auto", (720, 1280), "small", ""),
        ("auto", (640, 360), "main", "Its pictures are too small."),
        ("auto", None, "main", "It does not answer."),
        ("sub", (640, 360), "small", ""),
    ],
)
def test_main_or_substream_is_selected(
    monkeypatch: pytest.MonkeyPatch,
    stream: str,
    small: tuple[int, int] | None,
    read: str,
    remark: str,
) -> None:
    created: dict[str, Stream] = {}

    def open_stream(address: str, *, remarks: tuple[str, ...], **_: object) -> Stream:
        if address.endswith("small") and small is None:
            raise InputError("It does not answer.", "Check it.")
        size = small if address.endswith("small") and small else (1920, 1080)
        created[address.rpartition("/")[2]] = Stream(*size, remarks)
        return created[address.rpartition("/")[2]]

    monkeypatch.setattr(capture, "open_stream", open_stream)
    settings = camera("rtsp://a/main", small_source="rtsp://a/small", stream=stream)
    source = opened(settings)
    assert source is created[read]  # type: ignore[comparison-overlap]
    assert not created[read].closed
    expected = f"The smaller stream is not used. {remark}" if remark else ""
    assert "".join(created[read].info.remarks) == expected
    assert all(one.closed for name, one in created.items() if name != read)


def test_missing_substream_is_remarked() -> None:
    with pytest.raises(ValueError, match="no smaller stream is given"):
        camera("rtsp://a/main", stream="sub")


def test_passwords_of_both_streams_are_hidden() -> None:
    created = camera("rtsp://u:first@a/main", small_source="rtsp://u:second@a/small")
    assert {"first", "second"} <= created.secrets
