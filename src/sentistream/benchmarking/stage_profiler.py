"""Processor time and memory of each stage, and the latency of each network and engine.

Everything is measured from outside: product code carries no timers.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.benchmarking.timed_runs import alternating_mouth_analyzer
from sentistream.decision import expressions, lite
from sentistream.errors import MissingExtraError
from sentistream.media import open_source, picture
from sentistream.operating_system import resident_memory
from sentistream.profiles import Profile, get_profile
from sentistream.reports.readings_table import CsvTable
from sentistream.runtime import load_network
from sentistream.runtime.inference import ENGINES, Network, Runnable
from sentistream.runtime.model_card import ModelCard
from sentistream.runtime.model_store import is_left_out, load_card, read_model
from sentistream.smoothing import Smoother
from sentistream.types import FloatArray
from sentistream.vision import landmarker
from sentistream.vision.alignment import Alignment
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_detector import NetworkDetector, make_detector
from sentistream.vision.hog_detector import HogDetector
from sentistream.vision.landmarker import DlibLandmarker, predict_single
from sentistream.vision.scene_change import SceneChangeDetector
from sentistream.voice import spectrogram
from sentistream.voice.feature_buffer import FeatureBuffer

TIMED_FUNCTIONS: tuple[tuple[str, Any, str], ...] = (
    ("detection", HogDetector, "detect"),
    ("detection", NetworkDetector, "detect"),
    ("detection", NetworkDetector, "detect_near"),
    ("landmarks", LandmarkPredictor, "predict"),
    ("crops for landmarks", landmarker, "landmark_view"),
    ("scene cuts", SceneChangeDetector, "is_cut"),
    ("crops", picture.YuvPicture, "crop"),
    ("colour", picture, "to_rgb"),
    ("crops", lite, "view"),
    ("crops", lite, "resample"),
    ("spectrogram", spectrogram, "columns"),
    ("voice features", FeatureBuffer, "add"),
    ("smoothing", Smoother, "update"),
    ("smoothing", expressions.Expressions, "of"),
)
"""Stage, owner and name of everything that is timed besides the networks."""


class _TimedNetwork:
    def __init__(self, stopwatch: Stopwatch, stage: str, network: Runnable) -> None:
        self._run = stopwatch.wrap(stage, network.run)

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        answers: FloatArray = self._run(**inputs)
        return answers


def stage_times(source: Path, profile: Profile, seconds: float) -> dict[str, float]:
    """Milliseconds per moment of each stage of the analysis, the most expensive first.

    Decoding is not included: most of it happens in FFmpeg's threads, which are not timed.
    """
    watch = Stopwatch()
    with watch.watching(*TIMED_FUNCTIONS):
        analyzer = alternating_mouth_analyzer(profile, lambda s, n: _TimedNetwork(watch, s, n))
        with (
            tempfile.TemporaryDirectory() as folder,
            open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened,
        ):
            table = CsvTable(Path(folder) / "readings.csv", mouth_threshold=0.5)
            table.open()
            process = watch.wrap("tracking and other analysis", analyzer.process)
            write = watch.wrap("writing tables", table.add)
            count = 0
            for moment in takewhile(lambda m: m.time < seconds, opened):
                write(moment, process(moment))
                count += 1
            table.close(complete=True)
    shares = {stage: 1000 * value / max(count, 1) for stage, value in watch.seconds.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


class Stopwatch:
    """Adds up the processor seconds spent in wrapped functions, in any thread; those of a nested
    function do not count for its caller."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._threads = threading.local()

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed as ``stage``."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            inner = self._inner()
            inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                passed = time.thread_time() - start
                self.seconds[stage] += passed - inner.pop()
                self.calls[stage] += 1
                inner[-1] += passed

        return timed

    def _inner(self) -> list[float]:
        """Of the stages under way in this thread, what was spent in stages within them."""
        if not hasattr(self._threads, "inner"):
            self._threads.inner = [0.0]
        inner: list[float] = self._threads.inner
        return inner

    @contextmanager
    def watching(self, *places: tuple[str, Any, str]) -> Iterator[Stopwatch]:
        """Temporarily times attributes of classes or modules: (stage, owner, name) each."""
        with ExitStack() as stack:
            for stage, owner, name in places:
                original = getattr(owner, name)
                stack.callback(setattr, owner, name, original)
                setattr(owner, name, self.wrap(stage, original))
            yield self


WARM = 34
"""Moments for which decoding and analysis run: one second."""


def stage_memory(source: Path, profile: Profile) -> dict[str, float]:
    """MiB of resident memory that each stage adds when it is first used, in this order.

    Memory shared by two stages counts for the first of them; memory that is freed and reused
    counts once.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_added_memory, source, profile.name).result()


def _added_memory(source: Path, name: str) -> dict[str, float]:
    import onnxruntime  # noqa: F401 - or the first network would be charged for it

    profile = get_profile(name)
    held: list[Any] = []  # nothing is freed before the end
    added = {"Python and libraries": resident_mebibytes()}
    for stage, build in _builders(source, profile):
        before = resident_mebibytes()
        held.append(build())
        added[stage] = resident_mebibytes() - before
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
        ("voice spectrum network", profile.voice_spectrum_model),
        ("fusion" if lite else "fused network", profile.fused_model),
    ):
        if model:
            yield stage, partial(_loaded_network, model, dict(sample_inputs(load_card(model))))
    yield "tracking and other analysis", lambda: _analyzed(Analyzer(profile), moments)


def _used(part: Any, use: Callable[[Any], object]) -> Any:
    use(part)
    return part


def _loaded_network(model: str, inputs: dict[str, NDArray[Any]]) -> Network:
    network = load_network(model)
    network.run(**inputs)
    return network


def _analyzed(analyzer: Analyzer, moments: Iterator[Any]) -> Analyzer:
    for moment in islice(moments, WARM):
        analyzer.process(moment)
    return analyzer


def resident_mebibytes() -> float:
    """MiB that this process holds now; NaN where the system does not say."""
    held = resident_memory()
    return float("nan") if held is None else held / 1024**2


RUNS = 40
FRAMES, PIXELS = 300, 320
"""Length used for inputs of any length: 3 s of voice, the sides of a picture."""


def engine_milliseconds(models: Iterable[str]) -> dict[str, dict[str, float]]:
    """The median time of one inference on one sample, in one thread, by network and engine.

    ``ENGINE, int8`` means 8-bit convolutions, if a network has them; engines that are not
    installed and networks that the package lacks are left out.
    """
    measured = {}
    for name in models:
        card = load_card(name)
        inputs = dict(sample_inputs(card))
        measured[name] = {
            way: _median_latency(network, inputs) for way, network in _engine_variants(card)
        }
    return measured


def _engine_variants(card: ModelCard) -> Iterator[tuple[str, Network]]:
    for int8 in (False, True) if card.int8 else (False,):
        if is_left_out(card, int8=int8):
            continue
        for engine in ENGINES:
            try:
                network = Network(card, read_model(card, int8=int8), engine)
            except MissingExtraError:
                continue
            yield f"{engine}, int8" if int8 else engine, network


def sample_inputs(card: ModelCard) -> Iterator[tuple[str, NDArray[Any]]]:
    generator = np.random.default_rng(1)
    for name, shape in card.inputs.items():
        kind = np.dtype(card.input_types.get(name, "uint8"))
        free = PIXELS if card.inputs[name].count(-1) > 1 else FRAMES
        size = (1, *(free if length == -1 else length for length in shape))
        if kind == np.uint8:
            yield name, generator.integers(0, 256, size, dtype=np.uint8)
        else:
            yield name, generator.random(size).astype(kind)


def _median_latency(network: Network, inputs: dict[str, NDArray[Any]]) -> float:
    taken = []
    for _ in range(RUNS):
        before = time.perf_counter()
        network.run(**inputs)
        taken.append(1000 * (time.perf_counter() - before))
    return statistics.median(taken)
