"""What the networks say of a clip, a face, a voice or a mouth, each by the live code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentistream.accumulation import Overall
from sentistream.api import analyze
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.decision.expressions import Expressions
from sentistream.decision.lite import MOUTH_SIZE as LITE_MOUTH_SIZE
from sentistream.media.image_file import read_image
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_network
from sentistream.types import SENTIMENTS
from sentistream.vision.crops import MOUTH_SIZE
from sentistream.vision.face_detector import make_detector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import make_landmarker
from sentistream.voice import spectrogram
from sentistream.voice.functionals import recorded_functionals
from sentistream.voice.sound_file import read_sound, voiced_starts
from sentistream.voice.voice_baseline import VoiceBaseline, network_inputs

Probabilities = NDArray[np.float64]
Answer = Callable[[Path], Probabilities | None]
"""Probabilities of the classes, or None where there is no usable face or voice.

Raises:
    InputError: The file cannot be read.
"""

MOST_WINDOWS = 100
"""Windows of 30 ms of a voice that are listened to, spread over the recording."""


def clips(profile: Profile) -> Answer:
    """All moments of all faces together, as the profile adds them up."""
    analyzer = None

    def answer(path: Path) -> Probabilities | None:
        nonlocal analyzer
        overall = Overall(profile)
        with analyze(path, profile=profile, analyzer=analyzer) as analysis:
            analyzer = analysis.analyzer
            overall.add(analysis)
        return None if overall.answer is None else np.array(overall.answer.as_tuple())

    return answer


def faces(profile: Profile) -> Answer:
    """The face network on an image of a face."""
    network = load_network(profile.face_model)
    cutter = FaceCropper(make_detector(profile), make_landmarker(profile.landmark_model))
    both_ways = Expressions(network)
    factors = profile.prior.factors(profile.learned_shares)

    def of_view(path: Path) -> Probabilities | None:
        try:
            views = cutter.view(read_image(path))[np.newaxis]
        except ValueError:  # landmarks that span nothing
            return None
        both_ways.reset()
        both_ways.update([1], views, 0.0)
        return np.asarray(correct(both_ways.of([1])[0], factors), dtype=np.float64)

    if profile.decision == "lite":
        return of_view

    def answer(path: Path) -> Probabilities | None:
        try:
            window = cutter.window(read_image(path))
        except ValueError:  # landmarks that span nothing
            return None
        answered = network.run(face=window[np.newaxis])[0]
        return np.asarray(correct(answered, factors), dtype=np.float64)

    return answer


def voices(profile: Profile) -> Answer:
    """What the voice says: of ``paper`` the mean over windows of 30 ms, of ``lite`` the whole."""
    network = load_network(profile.voice_model)
    factors = profile.prior.factors(profile.voice_learned_shares)

    def of_utterance(path: Path) -> Probabilities | None:
        values = recorded_functionals(path)
        if values is None:
            return None
        inputs = network_inputs(values, [VoiceBaseline()])
        return np.asarray(correct(network.run(**inputs)[0], factors), dtype=np.float64)

    if profile.decision == "lite":
        return of_utterance

    def answer(path: Path) -> Probabilities | None:
        sound = read_sound(path)
        starts = voiced_starts(sound)
        if not len(starts):
            return None
        chosen = starts[np.linspace(0, len(starts) - 1, MOST_WINDOWS).astype(int)]
        columns = [
            spectrogram.columns(sound[start : start + spectrogram.SAMPLES])
            for start in np.unique(chosen)
        ]
        answers = [network.run(spectrogram=one[np.newaxis])[0] for one in columns]
        return np.asarray(correct(np.mean(answers, axis=0, dtype=np.float64), factors))

    return answer


def mouths(profile: Profile) -> Answer:
    """The mouth network on a crop of a mouth: probabilities of closed and open."""
    network = load_network(profile.mouth_model)

    def answer(path: Path) -> Probabilities | None:
        pixels = read_image(path)
        if profile.decision == "lite":
            crop = as_square(RgbPicture(pixels).luma, LITE_MOUTH_SIZE)[..., np.newaxis]
        else:
            crop = as_square(pixels, MOUTH_SIZE)
        opened = float(network.run(mouth=crop[np.newaxis])[0, 0])
        return np.array([1 - opened, opened])

    return answer


TASKS: dict[str, tuple[Callable[[Profile], Answer], tuple[str, ...]]] = {
    "clips": (clips, SENTIMENTS),
    "faces": (faces, SENTIMENTS),
    "voices": (voices, SENTIMENTS),
    "mouths": (mouths, MOUTH_STATES),
}
"""How each task is answered, and its classes."""
