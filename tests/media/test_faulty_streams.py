"""Streams with the faults of real cameras and networks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import stream_server as cameras

from sentistream.errors import InputError
from sentistream.media import live_source, network_stream
from sentistream.media.receive_clock import MAX_BEHIND
from sentistream.media.source_factory import open_stream
from sentistream.types import SOUND_RATE, Moment
from synthetic_clips import FLASH, GREY

TICK, WINDOW = 0.02, 0.04


pytestmark = pytest.mark.usefixtures("no_drops")


@pytest.fixture
def server() -> Iterator[cameras.Server]:
    with cameras.serve() as server:
        yield server


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_stream, "OPEN_TIMEOUT", 1.0)
    monkeypatch.setattr(network_stream, "READ_TIMEOUT", 1.0)
    monkeypatch.setattr(live_source, "READ_TIMEOUT", 1.0)


def read(address: str) -> tuple[list[Moment], live_source.LiveSource]:
    with open_stream(address, tick=TICK, sound_window=WINDOW) as source:
        return list(source), source


def bright(moments: list[Moment]) -> list[float]:
    """When a bright picture begins."""
    found = [m.time for m in moments if m.picture.luma.mean() > (FLASH + GREY) / 2]
    return _first_of_each(found)


def loud(moments: list[Moment]) -> list[float]:
    """When a click begins."""
    found = []
    for moment in moments:
        if moment.sound is not None and np.abs(moment.sound).max() > 0.3:
            at = int(np.argmax(np.abs(moment.sound) > 0.3)) - len(moment.sound)
            found.append(moment.time + at / SOUND_RATE)
    return _first_of_each(found)


def _first_of_each(times: list[float]) -> list[float]:
    return [t for before, t in zip([-9.0, *times], times, strict=False) if t - before > 0.2]


def test_restarted_or_jumping_timestamps_are_continued(server: cameras.Server) -> None:
    """A camera that restarts at zero, an hour ahead or a day back continues the media clock."""
    parts = [cameras.stream(0.8, start=start, flashes=[0.4]) for start in (100, 0, 3700, 5)]
    moments, source = read(server.add(cameras.paced(b"".join(parts), 3.2)))
    assert source.faults.skipped_seconds == 0
    assert np.allclose(np.diff([moment.time for moment in moments]), TICK)
    assert bright(moments) == pytest.approx([0.4, 1.2, 2.0, 2.8], abs=0.4)
    assert len(loud(moments)) == 4
    # sound and picture stay in sync across every jump
    assert loud(moments) == pytest.approx(bright(moments), abs=0.05)


def test_wrapping_timestamps_are_continued(server: cameras.Server) -> None:
    """MPEG-TS counts to 2**33 at 90 kHz, which takes 26.5 hours."""
    wrap = 2**33 / 90_000
    data = cameras.stream(2.4, start=wrap - 1, flashes=[0.4, 1.6])
    moments, _ = read(server.add(cameras.paced(data, 1)))
    assert np.allclose(np.diff([moment.time for moment in moments]), TICK)
    assert bright(moments) == pytest.approx([0.4, 1.6], abs=0.03)
    assert loud(moments) == pytest.approx([0.4, 1.6], abs=0.03)


def test_pictures_may_change_their_size(server: cameras.Server) -> None:
    data = cameras.stream(1, size=(64, 48)) + cameras.stream(
        1, start=1, size=(48, 96), flashes=[number / 25 for number in range(25)]
    )
    with open_stream(server.add(data), tick=TICK, sound_window=WINDOW) as source:
        moments = list(source)
        assert source.info.sizes == ((64, 48), (48, 96))
        assert source.faults.size_changes == 1
    sizes = [(m.picture.width, m.picture.height) for m in moments]
    assert set(sizes) == {(64, 48), (48, 96)}
    assert sizes == sorted(sizes, reverse=True)
    assert moments[-1].picture.luma.min() > 150


@pytest.mark.parametrize(
    ("sound", "begin", "end"), [(False, 0.0, 0.0), (True, 1.0, 9.0), (True, 0.0, 1.0)]
)
def test_missing_late_or_ending_sound_is_tolerated(
    server: cameras.Server, sound: bool, begin: float, end: float
) -> None:
    data = cameras.stream(2.2, sound=sound, sound_from=begin, sound_to=end)
    moments, _ = read(server.add(cameras.paced(data, 1.1)))
    assert moments[-1].time > 1.9
    for moment in moments:
        is_audible = sound and begin + 0.1 < moment.time < min(end, 2.0) - 0.1
        silent = not begin - 0.1 < moment.time < end + 0.1
        assert (moment.sound is not None) or not is_audible, moment.time
        assert (moment.sound is None) or not silent, moment.time


@pytest.mark.usefixtures("short_timeouts")
def test_stalled_stream_times_out(server: cameras.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packet that FFmpeg returns at its time limit does not count as received data."""
    # late enough that the packet is too old to be decoded
    monkeypatch.setattr(network_stream, "READ_TIMEOUT", MAX_BEHIND + 0.5)

    def stalling(write: cameras.Write) -> None:
        write(cameras.stream(1))
        server.wait()

    with open_stream(server.add(stalling), tick=TICK, sound_window=WINDOW) as source:
        started = time.monotonic()
        with pytest.raises(InputError, match=r"stopped sending \(no answer\)"):
            list(source)
        assert time.monotonic() - started < 5


def test_closing_a_stalled_stream_returns(server: cameras.Server) -> None:
    def stalling(write: cameras.Write) -> None:
        write(cameras.stream(1))
        server.wait()

    source = open_stream(server.add(stalling), tick=TICK, sound_window=WINDOW)
    next(source)
    time.sleep(0.3)  # until it waits for more
    started = time.monotonic()
    source.close()
    assert time.monotonic() - started < 1
    assert not source._thread.is_alive()


@pytest.mark.usefixtures("short_timeouts")
def test_sound_without_pictures_ends_the_stream(server: cameras.Server) -> None:
    def sound_only(write: cameras.Write) -> None:
        both = cameras.stream(1)
        write(both)
        only_sound = cameras.stream(6, start=1, pictures=False)
        # the same program: what a camera sends when its picture freezes
        for number in range(60):
            write(only_sound[number * 3760 : (number + 1) * 3760])
            time.sleep(0.1)

    with (
        open_stream(server.add(sound_only), tick=TICK, sound_window=WINDOW) as source,
        pytest.raises(InputError, match=r"no pictures any more|stopped sending"),
    ):
        list(source)


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.parametrize("kind", ["nothing", "hangs up", "trickle", "rubbish", "text", "sound"])
def test_invalid_stream_is_reported(server: cameras.Server, kind: str) -> None:
    def trickle(write: cameras.Write) -> None:
        for _ in range(100):
            write(b"G")
            time.sleep(0.1)

    def garbage(write: cameras.Write) -> None:
        for _ in range(200):
            write(os.urandom(65_536))

    sends: dict[str, cameras.Send | bytes] = {
        "nothing": lambda _: server.wait(),
        "hangs up": b"",
        "trickle": trickle,
        "rubbish": garbage,
        "text": b"<html>Log in</html>",
        "sound": cameras.stream(1, pictures=False),
    }
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        open_stream(server.add(sends[kind]), tick=TICK, sound_window=WINDOW)
    assert caught.value.way_out
    assert time.monotonic() - started < 6


def test_garbage_midway_is_skipped(server: cameras.Server) -> None:
    data = cameras.stream(2.4, flashes=[0.4, 1.8])
    middle = len(data) // 2

    def damaged_stream(write: cameras.Write) -> None:
        cameras.paced(data[:middle], 0.8)(write)
        write(os.urandom(200_000))
        cameras.paced(data[middle:], 0.8)(write)

    moments, _ = read(server.add(damaged_stream))
    assert bright(moments)[0] == pytest.approx(0.4, abs=0.03)
    assert bright(moments)[-1] == pytest.approx(1.8, abs=0.3)
    assert loud(moments)[-1] == pytest.approx(bright(moments)[-1], abs=0.05)


@pytest.mark.parametrize("kind", ["jpegs", "h264"])
def test_pictures_without_timestamps_take_their_arrival_times(
    server: cameras.Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """FFmpeg would assume 25 fps for ten JPEGs a second, and so on."""
    monkeypatch.setattr(network_stream, "ANALYZED", 0.5)
    bare = cameras.stream(5, sound=False, form="h264")
    send = cameras.jpegs(2, 10) if kind == "jpegs" else cameras.paced(bare, 2.5)
    with open_stream(server.add(send), tick=TICK, sound_window=WINDOW) as source:
        started = time.monotonic()
        last = max(moment.time for moment in source)
        assert last == pytest.approx(time.monotonic() - started, abs=0.4)
        assert last > 0.5


@pytest.mark.parametrize("kind", ["hls", "dash", "concat"])
def test_stream_that_redirects_elsewhere_is_refused(server: cameras.Server, kind: str) -> None:
    elsewhere = server.add(cameras.stream(1), name="elsewhere")
    text = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{elsewhere}\n#EXT-X-ENDLIST\n",
        "dash": f"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period>"
        f"<AdaptationSet><Representation><BaseURL>{elsewhere}</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>",
        "concat": f"ffconcat version 1.0\nfile {elsewhere}\n",
    }
    with pytest.raises(InputError, match="cannot be opened"):
        open_stream(server.add(text[kind].encode()), tick=TICK, sound_window=WINDOW)
    assert server.requests == ["/camera"]


def test_closing_leaves_no_threads_or_connections(server: cameras.Server) -> None:
    address = server.add(cameras.stream(1))
    read(address)
    handles = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(10):
        source = open_stream(address, tick=TICK, sound_window=WINDOW)
        next(source)
        source.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        named = [t for t in threading.enumerate() if t.name.startswith("source http")]
        # the server may need a moment to close its side of a connection
        if not named and len(os.listdir("/proc/self/fd")) <= handles + 1:  # noqa: PTH208
            return
        time.sleep(0.05)
    raise AssertionError(named or "handles are left open")
