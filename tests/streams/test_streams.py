from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

import sentistream
from sentistream.errors import InputError
from sentistream.streams import StreamEnd, StreamMoment, analyze_streams
from sentistream.types import Reading, UInt8Array
from synthetic_clips import clicks, flat, moving_face, write_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> list[Path]:
    """Two with a moving face, one without."""
    folder = tmp_path_factory.mktemp("clips")
    paths = []
    for number, step in enumerate((2, -2)):
        pictures = moving_face(portrait, 20, step=step)
        paths.append(
            write_clip(folder / f"face{number}.mp4", pictures, clicks(0.8, 48_000, (0.3,)))
        )
    paths.append(write_clip(folder / "empty.mp4", [(i / 25, flat(90)) for i in range(20)]))
    return paths


def alone(path: Path) -> list[tuple[Reading, ...]]:
    with sentistream.analyze(path) as analysis:
        return [readings for _, readings in analysis.moments()]


def same(one: Reading, other: Reading) -> bool:
    if one.smoothed is None or other.smoothed is None:
        return one.label is other.label and one.smoothed is other.smoothed
    return (
        one.time == other.time
        and one.track == other.track
        and one.smoothed.as_tuple() == pytest.approx(other.smoothed.as_tuple(), abs=1e-4)
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_parallel_streams_equal_single_ones(clips: list[Path], workers: int) -> None:
    found_readings: dict[int, list[tuple[Reading, ...]]] = {
        number: [] for number in range(len(clips))
    }
    ends = []
    with analyze_streams(clips, workers=workers) as streams:
        assert len(streams.processes) == workers
        for event in streams:
            if isinstance(event, StreamEnd):
                ends.append(event)
            else:
                assert event.latency >= 0
                found_readings[event.stream].append(event.readings)
    assert sorted(end.stream for end in ends) == [0, 1, 2]
    assert all(end.problem is None for end in ends)
    for number, path in enumerate(clips):
        expected = alone(path)
        assert len(found_readings[number]) == len(expected)
        for received, wanted in zip(found_readings[number], expected, strict=True):
            assert all(same(*pair) for pair in zip(received, wanted, strict=True))
    assert any(reading.face for readings in found_readings[0] for reading in readings)


def test_streams_track_no_more_faces_than_requested(tmp_path: Path, portrait: UInt8Array) -> None:
    twice = np.concatenate((portrait, portrait), axis=1)
    source = write_clip(tmp_path / "two.mp4", [(i / 25, twice) for i in range(8)])
    with analyze_streams([source], max_faces=1) as streams:
        found_readings = [event.readings for event in streams if not isinstance(event, StreamEnd)]
    assert {len(readings) for readings in found_readings} == {1}
    assert {readings[0].left_out for readings in found_readings} == {1}


def test_bad_source_ends_with_its_reason_and_others_continue(clips: list[Path]) -> None:
    with analyze_streams([clips[0].with_name("none.mp4"), clips[2]], workers=1) as streams:
        events = list(streams)
    (bad,) = [e for e in events if isinstance(e, StreamEnd) and e.stream == 0]
    assert isinstance(bad.problem, InputError)
    assert bad.problem.way_out
    assert sum(isinstance(event, StreamMoment) for event in events) > 10


def test_recordings_may_start_at_different_times(clips: list[Path]) -> None:
    """Further apart than their length: one is over before the next begins."""
    with analyze_streams([clips[2]] * 3, workers=1, paced=True, apart=3.0) as streams:
        order = [event.stream for event in streams]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}


def test_killed_worker_ends_its_streams_with_a_reason(clips: list[Path]) -> None:
    with analyze_streams(clips, workers=2) as streams:
        killed, _ = streams.processes
        os.kill(killed, signal.SIGKILL)
        ends = {event.stream: event.problem for event in streams if isinstance(event, StreamEnd)}
    assert isinstance(ends[0], InputError)
    assert isinstance(ends[2], InputError)
    assert ends[1] is None


def test_workers_end_with_the_pool(clips: list[Path]) -> None:
    streams = analyze_streams(clips, workers=2)
    processes = streams.processes
    next(streams)
    streams.close()
    streams.close()
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert list(streams) == []


def test_empty_input_and_zero_workers_are_refused() -> None:
    with pytest.raises(InputError, match="nothing"):
        analyze_streams([])
    with pytest.raises(ValueError, match="worker"):
        analyze_streams(["clip.mp4"], workers=0)
    with pytest.raises(ValueError, match="one face"):
        analyze_streams(["clip.mp4"], max_faces=0)


def test_errors_keep_their_hint_between_processes() -> None:
    import pickle

    error = sentistream.MissingExtraError("This", "train")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(back) is type(error)
    assert (back.problem, back.way_out) == (error.problem, error.way_out)


def test_workers_limit_numpy_to_one_thread(
    clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More threads would only busy-wait for work."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with analyze_streams(clips[:1], workers=1, paced=True) as streams:
        next(streams)
        (process,) = streams.processes
        environment = Path(f"/proc/{process}/environ")
        if not environment.exists():
            pytest.skip("this system does not show a process's environment")
        assert b"OPENBLAS_NUM_THREADS=1" in environment.read_bytes().split(b"\0")
    assert "OPENBLAS_NUM_THREADS" not in os.environ
