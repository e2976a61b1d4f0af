"""Network streams, from a small server in the test itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sentistream.errors import InputError
from sentistream.media import Camera, capture_devices, list_cameras, open_source
from sentistream.media.bounded_queue import BoundedQueue
from sentistream.types import SOUND_RATE
from synthetic_clips import FLASH, GREY, clicks, flashing, write_clip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that plays the test folder's files as endless streams."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = tmp_path / self.path.strip("/")
            if not path.is_file():
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(path.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_stream_keeps_sound_and_picture_in_sync(tmp_path: Path, server: str) -> None:
    write_clip(
        tmp_path / "camera.ts",
        [(time + 5, pixels) for time, pixels in flashing(2, [0.8])],
        clicks(2, 48_000, [0.8]),
        codec="libx264",
        sound_start=5.0,
        codec_options={"bf": "0"},
    )
    with open_source(f"{server}/camera.ts", tick=0.01, sound_window=0.01) as source:
        assert source.info.live
        assert source.info.duration is None
        assert (source.info.width, source.info.height) == (64, 48)
        found = list(source)
        dropped = source.faults.dropped_moments
    assert len(found) + dropped == pytest.approx(200, abs=5)
    for moment in found:
        assert 0 <= moment.picture_time <= moment.time < 2.01
    bright = [m.time for m in found if m.picture.luma.mean() > (FLASH + GREY) / 2]
    loud = [
        m.time + (int(np.argmax(np.abs(m.sound) > 0.3)) - len(m.sound)) / SOUND_RATE
        for m in found
        if m.sound is not None and np.abs(m.sound).max() > 0.3
    ]
    if bright and loud and not dropped:
        assert loud[0] == pytest.approx(bright[0], abs=0.006)


def test_close_before_the_end_returns(tmp_path: Path, server: str) -> None:
    write_clip(tmp_path / "camera.ts", flashing(20, []), codec="libx264")
    source = open_source(f"{server}/camera.ts", tick=0.03, sound_window=0.03)
    next(source)
    source.close()
    source.close()
    assert list(source) == []


def test_missing_stream_is_reported(server: str) -> None:
    with pytest.raises(InputError, match="cannot be opened") as caught:
        open_source(server.replace("//", "//me:secret@") + "/none.ts", tick=0.03, sound_window=0.03)
    assert "secret" not in str(caught.value)


def test_full_queue_drops_the_oldest() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3, drop_oldest=True)
    for item in range(10):
        assert queue.put(item)
    queue.end()
    assert queue.dropped == 7
    assert [queue.take() for _ in range(3)] == [7, 8, 9]
    with pytest.raises(StopIteration):
        queue.take()


def test_empty_queue_is_waited_for_until_the_timeout() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    with pytest.raises(TimeoutError):
        queue.take(0.01)
    queue.put(1)
    assert queue.take(0.01) == 1


def test_cameras_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices, facts = tmp_path / "dev", tmp_path / "facts"
    devices.mkdir()
    for number, name, index in ((10, "Desk", "0"), (2, "Door", "0"), (3, "Door", "1")):
        (devices / f"video{number}").touch()
        (facts / f"video{number}").mkdir(parents=True)
        (facts / f"video{number}" / "name").write_text(f"{name}\n")
        (facts / f"video{number}" / "index").write_text(f"{index}\n")
    (devices / "videos").touch()
    linux = capture_devices._Linux
    monkeypatch.setattr(linux, "devices", devices)
    monkeypatch.setattr(linux, "facts", facts)
    assert list_cameras() == (
        Camera(2, str(devices / "video2"), "Door"),
        Camera(10, str(devices / "video10"), "Desk"),
    )
    assert str(list_cameras()[0]) == f"2: Door ({devices / 'video2'})"
    monkeypatch.setattr(linux, "devices", tmp_path / "none")
    assert list_cameras() == ()
