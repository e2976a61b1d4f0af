"""The face mesh whose points hold on turned faces, where dlib's do not.

The mesh (Kartynnik et al. 2019, Apache 2.0) comes as a TensorFlow Lite file with the package
``mediapipe`` and is run by ``ai-edge-litert``. Both are needed to train the landmark network,
never to run it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentistream.errors import MissingExtraError
from sentistream.training.landmarks import MIRRORED
from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, view

VERTICES = 468

_SIZE = 192  # pixels a side of what the mesh network sees
_COVER = 1.5  # side of that, in longer sides of the box about the vertices
_FACE = 0.5  # probability of a face from which its vertices are believed
_AGREES = 0.04  # mean distance of picture and mirror image, in sides of the box
_CORNERS = (33, 263)  # outer corners of the eyes
_INSTALL = (
    "The face mesh (pip install --no-deps mediapipe==0.10.21 ai-edge-litert), from which the "
    "landmarks of turned faces are learned,"
)
# Where the 68 points lie on the mesh: vertices and hundredths of their weights. Medians over
# dlib's points and the mesh on 861 frontal faces of RAF-DB, made symmetrical: each point lies in
# the triangle of vertices about it or, where it is at the mesh's edge, at the nearest vertex.
# fmt: off
_POINTS = (
    ((127, 100),), ((123, 1), (137, 20), (227, 79)), ((177, 58), (93, 36), (147, 6)),
    ((215, 100),), ((172, 100),), ((136, 100),), ((149, 100),), ((148, 100),),
    ((175, 9), (152, 91)), ((377, 100),), ((378, 100),), ((365, 100),), ((397, 100),),
    ((435, 100),), ((401, 58), (323, 36), (376, 6)), ((352, 1), (366, 20), (447, 79)),
    ((356, 100),), ((139, 24), (70, 50), (156, 26)), ((105, 8), (53, 12), (63, 80)),
    ((105, 63), (66, 37)), ((107, 36), (65, 11), (66, 53)), ((9, 16), (55, 53), (107, 31)),
    ((9, 16), (285, 53), (336, 31)), ((336, 36), (295, 11), (296, 53)), ((334, 63), (296, 37)),
    ((334, 8), (283, 12), (293, 80)), ((368, 24), (300, 50), (383, 26)), ((6, 24), (168, 76)),
    ((6, 20), (197, 80)), ((5, 52), (195, 48)), ((1, 2), (4, 98)),
    ((75, 24), (167, 14), (240, 62)), ((97, 82), (242, 17), (167, 1)), ((2, 60), (164, 40)),
    ((326, 82), (462, 17), (393, 1)), ((305, 24), (393, 14), (460, 62)),
    ((7, 38), (33, 32), (246, 30)), ((159, 49), (160, 48), (27, 3)),
    ((56, 10), (157, 8), (158, 82)), ((155, 82), (112, 13), (26, 5)),
    ((145, 21), (153, 77), (23, 2)), ((145, 5), (23, 1), (144, 94)),
    ((382, 82), (341, 13), (256, 5)), ((286, 10), (384, 8), (385, 82)),
    ((386, 49), (387, 48), (257, 3)), ((249, 38), (263, 32), (466, 30)),
    ((374, 5), (253, 1), (373, 94)), ((374, 21), (380, 77), (253, 2)),
    ((57, 21), (186, 11), (61, 68)), ((39, 66), (40, 34)), ((37, 92), (0, 8)), ((11, 26), (0, 74)),
    ((267, 92), (0, 8)), ((269, 66), (270, 34)), ((287, 21), (410, 11), (291, 68)),
    ((335, 44), (406, 4), (405, 52)), ((314, 48), (313, 50), (17, 2)), ((17, 50), (18, 50)),
    ((84, 48), (83, 50), (17, 2)), ((106, 44), (182, 4), (181, 52)),
    ((76, 58), (184, 8), (62, 34)), ((38, 91), (81, 9)), ((13, 96), (14, 4)),
    ((268, 91), (311, 9)), ((306, 58), (408, 8), (308, 34)), ((403, 7), (315, 18), (316, 75)),
    ((15, 81), (16, 19)), ((179, 7), (85, 18), (86, 75)),
)
# fmt: on


def _weights() -> NDArray[np.float32]:
    """From the mesh's vertices to the 68 points, shape (68, 468)."""
    weights = np.zeros((len(_POINTS), VERTICES), np.float32)
    for row, point in zip(weights, _POINTS, strict=True):
        for vertex, hundredths in point:
            row[vertex] = hundredths / 100
    return weights


_WEIGHTS = _weights()
_MIRRORED = MIRRORED.numpy()
_RIGHT = [*range(17, 22), 31, 32, *range(36, 42), 48]  # the outline is less certain
_LEFT = _MIRRORED[_RIGHT]


class Mesh(NamedTuple):
    """A face's mesh.

    Attributes:
        vertices: Shape (468, 3): x and y in pixels at pixel centres, and depth away from the
            viewer in the same unit, from an arbitrary origin.
        points: The 68 points on it, shape (68, 3).
        disagreement: Mean distance of the points by the picture from those by its mirror image,
            in longer sides of the box about them.
    """

    vertices: FloatArray
    points: FloatArray
    disagreement: float

    @property
    def is_sure(self) -> bool:
        """Whether picture and mirror image agree."""
        return self.disagreement < _AGREES

    @property
    def yaw(self) -> float:
        """How far the head is turned aside, degrees; positive to the viewer's right.

        The mean step from points of the person's right to those of the left is perpendicular to
        where the head looks, whatever its shape.
        """
        x, y, z = (self.points[_LEFT] - self.points[_RIGHT]).mean(axis=0).tolist()
        return math.degrees(math.atan2(z, math.hypot(x, y)))


def mesh_file() -> Path:
    """Where the mesh network's file is.

    Raises:
        MissingExtraError: The package ``mediapipe`` is not installed.
    """
    # the package is found but never imported: it wants NumPy 1
    spec = importlib.util.find_spec("mediapipe")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "modules" / "face_landmark" / "face_landmark.tflite"
        if path.is_file():
            return path
    raise MissingExtraError(_INSTALL, "train")


@functools.cache
def _interpreter() -> Any:
    path = mesh_file()
    try:
        interpreters = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise MissingExtraError(_INSTALL, "train") from error
    interpreter = interpreters.Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def taught_mesh(luma: UInt8Array, square: Alignment) -> Mesh | None:
    """The mesh of a face; None where the network sees none.

    Args:
        luma: Brightness, shape (height, width): all that the landmark network sees, too.
        square: About the face and turned with it, as ``shape.square_of_points`` gives it.
    """
    vertices, presence = _answer(view(luma, square, _SIZE))
    if presence < _FACE:
        return None
    square = _square_of(_placed(vertices, square))
    seen = view(luma, square, _SIZE)
    vertices, presence = _answer(seen)
    mirrored, mirrored_presence = _answer(seen[:, ::-1])
    if min(presence, mirrored_presence) < _FACE:
        return None
    points, other = _WEIGHTS @ vertices, (_WEIGHTS @ mirrored)[_MIRRORED]
    other[:, 0] = _SIZE - 1 - other[:, 0]
    apart = np.linalg.norm((points - other)[:, :2], axis=1).mean()
    extent = float(np.ptp(points[:, :2], axis=0).max())
    return Mesh(
        _placed(vertices, square),
        _placed((points + other) / 2, square),
        float(apart) / max(extent, 1e-6),
    )


def _answer(seen: UInt8Array) -> tuple[FloatArray, float]:
    """Vertices in the view's pixels and the probability of a face."""
    interpreter = _interpreter()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"],
        np.repeat(seen[np.newaxis, ..., np.newaxis], 3, axis=-1).astype(np.float32) / 255,
    )
    interpreter.invoke()
    vertices, logit = (
        interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()
    )
    return vertices.reshape(VERTICES, 3).copy(), 1 / (1 + math.exp(-float(logit.ravel()[0])))


def _placed(vertices: FloatArray, square: Alignment) -> FloatArray:
    """From the view's pixels to those of the picture."""
    placed = np.empty_like(vertices)
    placed[:, :2] = square.from_shares((vertices[:, :2] + np.float32(0.5)) / np.float32(_SIZE))
    placed[:, 2] = vertices[:, 2] * (square.side / _SIZE)
    return placed


def _square_of(vertices: FloatArray) -> Alignment:
    """The upright square about a mesh in which it is looked at again."""
    across = vertices[_CORNERS[1], :2] - vertices[_CORNERS[0], :2]
    roll = math.atan2(float(across[1]), float(across[0]))
    turned = vertices[:, :2] @ np.array(
        [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]]
    )
    low, high = turned.min(axis=0), turned.max(axis=0)
    middle = (low + high) / 2
    x = middle[0] * math.cos(roll) - middle[1] * math.sin(roll)
    y = middle[0] * math.sin(roll) + middle[1] * math.cos(roll)
    return Alignment(float(x) + 0.5, float(y) + 0.5, float((high - low).max()) * _COVER, roll)
