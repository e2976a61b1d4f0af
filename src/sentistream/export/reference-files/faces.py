"""Faces in grey pictures: where they are, their 68 points, and one of them followed.

Pictures are brightness, uint8 of shape (height, width); points are x and y in pixels, (68, 2). The
numbers are those of pipeline.json; README.md says what each step is for.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from resampling import Grey, Square, cut, resize, upright

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
    return np.asarray(SESSIONS[name].run(None, inputs)[0])


def overlaps(box: Array, boxes: Array) -> tuple[Array, Array]:
    """Intersection over union, and over the smaller one, of boxes, (4,) and (N, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.clip(sides, 0, None), axis=1)
    one, other = np.prod(box[2:] - box[:2]), np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared / (one + other - shared), shared / np.minimum(one, other)


def detect(luma: Grey, longest: int) -> Array:
    """Faces, best first: score, left, top, right, bottom, x and y of five points; (N, 15)."""
    d, (rows, columns), shown, found = P["detector"], luma.shape, luma, list[Array]()
    for side in sorted({longest, d["longest_side"]["coarse"]}, reverse=True):
        scale = min(1, side / max(rows, columns)) / d["multiple"]
        width, height = (max(1, round(n * scale)) * d["multiple"] for n in (columns, rows))
        if found and (height, width) == shown.shape:
            break
        shown = resize(shown, (0, 0, shown.shape[1], shown.shape[0]), width, height)
        faces = run("detector", picture=shown[None, :, :, None])[0, :, :15]
        faces[:, 1::2] *= columns / width
        faces[:, 2::2] *= rows / height
        found.append(faces[faces[:, 0] >= d["score"]["low"]])
    left, kept = np.concatenate(found), []
    left = left[np.argsort(-left[:, 0], kind="stable")]
    while len(left):
        kept.append(left[0])
        union, smaller = overlaps(left[0, 1:5], left[1:, 1:5])
        left = left[1:][(union <= d["one_face"]["union"]) & (smaller <= d["one_face"]["smaller"])]
    return np.array(kept).reshape(-1, 15)


def similarity(places: Array, points: Array) -> Square:
    """The square in which points come closest to their places, which are shares of its sides."""
    target, template = points.astype(float) @ (1, 1j), np.array(places) @ (1, 1j)
    spread = template - template.mean()
    factor = np.vdot(spread, target - target.mean()) / np.vdot(spread, spread).real
    centre = target.mean() + factor * (0.5 + 0.5j - template.mean())
    return centre.real, centre.imag, abs(factor), math.atan2(factor.imag, factor.real)


def centroid_size(points: Array) -> float:
    return math.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())


def steps(points: Array) -> tuple[Array, Array]:
    """From the right eye to the left, and from between them down to the mouth."""
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return left - right, points[48:60].mean(axis=0) - (right + left) / 2


def place(luma: Grey, square: Square) -> tuple[Array, float, bool]:
    """The points of the face in a square, the probability of a face, whether it is one."""
    m, (x, y, side, roll) = P["landmarks"], square
    side = side * m["cover"]
    if abs(roll) > math.radians(m["upright_degrees"]):
        seen = upright(luma, square, m["size"], m["cover"])
    else:
        roll = 0.0
        seen = cut(luma, (x - side / 2, y - side / 2, x + side / 2, y + side / 2), m["size"])
    answer = run("landmarks", face=seen[None, :, :, None])[0]
    turn = [[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]]
    shares = answer[1:].reshape(68, 2)
    points = ((shares - 0.5) @ turn * side + (x - 0.5, y - 0.5)).astype(np.float32)
    size, limits = centroid_size(points), m["plausible"]
    across, down = (step / size for step in steps(points))
    wide, tall = math.hypot(*across), math.hypot(*down)
    like = size >= limits["min_size"] and answer[0] > m["readable"]
    like &= limits["eye_distance"][0] < wide < limits["eye_distance"][1]
    like &= limits["eyes_to_mouth"][0] < tall < limits["eyes_to_mouth"][1]
    return points, answer[0], like and across[0] * down[1] - across[1] * down[0] > wide * tall / 2


def square_of(points: Array) -> Square:
    """Where the points of the same face are looked for in the next picture."""
    (_, down), size, s = steps(points), centroid_size(points), P["landmarks"]["square"]
    x, y = points.mean(axis=0) - s["rise"] * size * down / math.hypot(*down)
    return x, y, s["width"] * size, math.atan2(-down[0], down[1])


def box_of(square: Square) -> Array:
    x, y, side, _ = square
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])


class Follower:
    """One face, the largest, from picture to picture."""

    square: Square | None = None
    points: Array | None = None
    seen: float = -math.inf
    coarse: float = -math.inf
    fine: float = -math.inf

    def update(self, luma: Grey, time: float) -> Array | None:
        """The points at ``time``, seconds; None without a face."""
        t = P["tracking"]
        if self.square is not None:
            self.points, _, is_face = place(luma, self.square)
            new = square_of(self.points)
            near = overlaps(box_of(new), box_of(self.square)[None])[0][0] > t["agrees"]
            self.square = new if is_face and near and time - self.seen < t["carry"] else None
        fine = time - self.fine >= (t["alone"] if self.square is None else t["fine"]) - 1e-6
        if fine or time - self.coarse >= t["coarse"] - 1e-6:
            self.coarse, self.fine = time, time if fine else self.fine
            self._search(luma, time, P["detector"]["longest_side"]["fine" if fine else "coarse"])
        return None if self.square is None else self.points

    def _search(self, luma: Grey, time: float, longest: int) -> None:
        found, score = detect(luma, longest), P["detector"]["score"]
        if self.square is not None:
            agrees = overlaps(box_of(self.square), found[:, 1:5])[0] >= P["tracking"]["agrees"]
            self.seen = time if agrees.any() else self.seen
            return
        for face in sorted(found, key=lambda face: -np.prod(face[3:5] - face[1:3])):
            square = similarity(P["detector"]["five_points"], face[5:].reshape(5, 2))
            points, sure, is_face = place(luma, square)
            min_score = score["high"] if sure >= score["sure_landmarks"] else score["certain"]
            if is_face and face[0] >= min_score:
                self.square, self.points, self.seen = square_of(points), points, time
                return
