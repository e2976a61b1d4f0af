"""From a picture, its 68 landmarks and 30 ms of sound to the paper's answers.

With NumPy and ONNX Runtime alone. Pictures are RGB, uint8 of shape (height, width, 3); landmarks
are x and y in pixels, (68, 2), as dlib's predictor gives them. The numbers are pipeline.json's.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from resampling import Box, cut

Array = NDArray[Any]
FOLDER: Path = Path(__file__).parent
P: dict[str, Any] = json.loads((FOLDER / "pipeline.json").read_text("utf-8"))
OPTIONS: Any = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1  # the networks are too small to share out
SESSIONS: dict[str, Any] = {
    name: onnxruntime.InferenceSession(FOLDER / network["file"], OPTIONS)
    for name, network in P["networks"].items()
}


def run(name: str, **inputs: Array) -> Array:
    answer: Array = SESSIONS[name].run(None, inputs)[0]
    return answer


def centroid_size(points: Array) -> float:
    """Root mean square distance of the points from their mean, pixels."""
    return math.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())


def face_box(points: Array) -> Box:
    f, size = P["face"], centroid_size(points)
    (x, y), half = points.mean(axis=0), f["height"] * size / 2
    y -= f["rise"] * size
    return x - half * f["aspect"], y - half, x + half * f["aspect"], y + half


def mouth_box(points: Array) -> Box:
    m, lips = P["mouth"], points[slice(*P["mouth"]["points"])]
    low, high = lips.min(axis=0), lips.max(axis=0)
    (x, y), side = (low + high) / 2, (high - low).max() * m["margin"]
    half = max(side, m["min_side"] * centroid_size(points)) / 2
    return x - half, y - half, x + half, y + half


def shown(picture: Array, box: Box, size: int) -> Array:
    return np.stack([cut(picture[..., part], box, size) for part in range(3)], axis=-1)[None]


def spectrogram(sound: Array) -> Array:
    """Two columns of a picture, (1, 400, 2, 3), of 1,440 samples at 48 kHz (section 2.4)."""
    s = P["spectrogram"]
    window, half = s["window"], s["window"] // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    segments = np.zeros((s["columns"], window), np.float32)
    segments[0, half:] = sound[: window - half]
    second = sound[s["hop"] - half :]
    segments[1, : second.size] = second
    spectrum = np.fft.rfft(segments * hann.astype(np.float32), axis=1) / hann.sum()
    decibels = 20 * np.log10(np.abs(spectrum) + 1e-12)
    rows = ((np.arange(s["rows"]) + 0.5) * (half + 1) / s["rows"]).astype(int)[::-1]
    share = (decibels.T[rows] - s["floor_db"]) / (s["ceiling_db"] - s["floor_db"])
    levels = np.clip(share * 255, 0, 255).astype(np.uint8)
    colours: Array = np.array(s["colours"], np.uint8)[levels]
    return colours[None]


def answer(picture: Array, points: Array, sound: Array | None) -> tuple[float, Array]:
    """Mouth open, 0 to 1, and shares of the three classes at this moment."""
    mouth = float(run("mouth", mouth=shown(picture, mouth_box(points), P["mouth"]["size"]))[0, 0])
    face = shown(picture, face_box(points), P["face"]["size"])
    if mouth < P["mouth"]["open_from"] or sound is None:
        return mouth, run("visual", face=face)[0]
    return mouth, run("fused", face=face, spectrogram=spectrogram(sound))[0]


class Smoother:
    """Equation 1."""

    def __init__(self) -> None:
        self.time: float = -math.inf
        self.value: Array = np.zeros(3)

    def update(self, shares: Array, time: float) -> Array:
        """What was said up to ``time``, seconds."""
        alpha = -math.expm1((self.time - time) / P["accumulation"]["time_constant"])
        self.time, self.value = time, self.value + alpha * (shares - self.value)
        return self.value
