"""Streams from real senders: an RTSP server, and MPEG-TS over UDP."""

from __future__ import annotations

import socket
import threading
import time
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import stream_server as cameras
from av import AudioFrame

from free_port import free_port
from rtsp_sender import python_with_gstreamer, rtsp
from sentistream.errors import InputError
from sentistream.media.network_stream import Transport
from sentistream.media.source_factory import open_stream
from sentistream.types import Moment
from synthetic_clips import FLASH, GREY

TICK, WINDOW = 0.03, 0.24

pytestmark = pytest.mark.usefixtures("no_drops")


@pytest.fixture(scope="module")
def gstreamer() -> str:
    """A Python that can serve RTSP."""
    return python_with_gstreamer()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rtsp") / "clip.mp4"
    flashes = [0.6 + number for number in range(20)]
    path.write_bytes(cameras.stream(20, flashes=flashes, size=(160, 120), form="mp4"))
    return path


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_rtsp_is_read_over_each_transport(gstreamer: str, clip: Path, transport: Transport) -> None:
    with (
        rtsp(gstreamer, clip) as (port, _),
        open_stream(
            f"rtsp://127.0.0.1:{port}/camera", tick=TICK, sound_window=WINDOW, transport=transport
        ) as source,
    ):
        assert source.info.live
        assert (source.info.width, source.info.height) == (160, 120)
        assert source.info.audio_codec == "aac"
        moments = list(islice(source, 60))
    _check(moments)


def _check(moments: list[Moment]) -> None:
    assert np.diff([m.time for m in moments]).min() == pytest.approx(TICK)
    bright = [m.time for m in moments if m.picture.luma.mean() > (FLASH + GREY) / 2]
    loud = [
        m.time
        for m in moments
        if m.sound is not None and np.abs(m.sound[-round(TICK * 48_000) :]).max() > 0.3
    ]
    assert bright
    assert loud
    nearest = [min(abs(flash - time) for flash in bright) for time in loud[1:-1]]
    assert not nearest or np.median(nearest) <= 2 * TICK


def test_rtsp_is_read_without_sound(gstreamer: str, clip: Path) -> None:
    with (
        rtsp(gstreamer, clip) as (port, _),
        open_stream(
            f"rtsp://127.0.0.1:{port}/camera", tick=TICK, sound_window=WINDOW, sound=False
        ) as source,
    ):
        assert source.info.audio_codec is None
        assert next(source).sound is None


def test_rtsp_with_a_silent_first_sound_track_uses_the_second(
    gstreamer: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.mp4"
    with av.open(str(clip)) as source, av.open(str(both), "w") as output:
        video = output.add_stream_from_template(source.streams.video[0])
        silent: Any = output.add_stream("aac", rate=48_000, layout="mono")
        sound = output.add_stream_from_template(source.streams.audio[0])
        packets: list[Any] = []
        for number in range(20 * 48_000 // 1024):
            frame = AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, 1024 * number
            packets += silent.encode(frame)
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = video if packet.stream.type == "video" else sound
                packets.append(packet)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    monkeypatch.setenv("SOUNDS", "2")
    with (
        rtsp(gstreamer, both) as (port, _),
        open_stream(f"rtsp://127.0.0.1:{port}/camera", tick=TICK, sound_window=WINDOW) as source,
    ):
        moments = list(islice(source, 90))
        assert source.info.audio_track == 2
        assert "track 2 is used (track 1 is silent)" in source.info.remarks[0]
    _check(moments)


def test_rtsp_with_a_password_is_opened(gstreamer: str, clip: Path) -> None:
    with rtsp(gstreamer, clip, "me", "geheim") as (port, _):
        for login in ("", "me:falsch@"):
            with pytest.raises(InputError, match="wrong user or password") as caught:
                open_stream(
                    f"rtsp://{login}127.0.0.1:{port}/camera", tick=TICK, sound_window=WINDOW
                )
            assert "falsch" not in repr(caught.value)
        address = f"rtsp://me:geheim@127.0.0.1:{port}/camera"
        with open_stream(address, tick=TICK, sound_window=WINDOW) as source:
            next(source)
            assert "geheim" not in repr(source.info)
        with pytest.raises(InputError, match="no such stream"):
            open_stream(address.replace("/camera", "/none"), tick=TICK, sound_window=WINDOW)


def test_rtsp_server_may_die_or_be_closed(gstreamer: str, clip: Path) -> None:
    with rtsp(gstreamer, clip) as (port, process):
        address = f"rtsp://127.0.0.1:{port}/camera"
        left = open_stream(address, tick=TICK, sound_window=WINDOW)
        next(left)
        start = time.monotonic()
        left.close()
        assert time.monotonic() - start < 1.5
        assert not left._thread.is_alive()
        with open_stream(address, tick=TICK, sound_window=WINDOW) as source:
            next(source)
            process.kill()
            start = time.monotonic()
            try:
                list(source)  # it may end, or report a lost connection
            except InputError as error:
                assert "stopped sending" in str(error)
            assert time.monotonic() - start < 5


def test_mpegts_over_udp_is_read() -> None:
    port, ending = free_port(), threading.Event()
    flashes = [0.6 + number for number in range(30)]
    data = cameras.stream(30, flashes=flashes, size=(160, 120))

    def send() -> None:
        start, sent, rate = time.monotonic(), 0, len(data) / 30
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while sent < len(data) and not ending.is_set():
                out.sendto(data[sent : sent + 7 * 188], ("127.0.0.1", port))
                sent += 7 * 188
                ending.wait(max(0.0, start + sent / rate - time.monotonic()))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with open_stream(f"udp://127.0.0.1:{port}", tick=TICK, sound_window=WINDOW) as source:
            assert source.info.live
            moments = list(islice(source, 60))
            start = time.monotonic()
        assert time.monotonic() - start < 1.5
    finally:
        ending.set()
        thread.join()
    _check(moments)
