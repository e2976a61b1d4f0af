"""From grey pictures to answers with NumPy and ONNX Runtime alone: what a port has to do.

Usage: python reference.py PICTURE.npy [PICTURE.npy ...], brightness as uint8 of shape (height,
width), 25 pictures a second. Numbers come from pipeline.json; README.md says what each step is for.
A square is its centre x and y, its side in pixels and its roll in radians, clockwise.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(__file__).parent
P = json.loads((FOLDER / "pipeline.json").read_text("utf-8"))
SESSIONS = {
    name: onnxruntime.InferenceSession(FOLDER / network["file"], providers=["CPUExecutionProvider"])
    for name, network in P["networks"].items()
}


def run(name, **inputs):
    return SESSIONS[name].run(None, inputs)[0]


def shrink(count, low, high, size):
    """Means of whole blocks before a strong reduction: (blocks, count), and the new low and high."""
    factor = max(1, int((high - low) / size / P["resampling"]["reducing_gap"]))
    if factor == 1:
        return np.eye(count), low, high
    reach = (high - low) / size
    first, last = max(0, int(low - reach)), min(count, math.ceil(high + reach))
    at = np.arange(count)
    block = np.where((at >= first) & (at < last), (at - first) // factor, -1)
    means = (block == np.arange(math.ceil((last - first) / factor))[:, None]).astype(float)
    means /= means.sum(1, keepdims=True)
    return means, (low - first) / factor, (high - first) / factor


def triangle(count, low, high, size):
    """Weights of a triangle filter as wide as the reduction, (size, count)."""
    step = (high - low) / size
    centres = low + (np.arange(size)[:, None] + 0.5) * step
    weights = np.clip(1 - np.abs(np.arange(count) + 0.5 - centres) / max(step, 1), 0, None)
    return weights / weights.sum(1, keepdims=True)


def levels(values):
    return np.floor(values + 0.5)


def resize(pixels, box, width, height):
    """The part of a picture within left, top, right and bottom, without aliasing."""
    across, left, right = shrink(pixels.shape[1], box[0], box[2], width)
    down, top, bottom = shrink(pixels.shape[0], box[1], box[3], height)
    pixels = levels(down @ pixels @ across.T)
    pixels = levels(pixels @ triangle(pixels.shape[1], left, right, width).T)
    return levels(triangle(len(pixels), top, bottom, height) @ pixels).astype(np.uint8)


def cut(pixels, box, size):
    """The same for a box that may reach outside, where the edge is repeated; (size, size)."""
    index, moved = [], []
    for low, high, count in zip(box[:2], box[2:], pixels.shape[::-1], strict=True):
        reach = math.ceil((high - low) / size) + 1
        first = math.floor(low) - reach
        index.append(np.clip(np.arange(first, math.ceil(high) + reach), 0, count - 1))
        moved.append((low - first, high - first))
    (left, right), (top, bottom) = moved
    return resize(pixels[np.ix_(index[1], index[0])], (left, top, right, bottom), size, size)


def view(luma, square, size, cover=1.0):
    """A square of the picture turned upright, (size, size)."""
    x, y, side, roll = square
    cosine, sine = math.cos(roll), math.sin(roll)
    widening = abs(cosine) + abs(sine)
    half, count = side * cover * widening / 2, math.ceil(size * widening)
    patch = cut(luma, (x - half, y - half, x + half, y + half), count).astype(float)
    scale = count / (size * widening)
    column, row = np.meshgrid(np.arange(size) + 0.5 - size / 2, np.arange(size) + 0.5 - size / 2)
    at_x = scale * (cosine * column - sine * row) + count / 2 - 0.5
    at_y = scale * (sine * column + cosine * row) + count / 2 - 0.5
    outside = (np.minimum(at_x, at_y) < -0.5) | (np.maximum(at_x, at_y) >= count - 0.5)
    x0, y0 = np.floor(at_x).astype(int), np.floor(at_y).astype(int)
    part_x, part_y = at_x - x0, at_y - y0
    (x0, x1), (y0, y1) = (np.clip([one, one + 1], 0, count - 1) for one in (x0, y0))
    upper = patch[y0, x0] * (1 - part_x) + patch[y0, x1] * part_x
    lower = patch[y1, x0] * (1 - part_x) + patch[y1, x1] * part_x
    return np.where(outside, 0, upper * (1 - part_y) + lower * part_y).astype(np.uint8)


def similarity(places, points):
    """The square in which points come closest to their places, shares of its sides."""
    target, template = points.astype(float) @ (1, 1j), np.array(places) @ (1, 1j)
    spread = template - template.mean()
    factor = np.vdot(spread, target - target.mean()) / np.vdot(spread, spread).real
    centre = target.mean() + factor * (0.5 + 0.5j - template.mean())
    return centre.real, centre.imag, abs(factor), math.atan2(factor.imag, factor.real)


def overlap(one, other):
    """Intersection over union, and over the smaller, of boxes (4,) and (N, 4)."""
    sides = np.minimum(one[2:], other[:, 2:]) - np.maximum(one[:2], other[:, :2])
    shared = np.prod(np.clip(sides, 0, None), axis=1)
    areas = np.prod(one[2:] - one[:2]), np.prod(other[:, 2:] - other[:, :2], axis=1)
    return shared / (areas[0] + areas[1] - shared), shared / np.minimum(*areas)


def detect(luma, longest):
    """Faces, best first: score, left, top, right, bottom, and x and y of five points, (N, 15)."""
    d, (rows, columns), found, sizes = P["detector"], luma.shape, [], set()
    for side in {longest, d["longest_side"]["coarse"]}:
        scale = min(1, side / max(rows, columns)) / d["multiple"]
        sizes.add(tuple(max(1, round(one * scale)) * d["multiple"] for one in (columns, rows)))
    shown = luma
    for width, height in sorted(sizes, reverse=True):
        shown = resize(shown, (0, 0, shown.shape[1], shown.shape[0]), width, height)
        rows_of_faces = run("detector", picture=shown[None, :, :, None])[0]
        rows_of_faces[:, 1::2] *= columns / width
        rows_of_faces[:, 2::2] *= rows / height
        found.append(rows_of_faces[rows_of_faces[:, 0] >= d["score"]["low"]])
    left, kept = np.concatenate(found), []
    left = left[np.argsort(-left[:, 0], kind="stable")]
    while len(left):
        kept.append(left[0])
        union, smaller = overlap(left[0, 1:5], left[1:, 1:5])
        left = left[1:][
            (union <= d["suppression"]["union"]) & (smaller <= d["suppression"]["smaller"])
        ]
    return np.array(kept).reshape(-1, 15)


def place(luma, square):
    """The 68 points of the face in a square, in pixels, how sure it is a face, and whether it is."""
    m, (x, y, side, roll) = P["landmarks"], square
    roll = roll if abs(roll) > math.radians(m["upright_degrees"]) else 0.0
    half, turn = side * m["cover"] / 2, np.array([[1, 0], [0, 1]])
    if roll:
        seen = view(luma, square, m["size"], m["cover"])
        turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    else:
        seen = cut(luma, (x - half, y - half, x + half, y + half), m["size"])
    answer = run("landmarks", face=seen[None, :, :, None])[0]
    points = (answer[1:].reshape(68, 2) - 0.5) @ turn * 2 * half + (x - 0.5, y - 0.5)
    eyes, gap, mouth = parts(points)
    size, limits = centroid_size(points), m["plausible"]
    across, down = gap / size, (mouth - eyes) / size
    wide, tall = math.hypot(*across), math.hypot(*down)
    like = limits["eye_distance"][0] < wide < limits["eye_distance"][1] and size >= limits["least"]
    like &= limits["eyes_to_mouth"][0] < tall < limits["eyes_to_mouth"][1]
    like &= across[0] * down[1] - across[1] * down[0] > wide * tall / 2
    return points, answer[0], like and answer[0] > m["readable"]


def centroid_size(points):
    return math.sqrt(((points - points.mean(0)) ** 2).sum(1).mean())


def parts(points):
    """The middle between the eyes, the step from the right to the left eye, the lips' middle."""
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    return (right + left) / 2, left - right, points[48:60].mean(0)


def square_of(points):
    """Where the points of the same face are looked for in the next picture."""
    eyes, _, mouth = parts(points)
    size, down = centroid_size(points), mouth - eyes
    x, y = points.mean(0) - P["landmarks"]["square"]["rise"] * size * down / math.hypot(*down)
    return x, y, P["landmarks"]["square"]["width"] * size, math.atan2(-down[0], down[1])


def box_of(square):
    x, y, side, _ = square
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2])


def normalised(logarithms):
    shares = np.exp(logarithms - logarithms.max())
    return shares / shares.sum()


class Follower:
    """One face, the largest, from picture to picture."""

    square = points = None
    seen = coarse = fine = -math.inf

    def update(self, luma, time):
        """The 68 points at ``time``, seconds, shape (68, 2); None without a face."""
        t = P["tracking"]
        if self.square is not None:
            self.points, _, is_face = place(luma, self.square)
            new = square_of(self.points)
            near = overlap(box_of(new), box_of(self.square)[None])[0][0] > t["agrees"]
            self.square = new if is_face and near and time - self.seen < t["carry"] else None
        is_fine = time - self.fine > (t["coarse"] if self.square is None else t["fine"]) - 1e-6
        if is_fine or time - self.coarse > t["coarse"] - 1e-6:
            self.coarse, self.fine = time, time if is_fine else self.fine
            self._search(luma, time, P["detector"]["longest_side"]["fine" if is_fine else "coarse"])
        return None if self.square is None else self.points

    def _search(self, luma, time, longest):
        found, score = detect(luma, longest), P["detector"]["score"]
        if self.square is not None:
            if len(found) and overlap(box_of(self.square), found[:, 1:5])[0].max() >= 0.3:
                self.seen = time
            return
        found = found[found[:, 0] >= score["high"]]
        for face in sorted(found, key=lambda one: -np.prod(one[3:5] - one[1:3])):
            square = similarity(P["detector"]["five_points"], face[5:].reshape(5, 2))
            points, sure, is_face = place(luma, square)
            if is_face and (face[0] >= score["certain"] or sure >= score["sure_landmarks"]):
                self.square, self.points, self.seen = square_of(points), points, time
                return


class Answers:
    """What is said of one face: at each moment, and summed up over the last seconds."""

    def __init__(self):
        self.time = self.begun = self.run_at = None
        self.views, self.mirrored, self.mouth, self.mean, self.count = {}, False, None, None, 0
        self.usual, self.known, self.waiting = np.zeros(3), 0.0, []

    def update(self, luma, points, time, voice=None, trust=0.0):
        """Mouth open (0 to 1), momentary and accumulated shares of the three classes."""
        f, m, a = P["face"], P["mouth"], P["accumulation"]
        if self.run_at is None or time - self.run_at >= f["interval"] - 1e-3:
            self.run_at = time
            five = np.array([points[part].mean(0) for part in f["points"]])
            seen = view(luma, similarity(f["places"], five), f["size"])
            for mirrored in (self.mirrored,) if self.views else (False, True):
                shown = seen[:, ::-1] if mirrored else seen
                answer = run("face", face=np.ascontiguousarray(shown)[None, :, :, None])[0]
                self.views[mirrored] = np.log(np.maximum(answer, a["least"]))
                self.mirrored = not mirrored
        lips = points[slice(*m["points"])]
        low, high = lips.min(0), lips.max(0)
        x, y = (low + high) / 2
        half = max((high - low).max() * m["margin"], m["least"] * centroid_size(points)) / 2
        seen = cut(luma, (x - half, y - half, x + half, y + half), m["size"])
        opened = float(run("mouth", mouth=seen[None, :, :, None])[0, 0])
        step = 0.0 if self.time is None else time - self.time
        self.mouth = opened if self.mouth is None else self.mouth
        self.mouth += (1 - math.exp(-step / m["time_constant"])) * (opened - self.mouth)
        now = normalised(sum(self.views.values()) / 2)
        logs, self.count, self.time = np.log(np.maximum(now, a["least"])), self.count + 1, time
        share = 1 - math.exp(-step / a["time_constant"])
        if self.mean is None:
            self.mean, self.begun = logs, time
        share = 1 / self.count if time - self.begun < a["time_constant"] else share
        self.mean = self.mean + share * (logs - self.mean)
        both = self._relative(now, normalised(self.mean), time)
        joined = run(
            "fusion",
            face=np.array(both, np.float32),
            voice=np.array([[1 / 3] * 3 if voice is None else voice] * 2, np.float32),
            trust=np.full((2, 1), 0.0 if voice is None else trust, np.float32),
        )
        return self.mouth, joined[0] / joined[0].sum(), joined[1] / joined[1].sum()

    def _relative(self, now, summed, time):
        """Both answers less part of what is usual for this face."""
        b = P["baseline"]
        centred = [np.log(np.maximum(one, P["accumulation"]["least"])) for one in (now, summed)]
        centred = [one - one.mean() for one in centred]
        while self.waiting and time - self.waiting[0][0] >= b["span"]:
            self.known = min(self.known + b["every"], b["horizon"])
            self.usual += b["every"] / self.known * (self.waiting.pop(0)[1] - self.usual)
        if not self.waiting or time - self.waiting[-1][0] >= b["every"] - 1e-6:
            self.waiting.append((time, centred[0]))
        weight = b["strength"] * self.known / (self.known + b["known_after"])
        return [normalised(one - weight * self.usual) for one in centred]


def label(shares):
    """The class of accumulated shares, or unknown."""
    best = max(P["tie_order"], key=lambda name: shares[P["classes"].index(name)])
    return best if shares.max() >= P["unknown_below"] else "unknown"


if __name__ == "__main__":
    follower, answers = Follower(), None
    for number, path in enumerate(sys.argv[1:]):
        picture = np.load(path)
        points = follower.update(picture, number / 25)
        answers = None if points is None else answers or Answers()
        said = answers and answers.update(picture, points, number / 25)
        print(f"{number / 25:.2f} s:", (label(said[2]), *said) if said else "no face")
