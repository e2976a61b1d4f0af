"""What each network of the ``lite`` profile learns from, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from sentistream.datasets.labels import EMOTIONS, SENTIMENT_OF_EMOTION
from sentistream.networks.detector import Decoded, DetectorNetwork
from sentistream.networks.landmarks import LandmarkNetwork, Placed
from sentistream.networks.lite import (
    FACE_EMOTIONS,
    FaceNetwork,
    MouthNetwork,
    Sentiments,
    VoiceNetwork,
)
from sentistream.training import detector, landmarks, lite_augment, lite_voices, voted_faces
from sentistream.training.checkpoint import load_network_weights
from sentistream.training.lite_card_texts import CARD_TEXTS as CARD_TEXTS
from sentistream.training.lite_fusion import as_they_are, fusion_examples, new_fusion
from sentistream.training.lite_preparation import LitePreparation
from sentistream.training.parts import Augment, OnPrepare, OnProblem, Part, Sides
from sentistream.training.recipes import Recipe
from sentistream.types import SENTIMENTS
from sentistream.vision.face_detector import MULTIPLE

_SMOOTHING = 0.1


def _prepared(
    kind: Callable[[LitePreparation], Sides],
) -> Callable[[Path, Path, OnPrepare, OnProblem], Sides]:
    return lambda data, folder, on_progress, on_problem: kind(
        LitePreparation(data, folder, on_progress, on_problem=on_problem)
    )


def _classes(emotions: tuple[str, ...]) -> tuple[int, ...]:
    """The sentiment of each emotion, -1 for those that are none of the three."""
    return tuple(
        SENTIMENTS.index(SENTIMENT_OF_EMOTION[name]) if name in SENTIMENT_OF_EMOTION else -1
        for name in emotions
    )


def _face_after(part: str) -> Callable[[Path], FaceNetwork]:
    def build(runs: Path) -> FaceNetwork:
        network = FaceNetwork()
        load_network_weights(runs / part, network)
        return network

    return build


def _sees(network: nn.Module) -> Sentiments:
    return Sentiments(network, FACE_EMOTIONS)


def _face(
    kind: Callable[[LitePreparation], Sides], build: Callable[[Path], nn.Module], change: Augment
) -> Part:
    return Part(
        _prepared(kind),
        build,
        augmentation=change,
        finish=_sees,
        classes=_classes(FACE_EMOTIONS),
        statistics=False,
    )


def _hears(network: nn.Module) -> Sentiments:
    return Sentiments(network, EMOTIONS)


def _detector(build: Callable[[Path], nn.Module]) -> Part:
    return Part(
        _prepared(LitePreparation.scenes),
        build,
        augmentation=detector.seen_at_random,
        loss=detector.detector_loss,
        right=detector.all_found,
        outputs=(
            "face",
            *("left", "top", "right", "bottom"),
            *(f"{axis}{point}" for point in range(1, 6) for axis in "xy"),
        ),
        finish=Decoded,
        as_values=True,
        figures=detector.detector_figures,
        statistics=False,
        any_size=MULTIPLE,
    )


def _detector_after(part: str) -> Callable[[Path], DetectorNetwork]:
    def build(runs: Path) -> DetectorNetwork:
        network = DetectorNetwork()
        load_network_weights(runs / part, network)
        return network

    return build


def _landmarks(build: Callable[[Path], nn.Module]) -> Part:
    return Part(
        _prepared(LitePreparation.landmarked_faces),
        build,
        augmentation=landmarks.placed_at_random,
        loss=landmarks.landmark_loss,
        right=landmarks.well_placed,
        outputs=("face", *(f"{axis}{point}" for point in range(1, 69) for axis in "xy")),
        finish=Placed,
        as_values=True,
        figures=landmarks.landmark_figures,
        statistics=False,
    )


def _landmarks_after(part: str) -> Callable[[Path], LandmarkNetwork]:
    def build(runs: Path) -> LandmarkNetwork:
        network = LandmarkNetwork()
        load_network_weights(runs / part, network)
        return network

    return build


PARTS: dict[str, Part] = {
    "detector-first": _detector(lambda _: DetectorNetwork()),
    "detector": _detector(_detector_after("detector-first")),
    "landmarks-first": _landmarks(lambda _: LandmarkNetwork()),
    "landmarks": _landmarks(_landmarks_after("landmarks-first")),
    "mouth": Part(
        _prepared(LitePreparation.lite_mouths),
        lambda _: MouthNetwork(),
        augmentation=lite_augment.mouths,
        outputs=("open",),
        statistics=False,
    ),
    "face-stills": _face(LitePreparation.face_stills, lambda _: FaceNetwork(), lite_augment.faces),
    "face-refined": _face(
        LitePreparation.face_stills, _face_after("face-stills"), lite_augment.faces_gently
    ),
    "face": Part(
        _prepared(LitePreparation.voted_faces),
        _face_after("face-refined"),
        augmentation=lite_augment.faces_gently,
        loss=voted_faces.soft_loss,
        right=voted_faces.soft_right,
        finish=_sees,
        figures=voted_faces.soft_figures,
        halfway=True,
    ),
    "voice": Part(
        _prepared(LitePreparation.utterances),
        lambda _: VoiceNetwork(),
        start=lite_voices.learn_population,
        loss=lite_voices.voice_loss,
        right=lite_voices.right_sentiment,
        convert=as_they_are,
        finish=_hears,
        figures=lite_voices.voice_figures,
        statistics=False,
    ),
    "fusion": Part(
        lambda data, folder, notice, on_problem: fusion_examples(
            data, folder.parent, PARTS, RECIPES, notice, on_problem
        ),
        new_fusion,
        convert=as_they_are,
        statistics=False,
    ),
}
"""In the order in which they are trained. A face is learned in three parts, each going on from
the one before; ``fusion`` joins the others."""

_BASE = Recipe(
    optimizer="adamw",
    learning_rate=0.0025,
    weight_decay=0.05,
    schedule="cosine",
    warm_up=0.04,
    batch=96,
    epochs=36,
    label_smoothing=_SMOOTHING,
    average=0.999,
)

RECIPES: dict[str, Recipe] = {
    "detector-first": replace(
        _BASE, learning_rate=0.004, batch=32, epochs=44, label_smoothing=0.0, average=0.998, clip=10
    ),
    "detector": replace(
        _BASE, learning_rate=0.003, batch=32, epochs=34, label_smoothing=0.0, average=0.998, clip=10
    ),
    "landmarks-first": replace(_BASE, batch=128, epochs=40, label_smoothing=0.0, average=0.998),
    "landmarks": replace(
        _BASE, learning_rate=0.0012, batch=128, epochs=16, label_smoothing=0.0, average=0.995
    ),
    "mouth": replace(_BASE, learning_rate=0.003, warm_up=0.05, batch=64, epochs=20, average=0.998),
    "face-stills": _BASE,
    "face-refined": replace(_BASE, learning_rate=0.0012, epochs=14),
    "face": replace(_BASE, learning_rate=0.0008, epochs=3, label_smoothing=0.0, average=0.998),
    "voice": replace(
        _BASE, learning_rate=0.003, weight_decay=0.01, batch=128, epochs=8, label_smoothing=0.0
    ),
    # a fusion is to be calibrated: its labels stay as they are
    "fusion": Recipe(
        optimizer="adamw", learning_rate=0.02, schedule="cosine", batch=256, epochs=30
    ),
}
"""By network. An epoch of ``voice`` hears recordings in four conditions, with five histories."""
