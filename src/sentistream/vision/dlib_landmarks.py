"""The 68 points of a face: dlib's regression trees (Kazemi and Sullivan 2014)."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.errors import MissingExtraError, ModelError
from sentistream.media.resample import resample
from sentistream.translatable import Translatable
from sentistream.types import Box, FloatArray, UInt8Array

ENVIRONMENT = "SENTISTREAM_LANDMARKS"
"""Environment variable that names another landmark file in dlib's format."""

PACKAGE = "face_recognition_models"
FILE = "shape_predictor_68_face_landmarks.dat"
SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
POINTS = 68

# dlib reads pixels a little outside the box it is given
_REACH = 1.6
# dlib places points on whole pixels: narrower faces are enlarged first, which reduces their points'
# jitter by a tenth to a fifth
_FINE_BELOW = 200
_LARGEST_FACTOR = 4


def landmark_file() -> Path:
    """Where the landmark model is: the file SENTISTREAM_LANDMARKS names, or the package's.

    Raises:
        MissingExtraError: The package is not installed.
        ModelError: The named file does not exist.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        if not Path(named).is_file():
            raise ModelError(
                Translatable(
                    "{variable} names {path}, which is not a file.",
                    variable=ENVIRONMENT,
                    path=repr(named),
                ),
                "Point it at a 68-point landmark model of dlib's, or unset it.",
            )
        return Path(named)
    # the package is found but never imported: its import fails without pkg_resources
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / FILE
        if path.is_file():
            return path
    raise MissingExtraError("The paper profile's landmark model (100 MB)", "paper")


def check_landmark_file(path: Path) -> None:
    """Verifies the SHA-256 of the package's file (about 0.25 s); other files are not checked.

    Raises:
        ModelError: The checksum differs, or the file cannot be read.
    """
    if os.environ.get(ENVIRONMENT):
        return
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            Translatable(
                "The landmark model {path} cannot be read: {words}.",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "Check its permissions.",
        ) from None
    if digest != SHA256:
        raise ModelError(
            Translatable("The landmark model {path} is altered or cut short.", path=path),
            "Reinstall it with: pip install --force-reinstall face-recognition-models.",
        )


def _dlib() -> Any:
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError("dlib's landmark model", "paper") from error
    return dlib


@functools.lru_cache(maxsize=1)
def _load(path: Path) -> Any:
    dlib = _dlib()
    check_landmark_file(path)
    try:
        return dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise ModelError(
            Translatable(
                "The landmark model {path} cannot be loaded: {words}.", path=path, words=error
            ),
            "Use a 68-point landmark model of dlib's.",
        ) from None


class LandmarkPredictor:
    """Places the 68 iBUG points on a face whose box is known.

    Raises:
        MissingExtraError: dlib, or the package with the model, is not installed.
        ModelError: The model's file is missing, altered or of another format.
    """

    def __init__(self) -> None:
        self._predictor = _load(landmark_file())
        self._rectangle = _dlib().rectangle

    def predict(self, luma: UInt8Array, box: Box) -> FloatArray:
        """The points of the face in ``box``.

        Args:
            luma: Brightness, shape (height, width).
            box: The detector's square box, or a similar one; may extend outside.

        Returns:
            Shape (68, 2), x and y in pixels of ``luma``, at pixel centres. Points are
            placed whether or not there is a face: the caller must know that there is one.

        Raises:
            ModelError: The model returns another number of points.
        """
        rows, columns = luma.shape
        reach = box.scaled(_REACH)
        left, right = max(0, math.floor(reach.left)), min(columns, math.ceil(reach.right))
        top, bottom = max(0, math.floor(reach.top)), min(rows, math.ceil(reach.bottom))
        if right <= left or bottom <= top:
            left, top, right, bottom = 0, 0, 1, 1
        factor = 1
        if box.width < _FINE_BELOW:
            factor = min(_LARGEST_FACTOR, math.ceil(_FINE_BELOW / box.width))
            size = ((right - left) * factor, (bottom - top) * factor)
            part = resample(luma, Box(left, top, right, bottom), *size)
        else:
            part = luma[top:bottom, left:right]
        shape = self._predictor(
            np.ascontiguousarray(part),  # dlib does not accept strided views, which decoders return
            self._rectangle(
                round((box.left - left) * factor),
                round((box.top - top) * factor),
                round((box.right - left) * factor) - 1,
                round((box.bottom - top) * factor) - 1,
            ),
        )
        if shape.num_parts != POINTS:
            raise ModelError(
                Translatable(
                    "The landmark model places {found} points, not {wanted}.",
                    found=shape.num_parts,
                    wanted=POINTS,
                ),
                Translatable("Use a 68-point model, or unset {variable}.", variable=ENVIRONMENT),
            )
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        # pixel centres of the enlarged part lie between those of the picture
        return (points + 0.5) / np.float32(factor) - 0.5 + np.array((left, top), np.float32)
