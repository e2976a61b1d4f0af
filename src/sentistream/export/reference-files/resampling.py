"""Parts of a grey picture in another size, as Pillow makes them: bilinear, with ``reducing_gap``.

Where the answers need not agree to the last digit, any resampling without aliasing will do.
"""

import math

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # left, top, right, bottom, pixels
Square = tuple[float, float, float, float]  # centre x and y, side, roll in radians, clockwise

REDUCING_GAP = 1.5


def resize(pixels: Grey, box: Box, width: int, height: int) -> Grey:
    """What lies within a box that does not reach outside; (height, width)."""
    factors = [
        max(1, int((high - low) / size / REDUCING_GAP))
        for low, high, size in zip(box[:2], box[2:], (width, height), strict=True)
    ]
    (left, top, right, bottom), across, down = box, np.eye(pixels.shape[1]), np.eye(len(pixels))
    if max(factors) > 1:
        across, left, right = _blocks(pixels.shape[1], left, right, width, factors[0])
        down, top, bottom = _blocks(len(pixels), top, bottom, height, factors[1])
    count = down.sum(axis=1)[:, None] * across.sum(axis=1)
    sums = down @ pixels @ across.T + count // 2
    reduced = np.floor(sums * (2**24 // count) / 2**24)  # as Pillow divides
    wide = np.floor(reduced @ _triangles(reduced.shape[1], left, right, width).T + 0.5)
    high = _triangles(reduced.shape[0], top, bottom, height) @ wide
    return np.asarray(np.floor(high + 0.5), dtype=np.uint8)


def cut(pixels: Grey, box: Box, size: int) -> Grey:
    """The same for a box that may reach outside, where the picture's edge is repeated."""
    index, moved = [], []
    for low, high, count in zip(box[:2], box[2:], pixels.shape[::-1], strict=True):
        reach = math.ceil((high - low) / size) + 1
        first = math.floor(low) - reach
        index.append(np.clip(np.arange(first, math.ceil(high) + reach), 0, count - 1))
        moved.append((low - first, high - first))
    (left, right), (top, bottom) = moved
    return resize(pixels[np.ix_(index[1], index[0])], (left, top, right, bottom), size, size)


def upright(pixels: Grey, square: Square, size: int, cover: float = 1.0) -> Grey:
    """A square of the picture, made larger by ``cover`` and turned upright; (size, size)."""
    x, y, side, roll = square
    cosine, sine = math.cos(roll), math.sin(roll)
    widening = abs(cosine) + abs(sine)
    half, count = side * cover * widening / 2, math.ceil(size * widening)
    patch = cut(pixels, (x - half, y - half, x + half, y + half), count).astype(float)
    scale, steps = count / (size * widening), np.arange(size) + 0.5 - size / 2
    across, down = scale * cosine * steps, scale * sine * steps
    at_x = across[None, :] - down[:, None] + count / 2
    at_y = down[None, :] + across[:, None] + count / 2
    outside = (np.minimum(at_x, at_y) < 0) | (np.maximum(at_x, at_y) >= count)
    whole_x, whole_y = np.floor(at_x - 0.5).astype(int), np.floor(at_y - 0.5).astype(int)
    part_x, part_y = at_x - 0.5 - whole_x, at_y - 0.5 - whole_y
    x0, x1 = np.clip([whole_x, whole_x + 1], 0, count - 1)
    y0, y1 = np.clip([whole_y, whole_y + 1], 0, count - 1)
    upper = patch[y0, x0] + (patch[y0, x1] - patch[y0, x0]) * part_x
    lower = patch[y1, x0] + (patch[y1, x1] - patch[y1, x0]) * part_x
    return np.where(outside, 0, upper + (lower - upper) * part_y).astype(np.uint8)


def _blocks(
    count: int, low: float, high: float, size: int, factor: int
) -> tuple[NDArray[np.float64], float, float]:
    """Blocks of pixels to average before a strong reduction, (blocks, count); new low and high."""
    reach = (high - low) / size / 2
    first, last = max(0, int(low - reach)), min(count, math.ceil(high + reach))
    blocks = np.arange(math.ceil((last - first) / factor))[:, None]
    place = np.where(np.arange(count) < last, (np.arange(count) - first) // factor, -1)
    return (place == blocks).astype(float), (low - first) / factor, (high - first) / factor


def _triangles(count: int, low: float, high: float, size: int) -> NDArray[np.float64]:
    """Weights of a triangle filter as wide as the reduction, (size, count)."""
    # Pillow takes the box in single precision and computes with 22 binary places
    step = float(np.float32(high) - np.float32(low)) / size
    centres = float(np.float32(low)) + (np.arange(size)[:, None] + 0.5) * step
    distance = np.abs(np.arange(count) + 0.5 - centres) / max(step, 1)
    weights = np.clip(1 - distance, 0, None)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.floor(shares * 2**22 + 0.5) / 2**22)
