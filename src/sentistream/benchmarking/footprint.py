"""What each stage adds to the memory of a process that is new."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.benchmarking.engines import sample_inputs
from sentistream.media import open_source
from sentistream.profiles import Profile, get_profile
from sentistream.runtime import Network, load_card, load_network
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_detector import make_detector
from sentistream.vision.landmarker import DlibLandmarker, predict_single

WARM = 34
"""Moments that decoding and analysis go on for: one second."""


def stage_memory(source: Path, profile: Profile) -> dict[str, float]:
    """MiB of resident memory that each stage adds where it is used first, in this order.

    What two stages share is counted with the first of them; what is given back and used
    again counts once.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_added, source, profile.name).result()


def _added(source: Path, name: str) -> dict[str, float]:
    import onnxruntime  # noqa: F401 - or the first network would be charged for it

    profile = get_profile(name)
    held: list[Any] = []  # nothing is given back before the end
    added = {"Python and libraries": resident()}
    for stage, build in _builders(source, profile):
        before = resident()
        held.append(build())
        added[stage] = resident() - before
    return added


def _builders(source: Path, profile: Profile) -> Iterator[tuple[str, Callable[[], Any]]]:
    opened = open_source(source, tick=profile.tick, sound_window=profile.sound_window)
    moments = iter(opened)
    first = next(moments)
    luma = first.picture.luma
    rows, columns = luma.shape
    square = Alignment(columns / 2, rows / 2, rows / 2, 0.0)
    yield "decoding and pairing", lambda: (opened, list(islice(moments, WARM))[-1])
    yield "detection", lambda: _used(make_detector(profile), lambda it: it.detect(luma))
    if not profile.landmark_model:
        yield (
            "landmarks",
            lambda: _used(DlibLandmarker(), lambda it: predict_single(it, luma, square)),
        )
    lite = profile.decision == "lite"
    for stage, model in (
        ("landmark network", profile.landmark_model),
        ("mouth network", profile.mouth_model),
        ("face network", profile.face_model),
        ("voice network", profile.voice_model if lite else ""),
        ("fusion" if lite else "fused network", profile.fused_model),
    ):
        if model:
            yield stage, partial(_asked, model, dict(sample_inputs(load_card(model))))
    yield "tracking and joining", lambda: _analyzed(Analyzer(profile), moments)


def _used(part: Any, use: Callable[[Any], object]) -> Any:
    use(part)
    return part


def _asked(model: str, inputs: dict[str, NDArray[Any]]) -> Network:
    network = load_network(model)
    network.run(**inputs)
    return network


def _analyzed(analyzer: Analyzer, moments: Iterator[Any]) -> Analyzer:
    for moment in islice(moments, WARM):
        analyzer.process(moment)
    return analyzer


def resident() -> float:
    """MiB that this process holds now."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
