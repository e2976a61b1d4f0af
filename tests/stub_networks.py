"""Stub networks and faces with given answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.types import Box, Face, FloatArray, Picture


class StubNetwork:
    """Returns fixed answers, one row for each face, and records its inputs."""

    def __init__(self, *answers: tuple[float, ...]) -> None:
        self.answers = answers
        self.calls: list[dict[str, NDArray[Any]]] = []

    def run(self, **inputs: NDArray[Any]) -> FloatArray:
        self.calls.append(inputs)
        count = len(next(iter(inputs.values())))
        rows = [self.answers[i % len(self.answers)] for i in range(count)]
        return np.array(rows, np.float32)


class StubTracker:
    def __init__(self, *faces: Face) -> None:
        self.faces: Sequence[Face] = faces
        self.left_out = 0
        self.updates = 0

    def update(self, picture: Picture, time: float) -> Sequence[Face]:
        self.updates += 1
        return self.faces

    def reset(self, *, renumber: bool = False) -> None:
        pass


def make_face(
    track: int = 1, x: float = 300, y: float = 240, size: float = 60, missed: bool = False
) -> Face:
    """A face whose points have the given mean and centroid size."""

    points = np.random.default_rng(track).uniform(-1, 1, (68, 2))
    points -= points.mean(axis=0)
    points *= size / np.sqrt((points**2).sum(axis=1).mean())
    points += (x, y)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    box = Box(float(left), float(top), float(right), float(bottom))
    return Face(track, box, points.astype(np.float32), missed=missed)
