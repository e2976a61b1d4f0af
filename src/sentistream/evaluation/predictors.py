"""How each task is predicted by the product's own code, and which networks predict it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.accumulation import Overall
from sentistream.api import analyze
from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.labels import MOUTH_STATES
from sentistream.decision.expressions import Expressions
from sentistream.decision.lite import MOUTH_SIZE as LITE_MOUTH_SIZE
from sentistream.decision.voice_classifier import VoiceClassifier, describe_recording
from sentistream.media.image_file import read_image
from sentistream.media.picture import RgbPicture
from sentistream.media.resample import as_square
from sentistream.prior import correct
from sentistream.profiles import Profile
from sentistream.runtime import load_card, load_network
from sentistream.runtime.model_card import ModelCard
from sentistream.types import SENTIMENTS
from sentistream.vision.crops import MOUTH_SIZE
from sentistream.vision.face_detector import make_detector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import make_landmarker
from sentistream.voice import spectrogram
from sentistream.voice.sound_file import read_sound, voiced_starts
from sentistream.voice.voice_baseline import VoiceBaseline

Probabilities = NDArray[np.float64]
Predictor = Callable[[Path], Probabilities | None]
"""Probabilities of the classes, or None if there is no usable face or voice.

Raises:
    InputError: The file cannot be read.
"""

MAX_WINDOWS = 100
"""Most 30 ms windows of a voice that are classified, spread over the recording."""


def clip_predictor(profile: Profile) -> Predictor:
    """All moments of all faces, as the profile accumulates them."""
    analyzer = None

    def predict(path: Path) -> Probabilities | None:
        nonlocal analyzer
        overall = Overall(profile)
        with analyze(path, profile=profile, analyzer=analyzer) as analysis:
            analyzer = analysis.analyzer
            overall.add(analysis)
        return None if overall.answer is None else np.array(overall.answer.as_tuple())

    return predict


def face_predictor(profile: Profile) -> Predictor:
    """The face network on an image of a face."""
    network = load_network(profile.face_model)
    cutter = FaceCropper(make_detector(profile), make_landmarker(profile.landmark_model))
    mirrored = Expressions(network)
    factors = profile.prior.factors(profile.learned_shares)

    def of_view(path: Path) -> Probabilities | None:
        try:
            views = cutter.view(read_image(path))[np.newaxis]
        except ValueError:  # landmarks that span nothing
            return None
        mirrored.reset()
        mirrored.update([1], views, 0.0)
        return np.asarray(correct(mirrored.of([1])[0], factors), dtype=np.float64)

    if profile.decision == "lite":
        return of_view

    def predict(path: Path) -> Probabilities | None:
        try:
            window = cutter.window(read_image(path))
        except ValueError:  # landmarks that span nothing
            return None
        answered = network.run(face=window[np.newaxis])[0]
        return np.asarray(correct(answered, factors), dtype=np.float64)

    return predict


def voice_predictor(profile: Profile) -> Predictor:
    """The voice's answer: for ``paper`` the mean over 30 ms windows, for ``lite`` the whole."""
    factors = profile.prior.factors(profile.voice_learned_shares)

    if profile.decision == "lite":
        classifier = VoiceClassifier.load(profile)

        def of_utterance(path: Path) -> Probabilities | None:
            utterance = describe_recording(path)
            if utterance is None:
                return None
            answers = classifier.classify(classifier.hear(utterance), [VoiceBaseline()])
            return np.asarray(correct(answers[0], factors), dtype=np.float64)

        return of_utterance

    network = load_network(profile.voice_model)

    def predict(path: Path) -> Probabilities | None:
        sound = read_sound(path)
        starts = voiced_starts(sound)
        if not len(starts):
            return None
        chosen = starts[np.linspace(0, len(starts) - 1, MAX_WINDOWS).astype(int)]
        columns = [
            spectrogram.columns(sound[start : start + spectrogram.SAMPLES])
            for start in np.unique(chosen)
        ]
        answers = [network.run(spectrogram=one[np.newaxis])[0] for one in columns]
        return np.asarray(correct(np.mean(answers, axis=0, dtype=np.float64), factors))

    return predict


def mouth_predictor(profile: Profile) -> Predictor:
    """The mouth network on a crop of a mouth: probabilities of closed and open.

    They are shifted so that they are equal at the profile's threshold, as in the product's answer.
    """
    network = load_network(profile.mouth_model)
    closed_odds = profile.mouth_threshold / (1 - profile.mouth_threshold)

    def predict(path: Path) -> Probabilities | None:
        pixels = read_image(path)
        if profile.decision == "lite":
            crop = as_square(RgbPicture(pixels).luma, LITE_MOUTH_SIZE)[..., np.newaxis]
        else:
            crop = as_square(pixels, MOUTH_SIZE)
        opened = float(network.run(mouth=crop[np.newaxis])[0, 0])
        closed = (1 - opened) * closed_odds
        return np.array([closed, opened]) / (closed + opened)

    return predict


TASKS: dict[str, tuple[Callable[[Profile], Predictor], tuple[str, ...]]] = {
    "clips": (clip_predictor, SENTIMENTS),
    "faces": (face_predictor, SENTIMENTS),
    "voices": (voice_predictor, SENTIMENTS),
    "mouths": (mouth_predictor, MOUTH_STATES),
}
"""Each task's predictor and classes."""


def task_cards(task: str, profile: Profile) -> list[ModelCard]:
    """Cards of the networks that the answers to a task come from.

    Raises:
        ModelError: A card is missing or cannot be read.
    """
    names = {
        "clips": profile.models,
        "faces": (profile.face_model,),
        "voices": tuple(filter(None, (profile.voice_model, profile.voice_spectrum_model))),
        "mouths": (profile.mouth_model,),
    }[task]
    return [load_card(name) for name in dict.fromkeys(names)]


def card_ids(cards: list[ModelCard]) -> list[dict[str, Any]]:
    """Names, versions and checksums, for JSON."""
    return [{"name": card.name, "version": card.version, "sha256": card.sha256} for card in cards]


def trained_on(person: str, source: str, cards: list[ModelCard]) -> bool:
    """Whether networks were trained on a person of a data set, according to their cards.

    A card's entry may list the ``people`` it used from a set; if it does not, they were all
    except ``HELD_OUT_PEOPLE``.

    Args:
        person: As data sets name people, such as ``ravdess-01``; empty if unknown, which
            counts as trained on if the set was used.
        source: The data set, such as ``ravdess``.
        cards: Of the networks.
    """
    for card in cards:
        for entry in card.data:
            if entry.get("source") != source:
                continue
            people = entry.get("people")
            if isinstance(people, list):
                if person in people or not person:
                    return True
            elif person not in HELD_OUT_PEOPLE:
                return True
    return False
