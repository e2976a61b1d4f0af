"""Picture and sound of many file formats stay in sync."""

from __future__ import annotations

import gc
import itertools
import struct
import weakref
from pathlib import Path

import numpy as np
import pytest

from sentistream.media import open_source
from sentistream.media.prefetch import prefetch
from sentistream.types import SOUND_RATE, Moment
from synthetic_clips import FLASH, GREY, clicks, flashing, flat, write_clip

CONTAINERS = {
    "mp4": ("mpeg4", "aac", 48_000, "mono"),
    "m4v": ("libx264", "aac", 44_100, "stereo"),
    "mkv": ("libx264", "flac", 22_050, "mono"),
    "webm": ("libvpx", "libopus", 48_000, "stereo"),
    "avi": ("mjpeg", "pcm_s16le", 44_100, "stereo"),
    "mov": ("mpeg4", "pcm_s16le", 8_000, "stereo"),
    "ts": ("libx264", "aac", 44_100, "stereo"),
    "mpg": ("mpeg2video", "mp2", 44_100, "stereo"),
}


def moments(path: Path, tick: float = 0.01, window: float = 0.01) -> list[Moment]:
    with open_source(path, tick=tick, sound_window=window) as source:
        return list(source)


def first_flash(found: list[Moment]) -> float:
    return next(m.time for m in found if m.picture.luma.mean() > (FLASH + GREY) / 2)


def first_click(found: list[Moment]) -> float:
    for moment in found:
        if moment.sound is not None and np.abs(moment.sound).max() > 0.3:
            place = int(np.argmax(np.abs(moment.sound) > 0.3)) - len(moment.sound)
            return moment.time + place / SOUND_RATE
    raise AssertionError("no click was found")


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("late", [0.0, 0.4])
def test_click_and_flash_coincide(tmp_path: Path, kind: str, late: float) -> None:
    codec, sound_codec, rate, layout = CONTAINERS[kind]
    if late and kind in ("avi", "mpg"):
        pytest.skip("this container cannot start late")
    path = write_clip(
        tmp_path / f"clip.{kind}",
        flashing(2, [0.8]),
        clicks(2 - late, rate, [0.8 - late]),
        codec=codec,
        pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p",
        sound_codec=sound_codec,
        sound_rate=rate,
        sound_layout=layout,
        sound_start=late,
    )
    found = moments(path)
    # AAC pre-echo moves a click a few milliseconds earlier; millisecond timestamps are rounded
    assert first_click(found) == pytest.approx(first_flash(found), abs=0.006)
    start = found[0].time
    for moment in found:
        covered = moment.time - 0.01 >= late + 0.03 + start
        assert (moment.sound is not None) or not covered
        if moment.time < late - 0.03:
            assert moment.sound is None


def test_late_first_picture_keeps_sync(tmp_path: Path) -> None:
    pictures = [(time + 0.5, pixels) for time, pixels in flashing(1, [0.4])]
    path = write_clip(tmp_path / "late.mp4", pictures, clicks(1.5, 48_000, [0.9]))
    found = moments(path)
    assert found[0].time == pytest.approx(0.5, abs=0.001)
    assert found[0].sound is not None
    assert first_click(found) == pytest.approx(first_flash(found), abs=0.006)


def test_ticks_are_on_one_clock(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "plain.mp4", flashing(1, []), clicks(3, 48_000))
    found = moments(path, tick=0.03, window=0.06)
    times = [moment.time for moment in found]
    assert times == pytest.approx([0.03 * index for index in range(34)])
    for moment in found:
        # the newest picture at or before the tick, at 25 fps
        assert moment.picture_time == pytest.approx(int(moment.time / 0.04 + 1e-6) * 0.04)
        assert moment.sound is None or moment.sound.shape == (2880,)
    assert found[0].sound is None and found[1].sound is None
    assert all(moment.sound is not None for moment in found[2:])


def test_ticks_within_a_frame_share_the_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "slow.mp4", flashing(1, [], rate=10), rate=10)
    found = moments(path, tick=0.03)
    for before, after in itertools.pairwise(found):
        assert (before.picture is after.picture) == (before.picture_time == after.picture_time)
    assert len({id(moment.picture) for moment in found}) == 10


def test_variable_frame_rate_with_missing_frames_keeps_sync(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.05, 0.055, 0.3, 0.9, 0.901, 1.0]
    pictures = [(time, flat(20 + 25 * index)) for index, time in enumerate(times)]
    path = write_clip(tmp_path / "uneven.mkv", pictures, codec="ffv1")
    for moment in moments(path, tick=0.025):
        newest = max(index for index, time in enumerate(times) if time <= moment.time + 1e-6)
        assert moment.picture_time == pytest.approx(times[newest])
        # 8-bit levels in limited range
        assert moment.picture.luma.mean() == pytest.approx(
            16 + (20 + 25 * newest) * 219 / 255, abs=2
        )


def test_sound_with_holes_and_an_early_end_keeps_sync(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "holes.mkv",
        flashing(3, []),
        clicks(2, 48_000, [1.5]),
        sound_codec="pcm_s16le",
        sound_holes=[(0.5, 1.0)],
    )
    found = moments(path, tick=0.03, window=0.03)
    assert first_click(found) == pytest.approx(1.5, abs=0.002)
    for moment in found:
        in_hole = 0.56 < moment.time < 1.0 or moment.time > 2.03
        is_audible = 0.03 <= moment.time < 0.5 or 1.06 < moment.time < 1.99
        assert not (in_hole and moment.sound is not None)
        assert not (is_audible and moment.sound is None)


def test_wrong_timestamp_does_not_move_the_clock(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "leap.mkv",
        flashing(2, [1.6]),
        clicks(2, 48_000, [1.6]),
        codec="ffv1",
        sound_codec="pcm_s16le",
    )
    # the picture at 0.32 s has timestamp 30 s: track 1, milliseconds within the cluster, no flags
    data = path.read_bytes()
    right, wrong = (b"\x81" + struct.pack(">h", time) + b"\0" for time in (320, 30_000))
    assert data.count(right) == 1
    path.write_bytes(data.replace(right, wrong))
    found = moments(path)
    assert found[-1].time == pytest.approx(1.99, abs=0.02)
    assert first_click(found) == pytest.approx(first_flash(found), abs=0.006)


def test_restarting_clock_is_continued(tmp_path: Path) -> None:
    part = write_clip(
        tmp_path / "part.ts", flashing(2, [0.8]), clicks(2, 48_000, [0.8]), codec="libx264"
    ).read_bytes()
    path = tmp_path / "twice.ts"
    path.write_bytes(part + part)
    found = moments(path)
    times = [moment.time for moment in found]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(4, abs=0.1)
    later = [moment for moment in found if moment.time > 2]
    assert first_click(later) == pytest.approx(first_flash(later), abs=0.07)


def test_very_long_still_is_not_filled(tmp_path: Path) -> None:
    pictures = [(0.0, flat(50)), (0.04, flat(50)), (500.0, flat(90)), (500.04, flat(90))]
    path = write_clip(tmp_path / "pause.mkv", pictures, codec="ffv1")
    with open_source(path, tick=0.1, sound_window=0.1) as source:
        found = list(source)
        assert source.faults.skipped_seconds == pytest.approx(440, abs=1)
    assert len(found) == pytest.approx(601, abs=2)
    assert found[-1].time == pytest.approx(500, abs=0.1)


def test_closing_during_a_read_is_safe(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", flashing(4, []), clicks(4, 48_000))
    source = open_source(path, tick=0.001, sound_window=0.01)
    ahead = prefetch(source, 2)
    assert next(ahead).time == 0
    source.close()  # in the wrong order: the thread is still reading
    assert len(list(ahead)) < 4000
    ahead.close()


def test_file_without_sound_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "mute.mp4", flashing(0.5, []))
    with open_source(path, tick=0.03, sound_window=0.03) as source:
        assert source.info.audio_codec is None
        assert source.info.audio_rate is None
        assert all(moment.sound is None for moment in source)


def test_info_describes_the_streams(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "facts.mp4",
        flashing(1, []),
        clicks(1, 44_100),
        sound_rate=44_100,
        sound_layout="stereo",
    )
    with open_source(str(path), tick=0.03, sound_window=0.03) as source:
        info = source.info
        assert not source.faults
    assert info.name == "facts.mp4"
    assert info.duration == pytest.approx(1.0, abs=0.01)
    assert (info.width, info.height, info.rotation) == (64, 48, 0)
    assert info.frame_rate == pytest.approx(25, abs=0.5)
    assert (info.video_codec, info.audio_codec) == ("mpeg4", "aac")
    assert (info.audio_rate, info.audio_channels, info.live) == (44_100, 2, False)


def test_single_picture_video_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "one.mp4", [(0.0, flat(100))])
    assert len(moments(path, tick=0.03)) in (1, 2)


def test_closed_sources_end(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", flashing(1, []))
    source = open_source(path, tick=0.03, sound_window=0.03)
    moment = next(source)
    source.close()
    source.close()
    assert list(source) == []
    assert moment.picture.rgb().shape == (48, 64, 3)  # earlier moments stay valid


@pytest.mark.parametrize("to_the_end", [True, False])
def test_closed_sources_free_their_buffers_at_once(tmp_path: Path, to_the_end: bool) -> None:
    path = write_clip(tmp_path / "clip.mp4", flashing(1, []), clicks(1, 48_000))
    gc.collect()
    gc.disable()
    try:
        source = open_source(path, tick=0.03, sound_window=0.03)
        next(source)
        if to_the_end:
            for _ in source:
                pass
        source.close()
        gone = weakref.ref(source)
        del source
        assert gone() is None
    finally:
        gc.enable()


def test_real_clips_are_read(real_data: Path) -> None:
    for path in sorted((real_data / "clips").glob("*.mp4")):
        with open_source(path, tick=0.03, sound_window=0.03) as source:
            found = list(source)
            assert source.info.duration is not None
            assert found[-1].time == pytest.approx(source.info.duration, abs=0.1)
            assert not source.faults
            if source.info.audio_codec is not None:
                assert sum(moment.sound is None for moment in found) <= 2
