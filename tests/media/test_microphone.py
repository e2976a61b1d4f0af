"""Pictures and sound from two inputs, such as a webcam and a microphone.

Neither exists here: two HTTP streams with the same kind of timestamps replace them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import stream_server as cameras

from sentistream.errors import InputError
from sentistream.media import capture_devices
from sentistream.media.live_source import LiveSource
from sentistream.media.network_stream import open_address
from sentistream.media.source_factory import open_webcam
from sentistream.types import SOUND_RATE, Moment
from synthetic_clips import FLASH, GREY

TICK, WINDOW = 0.02, 0.04
LENGTH = 1.8
FLASHES = [0.88, 1.48]


pytestmark = pytest.mark.usefixtures("no_drops")


@pytest.fixture
def server() -> Iterator[cameras.Server]:
    with cameras.serve() as server:
        yield server


def both(server: cameras.Server, pictures_from: float, sound_from: float) -> LiveSource:
    """Two inputs that start together, with these timestamps."""
    ready = threading.Barrier(2, timeout=10)

    def together(data: bytes) -> cameras.Send:
        def send(write: cameras.Write) -> None:
            ready.wait()
            cameras.paced(data, LENGTH)(write)

        return send

    seen = cameras.stream(LENGTH, start=pictures_from, flashes=FLASHES, sound=False)
    sound = cameras.stream(LENGTH, start=sound_from, flashes=FLASHES, pictures=False)
    addresses = [
        server.add(together(seen), name="pictures"),
        server.add(together(sound), name="sound"),
    ]
    opened: list[object] = [None, None]

    def open_one(number: int) -> None:
        opened[number] = open_address(addresses[number])

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    container, microphone = opened
    return LiveSource(
        container,  # type: ignore[arg-type]
        name="Camera 0",
        tick=TICK,
        sound_window=WINDOW,
        microphone=microphone,  # type: ignore[arg-type]
    )


def times(moments: list[Moment]) -> tuple[list[float], list[float]]:
    """When a bright picture and when a click begins."""
    bright = [m.time for m in moments if m.picture.luma.mean() > (FLASH + GREY) / 2]
    loud = []
    for moment in moments:
        if moment.sound is not None and np.abs(moment.sound).max() > 0.3:
            at = int(np.argmax(np.abs(moment.sound) > 0.3)) - len(moment.sound)
            loud.append(moment.time + at / SOUND_RATE)
    return bright, loud


def test_inputs_on_one_clock_are_synchronized(server: cameras.Server) -> None:
    """By their capture timestamps, whatever the arrival times."""
    with both(server, 1000.0, 1000.0) as source:
        assert source.info.audio_codec == "aac"
        bright, loud = times(list(source))
    assert bright
    assert loud
    assert min(abs(bright[-1] - time) for time in loud) < 0.05


def test_inputs_on_different_clocks_are_synchronized(server: cameras.Server) -> None:
    """By their arrival times."""
    with both(server, 1000.0, 7000.0) as source:
        bright, loud = times(list(source))
    assert bright
    assert loud
    assert min(abs(bright[-1] - time) for time in loud) < 0.4


def test_lost_microphone_leaves_the_pictures(server: cameras.Server) -> None:
    short = cameras.stream(1, start=1000, pictures=False)
    seen = cameras.stream(3, start=1000, sound=False)
    container = open_address(server.add(cameras.paced(seen, 1.5), name="pictures"))
    microphone = open_address(server.add(short, name="sound"))
    with LiveSource(
        container, name="Camera 0", tick=TICK, sound_window=WINDOW, microphone=microphone
    ) as source:
        moments = list(source)
    assert moments[-1].time > 2.5
    assert moments[-1].sound is None


def test_hanging_input_is_closed(server: cameras.Server) -> None:
    def hanging(pictures: bool) -> cameras.Send:
        def send(write: cameras.Write) -> None:
            write(cameras.stream(1, pictures=pictures, sound=not pictures))
            server.wait()

        return send

    container = open_address(server.add(hanging(True), name="pictures"))
    microphone = open_address(server.add(hanging(False), name="sound"))
    source = LiveSource(
        container, name="Camera 0", tick=TICK, sound_window=WINDOW, microphone=microphone
    )
    next(source)
    time.sleep(0.2)  # until both wait for more
    start = time.monotonic()
    source.close()
    assert time.monotonic() - start < 1.5
    assert not [thread for thread in threading.enumerate() if thread.name == "microphone"]


def test_missing_devices_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="There is no camera 99"):
        open_webcam(99, tick=TICK, sound_window=WINDOW)
    with pytest.raises(InputError, match="The microphone hw:97 cannot be opened") as caught:
        capture_devices.open_microphone("hw:97")
    assert "arecord" in caught.value.way_out
    monkeypatch.setattr("av.formats_available", frozenset())
    with pytest.raises(InputError, match="lacks ALSA"):
        capture_devices.open_microphone("hw:97")
