"""Geometry of the demonstration's portrait, which the fixture ``portrait`` returns."""

from sentistream.types import Box

PORTRAIT_FACE = Box(172, 67, 280, 175)
"""Where the detector's box lies on it, about."""
