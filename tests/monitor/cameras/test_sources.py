"""From settings to moments: files played as cameras, the demonstration clip, addresses, webcams."""

from __future__ import annotations

import logging
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from clips import FLASH, GREY, clicks, flashing, write_clip
from sentistream.demo import make_clip
from sentistream.errors import InputError
from sentistream.media.source import Source
from sentistream.monitor.cameras.demonstration import CLIP, DEMO, ready_clip
from sentistream.monitor.cameras.job import CameraOpener
from sentistream.monitor.cameras.sources import open_camera
from sentistream.monitor.settings import CameraSettings
from sentistream.types import SOUND_RATE

TICK, WINDOW = 0.02, 0.1


def camera(source: object, **settings: object) -> CameraSettings:
    return CameraSettings.model_validate({"source": str(source), **settings})


def opened(settings: CameraSettings, folder: Path) -> Source:
    return open_camera(settings, tick=TICK, sound_window=WINDOW)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second: a flash and a click in the middle of it."""
    return write_clip(
        tmp_path / "clip.mp4", flashing(1.0, [0.4]), clicks(1.0, 48_000, [0.4]), codec="libx264"
    )


def test_a_file_begins_again_without_a_seam(clip: Path, tmp_path: Path) -> None:
    flashes: list[float] = []
    loud: list[float] = []
    times: list[float] = []
    silent = 0
    with opened(camera(clip, pace=2.0), tmp_path) as source:
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
    # the first window needs its sound to come; later none is missing
    assert silent <= WINDOW / TICK


def test_a_file_is_played_at_its_pace(clip: Path, tmp_path: Path) -> None:
    with opened(camera(clip, pace=4.0), tmp_path) as source:
        begun = time.monotonic() - next(source).time / 4
        passed = next(m.time for m in source if m.time >= 2.0) / 4
        assert time.monotonic() - begun == pytest.approx(passed, abs=0.2)


def test_a_file_does_not_wait_for_who_is_slow(clip: Path, tmp_path: Path) -> None:
    with opened(camera(clip), tmp_path) as source:
        first = next(source)
        begun = time.monotonic()
        deadline = begun + 20
        moment = first
        while time.monotonic() < deadline and not source.faults.dropped_moments:
            time.sleep(0.5)  # what is tested: somebody slow
            moment = next(source)
        assert source.faults.dropped_moments > 0
        newest = [next(source) for _ in range(16)][-1]
        assert newest.time > moment.time
        assert newest.time - first.time == pytest.approx(time.monotonic() - begun, abs=0.3)


def test_thousands_of_loops_in_the_same_memory(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "tiny.mp4", flashing(0.08, []), clicks(0.08, 48_000))
    settings = camera(clip, pace=100)
    with opened(settings, tmp_path) as source:
        held: list[tuple[int, int]] = []
        begun = time.monotonic()
        for moment in source:
            if moment.time > (len(held) + 1) * 16:  # each two hundred loops
                held.append((_memory(), len(list(Path("/proc/self/fd").iterdir()))))
            if len(held) == 6 or time.monotonic() - begun > 20:
                break
    assert len(held) >= 3
    memory, handles = zip(*held, strict=True)
    assert max(memory[2:]) - memory[1] < 8_000, memory
    assert max(handles) <= handles[0] + 2


def _memory() -> int:
    """Resident, kB."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError


def test_without_sound_no_sound_is_decoded(clip: Path, tmp_path: Path) -> None:
    with opened(camera(clip, sound=False, pace=10), tmp_path) as source:
        assert source.info.audio_codec is None
        assert all(next(source).sound is None for _ in range(60))


def test_a_file_that_is_gone_ends_the_camera(clip: Path, tmp_path: Path) -> None:
    with opened(camera(clip, pace=5), tmp_path) as source:
        next(source)
        clip.unlink()
        with pytest.raises(InputError, match="There is no file"):
            list(source)


def test_the_demonstration_clip_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("skimage")
    made: list[Path] = []

    def short(path: Path, *, size: tuple[int, int]) -> Path:
        made.append(path)
        return make_clip(path, duration=0.4, size=(320, 180))

    monkeypatch.setattr("sentistream.demo.make_clip", short)
    clip = tmp_path / "new" / "folder" / CLIP
    settings = CameraOpener(camera(DEMO), clip)
    assert "being drawn" in settings.preparing
    for _ in range(2):
        settings.prepare()
        assert not settings.preparing
        with settings.open(tick=TICK, sound_window=WINDOW) as source:
            assert next(source).picture.width == 320
    assert len(made) == 1
    assert [path.name for path in clip.parent.iterdir()] == [CLIP]


def test_half_a_demonstration_clip_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("skimage")
    monkeypatch.setattr(
        "sentistream.demo.make_clip",
        lambda path, *, size: make_clip(path, duration=0.4, size=(320, 180)),
    )
    (tmp_path / f".{CLIP}").write_bytes(b"half")  # as a killed worker leaves it
    ready_clip(tmp_path / CLIP)
    with CameraOpener(camera(DEMO), tmp_path / CLIP).open(tick=TICK, sound_window=WINDOW) as source:
        assert next(source).picture.width == 320


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("99", "There is no camera 99"),
        ("/no/such/file.mp4", "There is no file"),
        ("no\0file", "zero bytes"),
        ("gopher://host/x", "begin with gopher"),
        ("file:///etc/passwd", "begin with file"),
        ("http://127.0.0.1:1/x", "nobody listens"),
        ("rtsp://me:se/cr@et@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_what_cannot_be_read(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words) as caught:
        opened(camera(source), tmp_path)
    assert caught.value.way_out


@pytest.mark.parametrize("place", ["http://me:geheim@{}/x", "http://{}/x?user=me&pwd=geheim"])
def test_a_password_is_nowhere(
    place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = camera(place.format("127.0.0.1:1"))
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError) as caught:
        opened(settings, tmp_path)
    logging.getLogger("test").error("failed", exc_info=caught.value)
    chain: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        chain += [str(error), repr(error), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    output = capfd.readouterr()
    shown = "".join([*chain, caplog.text, output.out, output.err, repr(settings)])
    assert "geheim" not in shown


def test_not_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tick"):
        open_camera(camera("0"), tick=0.0, sound_window=0.1)
