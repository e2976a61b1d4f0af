"""How a stored picture is turned upright: quarter turns and mirroring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from sentistream.types import Box, UInt8Array


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture is turned upright: transposed first, then mirrored.

    The eight combinations are all quarter turns, mirrored or not.
    """

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: NDArray[np.int32]) -> Orientation:
        """From FFmpeg's nine numbers (``libavutil/display.h``), to the nearest quarter turn."""
        a, b, _, c, d = (int(value) for value in matrix[:5])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def degrees(self) -> int:
        """The clockwise rotation: 0, 90, 180 or 270 (for a mirrored picture, before mirroring)."""
        if self.transpose:
            return 270 if self.mirror_y else 90
        return 180 if self.mirror_x and self.mirror_y else 0

    def turn(self, pixels: UInt8Array) -> UInt8Array:
        """A view of the stored ``pixels`` (rows, columns, ...) turned upright."""
        if self.transpose:
            pixels = pixels.swapaxes(0, 1)
        return pixels[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]

    def turn_back(self, box: Box, width: int, height: int) -> Box:
        """The stored picture's coordinates of ``box`` in an upright picture of that size."""
        left, right, top, bottom = box.left, box.right, box.top, box.bottom
        if self.mirror_x:
            left, right = width - right, width - left
        if self.mirror_y:
            top, bottom = height - bottom, height - top
        return Box(top, left, bottom, right) if self.transpose else Box(left, top, right, bottom)


UPRIGHT = Orientation()


def display_orientation(frame: VideoFrame) -> Orientation | None:
    """The orientation in the frame's display matrix; None without one."""
    side_data: Any = frame.side_data
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    return Orientation.from_display_matrix(np.frombuffer(matrix, np.int32, 9))
