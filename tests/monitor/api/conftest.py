"""One served monitor for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.serving import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("monitor")) as served:
        yield served
