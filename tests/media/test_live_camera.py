"""Live cameras: reconnection, numbering and closing."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stream_server as cameras

from sentistream import Camera
from sentistream.backoff import Backoff
from sentistream.errors import InputError
from sentistream.types import Reading, UInt8Array
from synthetic_clips import moving_face, write_clip


@pytest.fixture
def server() -> Iterator[cameras.Server]:
    with cameras.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnects at once."""
    monkeypatch.setattr("sentistream.camera.Backoff", lambda: Backoff(delays=(0.1,)))


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> bytes:
    """A second of a face, as a stream."""
    path = tmp_path_factory.mktemp("face") / "face.ts"
    return write_clip(path, moving_face(portrait, 25)).read_bytes()


def read_until(readings: Iterator[Reading], holds: Callable[[Reading], bool]) -> list[Reading]:
    """Readings up to the first that meets a condition."""
    found = []
    for reading in readings:
        found.append(reading)
        if holds(reading):
            return found
    raise AssertionError("The camera has ended.")


def test_reconnection_continues_times_and_track_numbers(
    server: cameras.Server, face: bytes
) -> None:
    address = server.add(cameras.paced(face, 1.0))
    with Camera(address) as camera:
        assert list(camera.newest) == []
        tracks: set[int] = set()

        def second(reading: Reading) -> bool:
            tracks.update([reading.track] if reading.track else [])
            return len(tracks) == 2

        found = read_until(iter(camera), second)
        assert camera.newest[-1] == found[-1]
        assert camera.problem is None
    assert len(server.requests) >= 2
    assert tracks == {1, 2}
    times = [reading.time for reading in found]
    assert times == sorted(times)
    assert times[-1] > 1


def test_camera_that_never_opened_fails_at_once(server: cameras.Server) -> None:
    with (
        Camera(f"{server.address}/none") as camera,
        pytest.raises(InputError, match="no such stream"),
    ):
        next(iter(camera))


def test_reconnection_gives_up_after_the_limit(server: cameras.Server, face: bytes) -> None:
    address = server.add(cameras.paced(face, 0.5))
    with Camera(address, patience=0.3) as camera:
        readings = iter(camera)
        next(readings)
        server.cameras.clear()
        with pytest.raises(InputError, match="no such stream"):
            list(readings)
        assert "no such stream" in str(camera.problem)
    with pytest.raises(ValueError, match="at least 0"):
        Camera(0, patience=-1)


def test_recording_is_refused_as_a_camera(tmp_path: Path, face: bytes) -> None:
    path = tmp_path / "face.mkv"
    path.write_bytes(face)
    with Camera(str(path)) as camera, pytest.raises(InputError, match="is a recording"):
        next(iter(camera))


def test_closing_from_another_thread_ends_the_camera(server: cameras.Server) -> None:
    camera = Camera(server.add(cameras.paced(cameras.stream(20), 20)))
    threading.Timer(1.5, camera.close).start()
    began = time.monotonic()
    assert list(camera)
    assert time.monotonic() - began < 15
    camera.close()


def test_event_loop_reads_two_cameras_concurrently(server: cameras.Server, face: bytes) -> None:
    addresses = [server.add(cameras.paced(face, 1.0), name=name) for name in ("a", "b")]

    async def read(address: str) -> list[Reading]:
        found = []
        async with Camera(address) as camera:
            async for reading in camera:
                found.append(reading)
                if len(found) == 10:
                    break
        return found

    async def both() -> list[list[Reading]]:
        return await asyncio.gather(*map(read, addresses))

    one, other = asyncio.run(both())
    assert len(one) == len(other) == 10


def test_table_of_an_endless_source_is_refused(server: cameras.Server) -> None:
    from sentistream import analyze, tables

    address = server.add(cameras.paced(cameras.stream(2), 2))
    with analyze(address) as analysis:
        with pytest.raises(InputError, match="has no end"):
            analysis.to_arrow()
        assert tables.to_arrow(itertools.islice(analysis, 5), 0.5).num_rows == 5
