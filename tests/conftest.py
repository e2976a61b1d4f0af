"""What the tests share: where the real data is, if anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by SENTISTREAM_DATA; tests that need it are skipped without."""
    folder = os.environ.get("SENTISTREAM_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set SENTISTREAM_DATA to its folder")
    return Path(folder)
