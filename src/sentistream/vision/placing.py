"""Who places the 68 points on a face whose frame is known: dlib's trees, or our own network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from sentistream.runtime import load_network
from sentistream.runtime.asking import Ask, Asking, Runnable, answer
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.landmarks import LandmarkPredictor
from sentistream.vision.points import points_within, seen


class Placement(NamedTuple):
    """Points of one face.

    Attributes:
        points: Shape (68, 2), pixels.
        is_face: Whether whoever placed them saw a face there.
    """

    points: FloatArray
    is_face: bool


class Placer(Protocol):
    """Places points, and says how long they may be trusted.

    Attributes:
        confirm: Seconds after which the detector looks at a known face again.
        look_again: Seconds after which it does where it missed it.
        carry: Seconds for which points alone may carry a face the detector keeps missing.
    """

    @property
    def confirm(self) -> float: ...

    @property
    def look_again(self) -> float: ...

    @property
    def carry(self) -> float: ...

    def place(self, luma: UInt8Array, boxes: Sequence[Box]) -> Asking[list[Placement]]:
        """The points of the face in each box."""
        ...


class TreePlacer:
    """dlib's regression trees, which place points whether or not there is a face.

    Raises:
        ModelError: The landmark model is missing or altered.
    """

    confirm = 0.2
    look_again = 0.0
    carry = 0.5

    def __init__(self) -> None:
        self._predictor = LandmarkPredictor()

    def place(self, luma: UInt8Array, boxes: Sequence[Box]) -> Asking[list[Placement]]:
        """The points of the face in each box; asks no network."""
        yield from ()
        return [Placement(self._predictor.predict(luma, box), True) for box in boxes]


class NetworkPlacer:
    """Our own network, which also says whether there is a face, so that the detector can rest.

    Args:
        network: Takes ``face``, gives (N, 137): probability of a face, then points.
    """

    confirm = 1.0
    look_again = 0.25
    carry = 2.0

    def __init__(self, network: Runnable) -> None:
        self._network = network

    def place(self, luma: UInt8Array, boxes: Sequence[Box]) -> Asking[list[Placement]]:
        """The points of the face in each box, all asked at once."""
        if not boxes:
            return []
        views = np.stack([seen(luma, box) for box in boxes])
        (answers,) = yield (Ask(self._network, {"face": views}),)
        return [
            Placement(points_within(row[1:], box), bool(row[0] > 0.5))
            for row, box in zip(answers, boxes, strict=True)
        ]


def make_placer(model: str) -> Placer:
    """What a profile places points with.

    Args:
        model: The landmark network's name; empty for dlib's trees.

    Raises:
        ModelError: The network, or the trees' file, is missing or altered.
        MissingExtraError: The trees' file is not installed.
    """
    return NetworkPlacer(load_network(model)) if model else TreePlacer()


def place_one(placer: Placer, luma: UInt8Array, box: Box) -> Placement:
    """The points of one face."""
    return answer(placer.place(luma, [box]))[0]
