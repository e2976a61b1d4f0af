"""A real face that may be carried: the public-domain portrait of scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sentistream.types import Box, UInt8Array

PORTRAIT_FACE = Box(172, 67, 280, 175)
"""Where the detector's box lies on the portrait, about."""


@pytest.fixture(scope="session")
def portrait() -> UInt8Array:
    """Shape (512, 512, 3); one face about 108 pixels wide."""
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), dtype=np.uint8)


@pytest.fixture(scope="session")
def portrait_luma(portrait: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(portrait).convert("L"))
