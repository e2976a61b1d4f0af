"""8-bit forms of the ``lite`` networks that gain by it, calibrated on a user's own clips.

Every second clip calibrates; on the others the product answers with both forms, so that what the
smaller one costs is known before it is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentistream.accumulation import Overall
from sentistream.analyzer import Analyzer
from sentistream.decision.lite import LiteDecision
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.profiles import LITE
from sentistream.runtime import Network, load_card, load_network
from sentistream.runtime.inference import Runnable
from sentistream.runtime.model_store import read_model
from sentistream.training.quantization import CALIBRATION_EXAMPLES, quantize
from sentistream.types import Distribution, FloatArray, Moment, Reading
from sentistream.vision.face_detector import NetworkDetector
from sentistream.vision.face_tracker import FaceTracker
from sentistream.vision.landmarker import NetworkLandmarker

GAINING: Final = ("landmarks", "face")
"""Networks that take half the time with 8 bits; docs/export.md has the figures of all."""

MIN_EXAMPLES: Final = 50
"""Faces below which ranges are not known well enough."""

_TURNS, _RUNS = 100, 6


@dataclass(frozen=True, slots=True)
class NetworkGain:
    """One network.

    Attributes:
        name: Without its profile.
        float_bytes, int8_bytes: Sizes of both files.
        time_ratio: Time of a run with 8 bits over that with floats, both measured by turns.
    """

    name: str
    float_bytes: int
    int8_bytes: int
    time_ratio: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers with 8 bits against those with floats, on clips that did not calibrate.

    Attributes:
        clips: How many.
        same_overall: Of these, with the same answer about the whole clip.
        pictures: Moments compared: the largest face of each, or that there is none.
        same_label: Of these, with the same label.
        distance: Mean total variation distance of the accumulated shares, 0 to 1.
    """

    clips: int
    same_overall: int
    pictures: int
    same_label: int
    distance: float


@dataclass(frozen=True, slots=True)
class Quantized:
    """What ``quantize_on_clips`` gives: ONNX files by network, and what was measured."""

    files: tuple[tuple[str, bytes], ...]
    gains: tuple[NetworkGain, ...]
    agreement: Agreement


def quantize_on_clips(
    clips: Sequence[Path], on_clip: Callable[[Path], None] = lambda _: None
) -> Quantized:
    """8-bit forms of the networks in ``GAINING``.

    Args:
        clips: Videos with faces, at least two; the first, third, ... calibrate.
        on_clip: Told of each clip before it is read.

    Raises:
        InputError: There are fewer than two clips, one cannot be read, or too few faces are seen.
        ModelError: A network is missing or altered.
    """
    if len(clips) < 2:
        raise InputError(
            f"Two clips are needed, not {len(clips)}: one calibrates, the other compares.",
            "Name more with --calibrate.",
        )
    recorders = {name: _Recorder(load_network(f"lite/{name}")) for name in GAINING}
    analyzer = _analyzer(recorders)
    for clip in clips[::2]:
        on_clip(clip)
        for moment in _moments(clip):
            analyzer.process(moment)
        analyzer.reset()
    files, gains, small = [], [], dict[str, Runnable]()
    for name, recorder in recorders.items():
        if recorder.seen < MIN_EXAMPLES:
            raise InputError(
                f"Only {recorder.seen} faces were seen, fewer than {MIN_EXAMPLES}.",
                "Name longer or other clips with --calibrate.",
            )
        card = load_card(f"lite/{name}")
        before = read_model(card)
        content = quantize(before, {"face": recorder.examples})
        small[name] = Network(card, content, "onnxruntime")
        files.append((name, content))
        ratio = _time_ratio(small[name], Network(card, before, "onnxruntime"), recorder.examples)
        gains.append(NetworkGain(name, len(before), len(content), ratio))
    large: dict[str, Runnable] = {name: load_network(f"lite/{name}") for name in GAINING}
    agreement = _compare(_analyzer(large), _analyzer(small), clips[1::2], on_clip)
    return Quantized(tuple(files), tuple(gains), agreement)


class _Recorder:
    """A network that keeps a fair sample of what it is given (Vitter 1985, algorithm R)."""

    def __init__(self, network: Runnable) -> None:
        self._network = network
        self._kept: list[NDArray[Any]] = []
        self._random = np.random.default_rng(1)
        self.seen: int = 0

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        for example in inputs["face"]:
            self.seen += 1
            if len(self._kept) < CALIBRATION_EXAMPLES:
                self._kept.append(example.copy())
            elif (place := int(self._random.integers(self.seen))) < CALIBRATION_EXAMPLES:
                self._kept[place] = example.copy()
        return self._network.run(**inputs)

    @property
    def examples(self) -> NDArray[Any]:
        return np.stack(self._kept)


def _analyzer(networks: Mapping[str, Runnable]) -> Analyzer:
    """The product with these networks instead of its own."""
    tracker = FaceTracker(
        NetworkDetector(load_network(LITE.detector_model)), NetworkLandmarker(networks["landmarks"])
    )
    return Analyzer(LITE, decision=LiteDecision(LITE, face=networks["face"]), tracker=tracker)


def _moments(clip: Path) -> Iterator[Moment]:
    with open_source(str(clip), tick=LITE.tick, sound_window=LITE.sound_window) as source:
        yield from source


def _time_ratio(small: Runnable, large: Runnable, examples: NDArray[Any]) -> float:
    """By few runs in turns, the fastest of each: what else runs here interrupts few of them."""
    best = [np.inf, np.inf]
    for number in range(_TURNS):
        example = examples[number % len(examples)][np.newaxis]
        for place, network in enumerate((small, large)):
            for _ in range(_RUNS):
                begun = time.perf_counter()
                network.run(face=example)
                best[place] = min(best[place], time.perf_counter() - begun)
    return best[0] / best[1]


def _compare(
    large: Analyzer, small: Analyzer, clips: Sequence[Path], on_clip: Callable[[Path], None]
) -> Agreement:
    same_overall = pictures = same_label = 0
    distances = list[float]()
    for clip in clips:
        on_clip(clip)
        overall = Overall(LITE), Overall(LITE)
        for moment in _moments(clip):
            both = large.process(moment), small.process(moment)
            for total, readings in zip(overall, both, strict=True):
                total.add(readings)
            one, other = (max(readings, key=_area) for readings in both)
            pictures += 1
            same_label += one.label is other.label
            if one.smoothed is not None and other.smoothed is not None:
                distances.append(one.smoothed.distance(other.smoothed))
        same_overall += _label(overall[0].answer) == _label(overall[1].answer)
        large.reset()
        small.reset()
    distance = float(np.mean(distances)) if distances else 0.0
    return Agreement(len(clips), same_overall, pictures, same_label, distance)


def _area(reading: Reading) -> float:
    return 0.0 if reading.face is None else reading.face.box.area


def _label(answer: Distribution | None) -> str:
    return "" if answer is None else answer.label
