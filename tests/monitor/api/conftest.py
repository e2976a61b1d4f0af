"""One served monitor for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from api.serving import Served
from sentistream.monitor.accounts import passwords


@pytest.fixture(scope="package", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Logins that take no time; the real parameters are tested with the accounts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        passwords._nobody.cache_clear()
        yield
    passwords._nobody.cache_clear()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("monitor")) as served:
        yield served
