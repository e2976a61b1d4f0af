"""The runs that are timed in turn: decoding alone, a profile, the pipeline as published."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sentistream.analyzer import Analyzer
from sentistream.decision.lite import LiteDecision
from sentistream.decision.paper import PaperDecision
from sentistream.decision.verdict import Decision
from sentistream.media import open_source
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import FloatArray, Moment
from sentistream.vision.face_detector import make_detector
from sentistream.vision.face_tracker import FaceTracker
from sentistream.vision.landmarker import DlibLandmarker, Landmarker, NetworkLandmarker


@dataclass(frozen=True, slots=True)
class Timed:
    """The cost of one run.

    Attributes:
        moments: How many were analyzed.
        processor: Seconds of processor time, of all threads.
        seconds: Wall-clock seconds.
    """

    moments: int
    processor: float
    seconds: float

    @property
    def rate(self) -> float:
        """Moments per second on one core."""
        return self.moments / self.processor


class Published(Protocol):
    """The pipeline as published."""

    def process(self, moment: Moment, mouth_is_open: bool) -> bool: ...

    def multiply_adds(self) -> dict[str, int]: ...


Wrap = Callable[[str, Runnable], Runnable]


def alternating_mouth_analyzer(
    profile: Profile, wrap: Wrap = lambda _, network: network
) -> Analyzer:
    """An analyzer whose mouths are open half of the time.

    Args:
        profile: Its profile.
        wrap: Wraps each network, given the name of its stage.
    """

    def network(stage: str, model: str) -> Runnable:
        return wrap(stage, load_network(model))

    mouth = AlternatingMouth(network("mouth network", profile.mouth_model))
    face = network("face network", profile.face_model)
    decision: Decision
    if profile.decision == "lite":
        decision = LiteDecision(
            profile,
            mouth=mouth,
            face=face,
            voice=network("voice network", profile.voice_model),
            spectrum=network("voice spectrum network", profile.voice_spectrum_model),
            fusion=network("fusion", profile.fused_model),
        )
    else:
        fused = network("fused network", profile.fused_model)
        decision = PaperDecision(profile, mouth=mouth, face=face, fused=fused)
    landmarker: Landmarker
    if profile.landmark_model:
        landmarker = NetworkLandmarker(network("landmark network", profile.landmark_model))
    else:
        landmarker = DlibLandmarker()
    tracker = FaceTracker(make_detector(profile), landmarker)
    return Analyzer(profile, decision=decision, tracker=tracker)


def decode(source: Path, profile: Profile, seconds: float) -> Timed:
    """Reads pictures and sound and pairs them: the minimum for any run."""

    def work() -> int:
        count = 0
        with open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened:
            for moment in _before(opened, seconds):
                np.add.reduce(moment.picture.luma[0], dtype=np.int64)
                count += 1
        return count

    return _timed(work)


def analyze(source: Path, analyzer: Analyzer, seconds: float) -> Timed:
    """Decodes and analyzes in one thread."""

    def work() -> int:
        count, profile = 0, analyzer.profile
        analyzer.reset(renumber=True)
        with open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened:
            for moment in _before(opened, seconds):
                analyzer.process(moment)
                count += 1
        return count

    return _timed(work)


def publish(source: Path, pipeline: Published, profile: Profile, moments: int) -> Timed:
    """The pipeline as published on some evenly spread moments, without decoding.

    That is in its favour: the others' figures include decoding.
    """
    processor = seconds = 0.0
    done = 0
    with open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened:
        for number, moment in enumerate(islice(opened, None, None, 5)):
            if done == moments:
                break
            before = time.process_time(), time.perf_counter()
            pipeline.process(moment, number * 5 // PICTURES_PER_STATE % 2 == 0)
            processor += time.process_time() - before[0]
            seconds += time.perf_counter() - before[1]
            done += 1
    return Timed(done, processor, seconds)


def latencies(source: Path, analyzer: Analyzer, seconds: float) -> list[float]:
    """Seconds from the end of decoding to the readings of each moment, in real time."""
    found, profile = [], analyzer.profile
    analyzer.reset(renumber=True)
    with open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened:
        begun = time.monotonic()
        for moment in _before(opened, seconds):
            time.sleep(max(0.0, begun + moment.time - time.monotonic()))
            before = time.perf_counter()
            analyzer.process(moment)
            found.append(time.perf_counter() - before)
    return found


def _before(moments: Iterable[Moment], seconds: float) -> Iterator[Moment]:
    return takewhile(lambda moment: moment.time < seconds, moments)


def _timed(work: Callable[[], int]) -> Timed:
    processor, clock = time.process_time(), time.perf_counter()
    moments = work()
    return Timed(moments, time.process_time() - processor, time.perf_counter() - clock)


PICTURES_PER_STATE = 30
"""Pictures for which the mouth stays as it is."""


class AlternatingMouth:
    """Runs the mouth network for its cost and returns something else.

    Args:
        network: The mouth network.
    """

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self._runs = 0

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        """Open in every other run of ``PICTURES_PER_STATE`` pictures."""
        answers = self._network.run(**inputs)
        opened = self._runs // PICTURES_PER_STATE % 2 == 0
        self._runs += 1
        return np.full_like(answers, 0.9 if opened else 0.1)
