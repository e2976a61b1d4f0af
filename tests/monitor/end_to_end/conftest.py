"""A clip for the tests of the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentistream.types import UInt8Array
from synthetic_clips import clicks, moving_face, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, portrait: UInt8Array) -> Path:
    """Four seconds of a slightly moving face, with sound."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return write_clip(path, moving_face(portrait, 100, period=20), clicks(4.0, 48_000, (0.3,)))
