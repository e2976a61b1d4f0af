"""Examples for the detector's verification: closer looks at what the detector finds in scenes.

A trained detector searches the scenes it was trained on. What it finds is cut out around the
detected box, as ``NetworkDetector.look_closer`` does, and is a face if it overlaps one. Faces that
it misses are added, and a random place of each scene in which it finds nothing. Scenes of pasted
faces are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sentistream.media.resample import resample
from sentistream.training.checkpoint import checkpoint_file
from sentistream.training.detector_examples import (
    FACES,
    FIELDS,
    detector_scenes,
    scene_files,
)
from sentistream.training.examples import Examples
from sentistream.training.preparation import Preparation
from sentistream.training.splits import Splits
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.face_detector import Detection, NetworkDetector, around_face

CROP, CROP_FACE = 160, 64
"""Width and height of a stored crop, and the size at which it shows the detected face, pixels."""

_LOWEST_SCORE = 0.3
_MOST = 6  # detections of a scene, the best
_NOT_SEARCHED = "composed"  # pasted faces differ too much from real ones
_CERTAIN, _CERTAIN_KEPT = 0.9, 5  # every fifth of those scores that are never looked at again
_SAME, _APART = 0.35, 0.1  # intersection over union with a face, of a face and of anything else
_SMALLEST = 12.0  # pixels
_RANDOM_SIZES = (16.0, 96.0)  # of places in scenes without a detection, pixels


def detection_crops(preparation: Preparation, detector: NetworkDetector, run: Path) -> Splits:
    """Crops of detections, labelled 1 on a face and 0 elsewhere, from a detector's scenes.

    Args:
        preparation: Reads and caches data.
        detector: Searches the scenes.
        run: The detector's finished run; the crops belong to it.
    """
    files = [*scene_files(preparation.data), checkpoint_file(run)]
    scenes = detector_scenes(preparation)

    def crops(split: Examples, name: str) -> Examples:
        return preparation.examples(
            name, files, lambda _: _crops_of_scenes(split, detector, preparation)
        )

    return Splits(
        crops(scenes.train, "lite-detections-False"), crops(scenes.held_out, "lite-detections-True")
    )


def _crops_of_scenes(
    scenes: Examples, detector: NetworkDetector, preparation: Preparation
) -> Examples:
    random = np.random.default_rng(7)
    crops, labels, numbers = [], [], []
    for number in np.flatnonzero(scenes.sources != _NOT_SEARCHED).tolist():
        scene, faces = scenes.inputs["picture"][number], scenes.labels[number]
        preparation.on_progress("detections in scenes")
        luma = scene[..., 0]
        known = np.asarray(faces, np.float32).reshape(FACES, FIELDS)
        found = detector.detect(luma, threshold=_LOWEST_SCORE)[:_MOST]
        if not found:
            found = [Detection(_random_box(len(luma), random), 0.0)]
        chosen = [
            (one.box, is_face)
            for place, (one, is_face) in enumerate(labelled_detections(found, known))
            if one.score < _CERTAIN or (number + place) % _CERTAIN_KEPT == 0
        ]
        missed = [(box, True) for box in missed_faces(found, known)[:_MOST]]
        for box, is_face in chosen + missed:
            crops.append(crop_of(luma, box))
            labels.append(is_face)
            numbers.append(number)
    at = np.array(numbers)
    return Examples(
        inputs={"picture": np.stack(crops)},
        labels=np.array(labels, np.int64),
        people=scenes.people[at],
        sources=scenes.sources[at],
        clips=scenes.clips[at],
    )


def labelled_detections(
    found: list[Detection], faces: FloatArray
) -> Iterator[tuple[Detection, bool]]:
    """Detections with whether they are on a face; without those that are partly on one.

    Args:
        found: What the detector found.
        faces: (N, FIELDS); detections on those to be ignored are left out, too.
    """
    boxes = _boxes(faces)
    for one in found:
        if max(one.box.width, one.box.height) < _SMALLEST:
            continue
        overlap, kind = max(((one.box.iou(box), kind) for kind, box in boxes), default=(0.0, 0.0))
        if overlap < _APART:
            yield one, False
        elif overlap >= _SAME and kind > 0:
            yield one, True


def missed_faces(found: list[Detection], faces: FloatArray) -> list[Box]:
    """Boxes of the faces (N, FIELDS) that no detection overlaps."""
    return [
        box
        for kind, box in _boxes(faces)
        if kind > 0
        and max(box.width, box.height) >= _SMALLEST
        and all(one.box.iou(box) < _SAME for one in found)
    ]


def crop_of(luma: UInt8Array, box: Box) -> UInt8Array:
    """The square about a box, (160, 160, 1), in which the face has 64 pixels."""
    return resample(luma, around_face(box, CROP / CROP_FACE), CROP, CROP)[..., np.newaxis]


def _boxes(faces: FloatArray) -> list[tuple[float, Box]]:
    """Kind and box of each face, and of each to be ignored."""
    return [
        (float(face[0]), Box(*(float(edge) for edge in face[1:5])))
        for face in faces[faces[:, 0] != 0]
    ]


def _random_box(side: int, random: np.random.Generator) -> Box:
    size = random.uniform(*_RANDOM_SIZES)
    left, top = random.uniform(0, side - size, 2)
    return Box(float(left), float(top), float(left + size), float(top + size))
