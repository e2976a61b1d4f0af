"""Accounts over both kinds of database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from store.conftest import engine, postgresql, url

from sentistream.monitor.accounts import Accounts

__all__ = ["accounts", "engine", "postgresql", "url"]


@pytest.fixture
def accounts(engine: Engine) -> Accounts:
    return Accounts(engine)
