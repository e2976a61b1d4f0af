"""Measured attributes of a face's appearance, for comparing groups.

None of the data sets annotates skin tone. Brightness of the face mixes skin, light and exposure;
it is a rough proxy and named as such.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sentistream.datasets.manifest import Item
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.image_file import read_image
from sentistream.profiles import LITE
from sentistream.types import SOUND_RATE, FloatArray, UInt8Array
from sentistream.vision.face_detector import make_detector
from sentistream.vision.image_crops import FaceCropper
from sentistream.vision.landmarker import make_landmarker, predict_single

SMALL_FACE = 96
"""Faces narrower than this, in pixels between the temples, are small."""

DARK, BRIGHT = 85, 170
"""Mean brightness of the face below which it is dark, and from which it is bright, of 0 to 255."""

GREY_CHROMA = 6.0
"""Mean difference of the strongest and weakest channel up to which a picture is grey."""

ATTRIBUTE_COLUMNS = ("face_size", "face_brightness", "colour")
"""Columns that are added."""

ATTRIBUTE_TASKS = ("clips", "faces")
"""Tasks whose items show faces."""

_SAMPLES, _SAMPLE_INTERVAL = 5, 0.4  # looks at a clip, seconds between them


@dataclass(frozen=True, slots=True)
class FaceAttributes:
    """One face as the camera shows it.

    Attributes:
        width: Between the temples, pixels.
        luma: Mean brightness, 0 to 255 (ITU-R BT.601).
        chroma: Mean difference of the strongest and the weakest channel, 0 to 255.
    """

    width: float
    luma: float
    chroma: float

    def groups(self) -> dict[str, str]:
        """The value of each grouping."""
        brightness = "dark" if self.luma < DARK else "bright" if self.luma >= BRIGHT else "medium"
        return {
            "face_size": "small" if self.width < SMALL_FACE else "large",
            "face_brightness": brightness,
            "colour": "grey" if self.chroma <= GREY_CHROMA else "colour",
        }


def measure_face(pixels: UInt8Array, landmarks: FloatArray) -> FaceAttributes | None:
    """The appearance of the face whose 68 points are given; None if it is out of the picture.

    Args:
        pixels: RGB, shape (height, width, 3).
        landmarks: Shape (68, 2), pixels.
    """
    jaw_width = float(np.linalg.norm(landmarks[16] - landmarks[0]))
    rows, columns = pixels.shape[:2]
    low = np.clip(landmarks.min(axis=0), 0, (columns, rows)).astype(int)
    high = np.clip(landmarks.max(axis=0), 0, (columns, rows)).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    if part.size == 0:
        return None
    return FaceAttributes(
        width=jaw_width,
        luma=float((part @ np.array([0.299, 0.587, 0.114], np.float32)).mean()),
        chroma=float((part.max(axis=2) - part.min(axis=2)).mean()),
    )


def add_face_attributes(items: Iterable[Item], task: str) -> list[Item]:
    """The items with the groups ``face_size``, ``face_brightness`` and ``colour``.

    For clips, the median of a few frames counts. If no face is found or a file cannot be read,
    the groups stay empty.

    Raises:
        ValueError: The task shows no faces.
    """
    if task not in ATTRIBUTE_TASKS:
        raise ValueError(f"Items of the task {task} show no faces.")
    of_item = _of_clip() if task == "clips" else _of_image()
    described = []
    for item in items:
        try:
            seen = of_item(item.path)
        except InputError:
            seen = None
        groups = seen.groups() if seen else dict.fromkeys(ATTRIBUTE_COLUMNS, "")
        described.append(replace(item, groups={**item.groups, **groups}))
    return described


def _of_image() -> Callable[[Path], FaceAttributes | None]:
    cutter = FaceCropper(make_detector(LITE), make_landmarker(LITE.landmark_model))

    def of_image(path: Path) -> FaceAttributes | None:
        pixels = read_image(path)
        return measure_face(pixels, cutter.landmarks(pixels))

    return of_image


def _of_clip() -> Callable[[Path], FaceAttributes | None]:
    detector, landmarker = make_detector(LITE), make_landmarker(LITE.landmark_model)

    def of_clip(path: Path) -> FaceAttributes | None:
        looks = []
        with open_source(path, tick=_SAMPLE_INTERVAL, sound_window=1 / SOUND_RATE) as source:
            for moment in itertools.islice(source, _SAMPLES):
                luma = moment.picture.luma
                found = detector.detect(luma)
                if not found:
                    continue
                largest = max(found, key=lambda detection: detection.box.area)
                points = predict_single(landmarker, luma, detector.alignments(largest)[0]).points
                seen = measure_face(moment.picture.rgb(), points)
                if seen is not None:
                    looks.append((seen.width, seen.luma, seen.chroma))
        return FaceAttributes(*np.median(looks, axis=0).tolist()) if looks else None

    return of_clip
