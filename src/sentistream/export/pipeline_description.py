"""Describes what a port has to do around the networks, as JSON; all numbers are the product's own.

The networks themselves centre and scale brightness, decode the detector's locations and combine
emotions into the three classes; a port does none of that.
"""

from __future__ import annotations

import math
from typing import Any

from sentistream import __version__
from sentistream.accumulation import MIN as MIN_PROBABILITY
from sentistream.decision import expressions, face_baseline
from sentistream.decision import lite as lite_decision
from sentistream.decision.voice_classifier import SPECTRUM_FRAMES, SPECTRUM_WEIGHT
from sentistream.media.resample import REDUCING_GAP
from sentistream.profiles import Profile
from sentistream.runtime.model_card import ModelCard
from sentistream.types import ON_A_TIE, SENTIMENTS, SOUND_RATE
from sentistream.vision import (
    alignment,
    crops,
    face_detector,
    face_geometry,
    face_tracker,
    landmarker,
)
from sentistream.voice import active_speaker, features, functionals, spectrogram, utterance
from sentistream.voice.feature_buffer import SPAN

FORMAT = 1
"""Version of the description; changes whenever ports have to change."""

_SURE_LANDMARKS = 0.99  # instead of the closer looks that many small faces need
_CHANNELS = {1: "brightness, 0 to 255", 3: "red, green, blue, 0 to 255"}


def describe_pipeline(profile: Profile, networks: dict[str, ModelCard]) -> dict[str, Any]:
    """The content of ``pipeline.json``.

    Args:
        profile: Whose networks they are.
        networks: Cards of the files as written, by the names that a port uses.
    """
    steps = _lite(profile) if profile.decision == "lite" else _paper(profile)
    return {
        "format": FORMAT,
        "sentistream": __version__,
        "profile": profile.name,
        "classes": list(SENTIMENTS),
        "on_a_tie": [label.value for label in ON_A_TIE],
        "unknown_below": profile.unknown_below,
        "networks": {name: _network(card) for name, card in networks.items()},
        **steps,
        "summed_up": {
            "what": "the answer about a whole clip or appearance, from the accumulated ones",
            "stretch": profile.stretch,
            "temperature": profile.overall_temperature,
        },
        "learned_shares": dict(zip(SENTIMENTS, profile.learned_shares, strict=True)),
    }


def _network(card: ModelCard) -> dict[str, Any]:
    return {
        "file": card.file,
        "sha256": card.sha256,
        "card": f"cards/{card.name.rpartition('/')[2]}.json",
        "version": card.version,
        "task": card.task,
        "licence": card.licence,
        "forbidden_use": card.forbidden_use,
        "parameters": card.parameters,
        "multiply_adds": card.multiply_adds,
        "inputs": {
            name: _input(shape, card.input_types.get(name, "uint8"))
            for name, shape in card.inputs.items()
        },
        "output": {"name": "probabilities", "type": "float32", "columns": card.outputs},
    }


def _input(shape: list[int], kind: str) -> dict[str, Any]:
    """Type, shape (-1 for any length) and, for pictures, what the values mean."""
    described: dict[str, Any] = {"type": kind, "shape": [-1, *shape]}
    if kind == "uint8" and len(shape) == 3:
        described["values"] = _CHANNELS[shape[-1]]
    return described


def _mouth(size: int, profile: Profile) -> dict[str, Any]:
    return {
        "size": size,
        "points": [crops.MOUTH.start, crops.MOUTH.stop],
        "margin": crops.MOUTH_MARGIN,
        "min_side": crops.MIN_MOUTH_SIDE,
        "open_from": profile.mouth_threshold,
    }


def _lite(profile: Profile) -> dict[str, Any]:
    geometry = face_geometry
    detector = face_detector.NetworkDetector
    intervals = detector.intervals
    return {
        "picture": {
            "values": "brightness (luma) alone, 0 to 255; the range of the coding is left as it is",
            "from_rgb": "0.299 red + 0.587 green + 0.114 blue",
            "normalisation": "none: the networks centre and scale brightness themselves",
        },
        "resampling": {
            "filter": "triangle, as wide as the reduction",
            "reducing_gap": REDUCING_GAP,
            "outside": "the edge is repeated",
        },
        "detector": {
            "multiple": face_detector.MULTIPLE,
            "longest_side": {"fine": face_detector.FINE, "coarse": face_detector.COARSE},
            "strides": [8, 16, 32],
            "decoding": "inside the network: one row a place, by stride, row and column, already a "
            "probability, a box and five points in pixels of the picture shown; no anchors",
            "one_face": {"union": face_detector.OVERLAP, "smaller": face_detector.WITHIN},
            "score": {
                "low": face_tracker.LOW,
                "high": face_tracker.HIGH,
                "certain": detector.initiation.likely,
                "sure_landmarks": _SURE_LANDMARKS,
            },
            "five_points": geometry.FIVE_POINTS.astype(float).round(6).tolist(),
        },
        "landmarks": {
            "size": landmarker.VIEW_SIZE,
            "cover": landmarker.COVER,
            "upright_degrees": round(math.degrees(alignment.UPRIGHT), 6),
            "readable": landmarker.READABLE,
            "square": {"width": geometry.SQUARE_WIDTH, "rise": geometry.SQUARE_RISE},
            "plausible": {
                "min_size": geometry.MIN_CENTROID_SIZE,
                "eye_distance": list(geometry.EYE_DISTANCE),
                "eyes_to_mouth": list(geometry.EYES_TO_MOUTH),
            },
        },
        "tracking": {
            "alone": intervals.alone,
            "coarse": intervals.coarse,
            "fine": intervals.fine,
            "carry": intervals.carry,
            "agrees": face_tracker.AGREES,
        },
        "face": {
            "size": alignment.VIEW_SIZE,
            "points": [[part.start, part.stop] for part in alignment.POINTS],
            "places": alignment.PLACES.tolist(),
            "interval": expressions.EXPRESSION_INTERVAL,
        },
        "mouth": {
            **_mouth(lite_decision.MOUTH_SIZE, profile),
            "time_constant": lite_decision.MOUTH_TIME_CONSTANT,
        },
        "accumulation": {
            "formula": "the mean of the logarithms, equally until time_constant has passed, then "
            "m += (1 - exp(-dt / time_constant)) (log p - m)",
            "time_constant": profile.time_constant,
            "min_probability": MIN_PROBABILITY,
        },
        "baseline": {
            "strength": face_baseline.STRENGTH,
            "known_after": face_baseline.KNOWN_AFTER,
            "horizon": face_baseline.HORIZON,
            "every": face_baseline.EVERY,
            "span": profile.stretch,
        },
        "voice": {
            "rate": SOUND_RATE,
            "seconds": SPAN,
            "interval": lite_decision.VOICE_INTERVAL,
            "functionals": len(functionals.NAMES),
            "functional_names": list(functionals.NAMES),
            "spectrum_frames": SPECTRUM_FRAMES,
            "spectrum_width": features.WIDTH,
            "spectrum_weight": SPECTRUM_WEIGHT,
            "frame_step": features.FRAME_STEP,
            "enough_speech": 4 * utterance.MIN_SPEECH,
            "trust": "enough speech, 0 to 1, times the face's share of the lips' motion: the "
            "variance over a second of mouth_open + lip_gap_weight * lip gap, of this face over "
            "that of all faces and nobody",
            "lip_gap_weight": lite_decision.LIP_GAP_WEIGHT,
            "nobody": active_speaker.NOBODY,
        },
        "fusion": {
            "formula": "softmax((a + b trust) log face + c trust log voice), a, b and c learned by "
            "the network; trust 0 leaves the face",
            "face": "the face's shares relative to its baseline, now or summed up",
        },
    }


def _paper(profile: Profile) -> dict[str, Any]:
    return {
        "picture": {
            "values": "red, green, blue, 0 to 255",
            "normalisation": "none: the networks divide by 255 themselves",
        },
        "resampling": {
            "filter": "triangle, as wide as the reduction",
            "reducing_gap": REDUCING_GAP,
            "outside": "the edge is repeated",
        },
        "landmarks": "68 points of the iBUG scheme (dlib's), which are not part of this export",
        "face": {
            "size": crops.FACE_SIZE,
            "aspect": crops.FACE_ASPECT,
            "height": crops.FACE_HEIGHT,
            "rise": crops.FACE_RISE,
        },
        "mouth": _mouth(crops.MOUTH_SIZE, profile),
        "spectrogram": {
            "rate": SOUND_RATE,
            "samples": spectrogram.SAMPLES,
            "window": spectrogram.WINDOW,
            "hop": spectrogram.HOP,
            "columns": spectrogram.SOUNDING_COLUMNS,
            "rows": spectrogram.PICTURE_SIZE,
            "floor_db": spectrogram.FLOOR_DB,
            "ceiling_db": spectrogram.CEILING_DB,
            "colours": spectrogram.VIRIDIS.tolist(),
        },
        "fusion": {
            "formula": "a mouth that is open and sound: the network fused; else the network visual "
            "(Equation 2)",
        },
        "accumulation": {
            "formula": "s += (1 - exp(-dt / time_constant)) (p - s), the first as it is (Eq. 1)",
            "time_constant": profile.time_constant,
            "every": profile.tick,
        },
    }
