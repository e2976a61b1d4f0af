"""What the tests share: where the real data is, if anywhere, and a face that may be carried."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sentistream.types import UInt8Array


@pytest.fixture(autouse=True)
def _level_of_the_root_logger() -> Iterator[None]:
    """A library's caller chooses what is logged: nothing leaves the level changed."""
    before = logging.getLogger().level
    yield
    after = logging.getLogger().level
    logging.getLogger().setLevel(before)
    assert after == before


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by SENTISTREAM_DATA; tests that need it are skipped without."""
    folder = os.environ.get("SENTISTREAM_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set SENTISTREAM_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def portrait() -> UInt8Array:
    """Shape (512, 512, 3); one face about 108 pixels wide."""
    data = pytest.importorskip("skimage.data")
    return np.asarray(data.astronaut(), dtype=np.uint8)


@pytest.fixture(scope="session")
def portrait_luma(portrait: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(portrait).convert("L"))


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra ``parquet`` is not installed."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
