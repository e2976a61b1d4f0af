"""The 68 landmarks of a detected face: the ``lite`` network, or dlib's regression trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from sentistream.runtime import load_network
from sentistream.runtime.inference import Runnable
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, roughly_upright_view
from sentistream.vision.dlib_landmarks import LandmarkPredictor
from sentistream.vision.face_geometry import is_face_like

VIEW_SIZE = 64
"""Width and height of the network's input, pixels."""

COVER = 1.3
"""Width of its input, in widths of the detector's square around the face."""


def landmark_view(luma: UInt8Array, square: Alignment) -> UInt8Array:
    """The view of a face, rotated upright, shape (64, 64, 1).

    Args:
        luma: Brightness, shape (height, width).
        square: The face's, from ``face_geometry.detector_square``; may extend outside.
    """
    return roughly_upright_view(luma, square, VIEW_SIZE, COVER)[..., np.newaxis]


def normalized_points(points: FloatArray, window: Box) -> FloatArray:
    """Points as shares of a window's width and height.

    Args:
        points: At pixel centres, shape (68, 2).
        window: In the same pixels.
    """
    origin = np.array((window.left, window.top), np.float32)
    size = np.array((window.width, window.height), np.float32)
    return np.asarray((points + 0.5 - origin) / size, dtype=np.float32)


def landmarks_from_network(shares: FloatArray, square: Alignment) -> FloatArray:
    """Converts the network's outputs to pixels; the inverse of ``landmark_view``.

    Args:
        shares: x and y alternately, shape (136,), or (68, 2).
        square: The one passed to ``landmark_view``.
    """
    window = Alignment(square.x, square.y, square.side * COVER, square.turn)
    return window.from_shares(shares.reshape(-1, 2))


READABLE = 0.5
"""Face probability from which the landmark network's points are used."""


class Landmarks(NamedTuple):
    """Points of one face.

    Attributes:
        points: Shape (68, 2), pixels.
        is_face: Whether they can be trusted: they form a plausible face, and the network
            that placed them saw one.
        score: Probability of a face, 0 to 1, according to the landmarker.
    """

    points: FloatArray
    is_face: bool
    score: float


class Landmarker(Protocol):
    """Predicts the 68 landmarks of faces.

    Attributes:
        detects_faces: Whether ``is_face`` distinguishes faces from other things, so that a face
            can be tracked by its landmarks alone for a while.
    """

    @property
    def detects_faces(self) -> bool: ...

    def predict(self, luma: UInt8Array, squares: Sequence[Alignment]) -> list[Landmarks]:
        """The points of the face in each square (``face_geometry.detector_square``)."""
        ...


class DlibLandmarker:
    """dlib's regression trees, which place points whether or not there is a face.

    Raises:
        ModelError: The landmark model is missing or altered.
        MissingExtraError: dlib or the landmark model is not installed.
    """

    detects_faces = False

    def __init__(self) -> None:
        self._predictor = LandmarkPredictor()

    def predict(self, luma: UInt8Array, squares: Sequence[Alignment]) -> list[Landmarks]:
        """The points of the face in each square; runs no network."""
        placed = [self._predictor.predict(luma, square.box) for square in squares]
        return [Landmarks(points, is_face_like(points), 1.0) for points in placed]


class NetworkLandmarker:
    """Our own network, which also says whether there is a face.

    Args:
        network: Takes ``face``, returns (N, 137): probability of a face, then points.
    """

    detects_faces = True

    def __init__(self, network: Runnable) -> None:
        self._network = network

    def predict(self, luma: UInt8Array, squares: Sequence[Alignment]) -> list[Landmarks]:
        """The points of the face in each square, all in one batch."""
        if not squares:
            return []
        views = np.stack([landmark_view(luma, square) for square in squares])
        answers = self._network.run(face=views)
        placed = []
        for row, square in zip(answers, squares, strict=True):
            points = landmarks_from_network(row[1:], square)
            is_face = bool(row[0] > READABLE) and is_face_like(points)
            placed.append(Landmarks(points, is_face, float(row[0])))
        return placed


def make_landmarker(model: str) -> Landmarker:
    """A profile's landmarker.

    Args:
        model: The landmark network's name; empty for dlib's regression trees.

    Raises:
        ModelError: The network, or the trees' file, is missing or altered.
        MissingExtraError: The trees' file is not installed.
    """
    return NetworkLandmarker(load_network(model)) if model else DlibLandmarker()


def predict_best(
    landmarker: Landmarker, luma: UInt8Array, squares: Sequence[Alignment]
) -> Landmarks:
    """The points of a face with unknown rotation.

    Args:
        landmarker: Places them.
        luma: Brightness, shape (height, width).
        squares: Where the face may be, the most likely first.

    Returns:
        Those of the first square if they are a face's, else those of the best other one.
    """
    (first,) = landmarker.predict(luma, squares[:1])
    if first.is_face or len(squares) == 1:
        return first
    others = landmarker.predict(luma, squares[1:])
    return max((first, *others), key=lambda placed: (placed.is_face, placed.score))


def predict_single(landmarker: Landmarker, luma: UInt8Array, square: Alignment) -> Landmarks:
    """The points of one face."""
    return landmarker.predict(luma, [square])[0]
