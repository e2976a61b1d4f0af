"""Where a moment's time goes, stage by stage."""

from __future__ import annotations

import tempfile
from itertools import takewhile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sentistream.benchmarking.stopwatch import Stopwatch
from sentistream.benchmarking.ways import half_open_analyzer
from sentistream.decision import expressions, lite
from sentistream.media import open_source, picture
from sentistream.profiles import Profile
from sentistream.reports.readings_table import CsvTable
from sentistream.runtime.asking import Runnable
from sentistream.smoothing import Smoother
from sentistream.types import FloatArray
from sentistream.vision import landmarker
from sentistream.vision.detector import NetworkDetector
from sentistream.vision.hog import HogDetector
from sentistream.vision.landmarks import LandmarkPredictor
from sentistream.vision.scene_change import CutDetector
from sentistream.voice import spectrogram
from sentistream.voice.listener import Listener

PLACES: tuple[tuple[str, Any, str], ...] = (
    ("detection", HogDetector, "detect"),
    ("detection", NetworkDetector, "detect"),
    ("detection", NetworkDetector, "detect_near"),
    ("landmarks", LandmarkPredictor, "predict"),
    ("crops for landmarks", landmarker, "seen"),
    ("cuts", CutDetector, "is_cut"),
    ("crops", picture.YuvPicture, "crop"),
    ("colour", picture, "to_rgb"),
    ("crops", lite, "view"),
    ("crops", lite, "resample"),
    ("spectrogram", spectrogram, "columns"),
    ("hearing", Listener, "hear"),
    ("smoothing", Smoother, "update"),
    ("smoothing", expressions.Expressions, "of"),
)
"""Stage, owner and name of everything that is watched beside the networks."""


class _Watched:
    def __init__(self, stopwatch: Stopwatch, stage: str, network: Runnable) -> None:
        self._run = stopwatch.wrap(stage, network.run)

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        answers: FloatArray = self._run(**inputs)
        return answers


def stages(source: Path, profile: Profile, seconds: float) -> dict[str, float]:
    """Milliseconds a moment of each stage of the analysis, the dearest first.

    Decoding is not among them: most of it happens in FFmpeg's threads, which no stopwatch sees.
    """
    watch = Stopwatch()
    with watch.watching(*PLACES):
        analyzer = half_open_analyzer(profile, lambda s, n: _Watched(watch, s, n))
        with (
            tempfile.TemporaryDirectory() as folder,
            open_source(source, tick=profile.tick, sound_window=profile.sound_window) as opened,
        ):
            table = CsvTable(Path(folder) / "readings.csv", mouth_threshold=0.5)
            table.open()
            process = watch.wrap("tracking and joining", analyzer.process)
            write = watch.wrap("writing", table.add)
            count = 0
            for moment in takewhile(lambda m: m.time < seconds, opened):
                write(moment, process(moment))
                count += 1
            table.close(complete=True)
    shares = {stage: 1000 * value / max(count, 1) for stage, value in watch.seconds.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
