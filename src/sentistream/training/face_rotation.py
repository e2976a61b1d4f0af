"""Renders faces as if the head were turned further (Zhu et al. 2016, 3DDFA).

The face mesh gives the depth of a face, rings of points around it that of hair, ears and the
background; nearer parts hide farther ones.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull, Delaunay, QhullError

from sentistream.types import FloatArray, UInt8Array
from sentistream.vision.alignment import Alignment
from sentistream.vision.face_geometry import detector_square

# rings around the outline of the mesh: distance from the middle, in that of the outline, and depth
# below it, in widths of the face
_RINGS = ((1.1, 0.12), (1.25, 0.35), (1.6, 0.55))
_FIXED = (2.4, 0.7)  # the outermost ring, which does not rotate with the head
_RING_POINTS = 20
_DENSITY = 1.2  # samples per pixel along the edge of a triangle
_LARGEST_STEPS = 72  # of the largest triangles, which are far from the face


def rotated_face(
    luma: UInt8Array,
    vertices: FloatArray,
    points: FloatArray,
    *,
    yaw: float,
    pitch: float,
    size: int,
    cover: float,
) -> tuple[UInt8Array, FloatArray] | None:
    """Renders a face with the head rotated.

    Args:
        luma: Brightness, shape (height, width).
        vertices: The face mesh, shape (N, 3): x and y in pixels, depth away from the viewer.
        points: The landmarks, shape (68, 3).
        yaw, pitch: The rotation, degrees; positive to the viewer's right, and down.
        size: Width and height of the view.
        cover: Side of the view, in sides of the detector's square around the new points.

    Returns:
        The view, shape (size, size), and the points in its pixels, shape (68, 2); None if the
        mesh or the points span nothing.
    """
    try:
        sources = _add_rings(vertices.astype(np.float64))
        triangles = Delaunay(sources[:, :2]).simplices
        turn = _rotation(yaw, pitch)
        middle = _middle(vertices)
        placed = (sources - middle) @ turn.T + middle
        placed[-_RING_POINTS:] = sources[-_RING_POINTS:]
        landmarks = ((points - middle) @ turn.T + middle)[:, :2].astype(np.float32)
        square = detector_square(landmarks)
    except (ValueError, QhullError):
        return None
    window = Alignment(square.x, square.y, square.side * cover, 0.0)
    scale = size / window.side
    corner = np.array([window.x - window.side / 2, window.y - window.side / 2]) - 0.5
    placed[:, :2] = (placed[:, :2] - corner) * scale - 0.5
    view = _render(luma, sources[triangles][:, :, :2], placed[triangles], size)
    if view is None:
        return None
    shown = (landmarks - corner) * scale - 0.5
    return view, shown.astype(np.float32)


def _middle(vertices: FloatArray) -> NDArray[np.float64]:
    """The centre of rotation: behind the face by half of its width."""
    middle: NDArray[np.float64] = vertices.mean(axis=0).astype(np.float64)
    middle[2] = vertices[:, 2].max() + 0.2 * np.ptp(vertices[:, 0])
    return middle


def _rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    """x to the viewer's right, y down, z away."""
    a, b = math.radians(yaw), math.radians(pitch)
    aside = np.array([[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]])
    down = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    return np.asarray(down @ aside)


def _add_rings(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mesh with rings of points around it, the outermost last."""
    outline = vertices[ConvexHull(vertices[:, :2]).vertices]
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    away = outline - middle
    angles = np.arctan2(away[:, 1], away[:, 0])
    order = np.argsort(angles)
    angles, away, depth = angles[order], np.hypot(*away[order, :2].T), outline[order, 2]
    ring_angles = np.linspace(-math.pi, math.pi, _RING_POINTS, endpoint=False)
    radius = np.interp(ring_angles, angles, away, period=2 * math.pi)
    depths = np.interp(ring_angles, angles, depth, period=2 * math.pi)
    width = float(np.ptp(outline[:, 0]))
    rings = [vertices]
    for far, deeper in (*_RINGS, _FIXED):
        x, y = np.cos(ring_angles) * radius * far, np.sin(ring_angles) * radius * far
        rings.append(np.stack([middle[0] + x, middle[1] + y, depths + deeper * width], axis=1))
    return np.concatenate(rings)


def _render(
    luma: UInt8Array, sources: NDArray[np.float64], placed: NDArray[np.float64], size: int
) -> UInt8Array | None:
    """Renders triangles of a picture at new places.

    Each is sampled densely; a pixel shows the nearest sample in it.
    """
    low, high = placed[:, :, :2].min(axis=1), placed[:, :, :2].max(axis=1)
    seen = (high > -1).all(axis=1) & (low < size).all(axis=1)
    sources, placed = sources[seen], placed[seen]
    extent = (high - low)[seen].max(axis=1)
    samples, origins = [], []
    least = 0.0
    for most in (2.5, 4.0, 8.0, 16.0, 32.0, 64.0, math.inf):
        some = (extent >= least) & (extent < most)
        least = most
        if not some.any():
            continue
        steps = min(math.ceil(float(extent[some].max()) * _DENSITY), _LARGEST_STEPS)
        weights = _weights(steps)
        samples.append((weights @ placed[some]).reshape(-1, 3))
        origins.append((weights @ sources[some]).reshape(-1, 2))
    if not samples:
        return None
    sample, origin = np.concatenate(samples), np.concatenate(origins)
    pixel = np.rint(sample[:, :2]).astype(np.int64)
    inside = ((pixel >= 0) & (pixel < size)).all(axis=1)
    pixel, depth, origin = pixel[inside], sample[inside, 2], origin[inside]
    if not len(pixel):
        return None
    # the last sample written stays, so the nearest comes last
    order = np.argsort(-depth, kind="stable")
    place = np.full((size, size, 2), np.nan)
    place[pixel[order, 1], pixel[order, 0]] = origin[order]
    return _interpolate(luma, _fill_holes(place))


def _weights(steps: int) -> NDArray[np.float64]:
    """Barycentric coordinates of points spread over a triangle."""
    first, second = np.mgrid[0 : steps + 1, 0 : steps + 1].reshape(2, -1) / max(steps, 1)
    some = first + second <= 1 + 1e-9
    first, second = first[some], second[some]
    return np.stack([first, second, 1 - first - second], axis=1)


def _fill_holes(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives pixels without a sample the place of the nearest one that has one."""
    empty = np.isnan(place[..., 0])
    if not empty.any():
        return place
    nearest = distance_transform_edt(empty, return_distances=False, return_indices=True)
    return np.asarray(place[tuple(nearest)])


def _interpolate(luma: UInt8Array, place: NDArray[np.float64]) -> UInt8Array:
    """Brightness at each pixel's x and y, bilinear, with repeated edges."""
    rows, columns = luma.shape
    x, y = np.clip(place[..., 0], 0, columns - 1), np.clip(place[..., 1], 0, rows - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    a, b = x - left, y - top
    shown = (luma[top, left] * (1 - a) + luma[top, right] * a) * (1 - b)
    shown += (luma[below, left] * (1 - a) + luma[below, right] * a) * b
    return np.asarray(np.rint(shown), np.uint8)
