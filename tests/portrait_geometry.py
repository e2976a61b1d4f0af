"""Geometry of the demonstration's portrait, which the fixture ``portrait`` returns."""

from sentistream.types import Box

PORTRAIT_FACE = Box(172, 67, 280, 175)
"""The approximate box of the detector."""
