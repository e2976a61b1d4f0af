"""Pictures whose masked parts are black for everything that looks at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from sentistream.media.picture import resample
from sentistream.monitor.cameras.zones import Polygon
from sentistream.types import Box, Picture, UInt8Array


class Mask:
    """Blackens polygons in the pictures of one camera.

    Args:
        polygons: Corners as shares of the picture.
    """

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = tuple(polygons)
        self._keep: UInt8Array = np.zeros((0, 0), np.uint8)
        self._last: MaskedPicture | None = None

    def cover(self, picture: Picture) -> Picture:
        """The picture with its masked parts black; the same object for the same picture."""
        if not self._polygons:
            return picture
        if self._last is None or self._last.inner is not picture:
            self._last = MaskedPicture(picture, self._kept(picture.width, picture.height))
        return self._last

    def _kept(self, width: int, height: int) -> UInt8Array:
        """255 where the picture may be seen, 0 elsewhere, shape (height, width)."""
        if self._keep.shape != (height, width):
            image = Image.new("L", (width, height), 255)
            draw = ImageDraw.Draw(image)
            for corners in self._polygons:
                pixels = [(x * width, y * height) for x, y in corners]
                # the outline too, so that no pixel that is cut by an edge is left
                draw.polygon(pixels, fill=0, outline=0, width=2)
            self._keep = np.asarray(image)
        return self._keep


class MaskedPicture:
    """A picture of which some pixels are black, whichever way it is asked for.

    Args:
        inner: The whole picture.
        keep: 255 where it may be seen, 0 elsewhere, shape (height, width).
    """

    def __init__(self, inner: Picture, keep: UInt8Array) -> None:
        self.inner = inner
        self._keep = keep
        self._luma: UInt8Array | None = None
        self._rgb: UInt8Array | None = None

    @property
    def width(self) -> int:
        return self.inner.width

    @property
    def height(self) -> int:
        return self.inner.height

    @property
    def luma(self) -> UInt8Array:
        if self._luma is None:
            self._luma = self.inner.luma & self._keep
        return self._luma

    def crop(self, box: Box, width: int, height: int) -> UInt8Array:
        # blackened before it is resampled: no masked pixel bleeds over the edge
        return resample(self.rgb(), box, width, height)

    def rgb(self) -> UInt8Array:
        if self._rgb is None:
            self._rgb = self.inner.rgb() & self._keep[..., np.newaxis]
        return self._rgb
