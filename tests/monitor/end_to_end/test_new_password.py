"""Whoever has write access to the database can reset a forgotten password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sentistream.cli import main
from sentistream.monitor.accounts import Accounts, Role
from sentistream.monitor.store import SQLITE_FILE, migrate, open_database

OLD, NEW = "correct horse battery", "another horse altogether"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """The accounts of a running monitor."""
    engine = open_database(f"sqlite:///{tmp_path / SQLITE_FILE}")
    migrate(engine)
    yield Accounts(engine)
    engine.dispose()


def set_password(state: Path, name: str, *typed: str) -> Result:
    arguments = ["monitor", "--state", str(state), "--new-password", name]
    return CliRunner().invoke(main, arguments, input="".join(f"{line}\n" for line in typed))


def test_forgotten_password_is_reset(tmp_path: Path, accounts: Accounts) -> None:
    accounts.add_user("ada", OLD, Role.MANAGER)
    session = accounts.login("ada", OLD, 1.0)
    assert session is not None
    result = set_password(tmp_path, "ada", NEW, NEW)
    assert result.exit_code == 0, result.output
    assert NEW not in result.output
    assert accounts.login("ada", OLD, 1.0) is None
    assert accounts.login("ada", NEW, 1.0) is not None
    assert accounts.identify(session) is None, "earlier sessions have ended"


def test_errors_are_reported(tmp_path: Path, accounts: Accounts) -> None:
    empty = set_password(tmp_path, "ada", NEW, NEW)
    assert empty.exit_code == 2
    assert "prints a link" in empty.output
    accounts.add_user("ada", OLD, Role.MANAGER)
    anonymous = set_password(tmp_path, "bob", NEW, NEW)
    assert anonymous.exit_code == 2
    assert "There is no user bob. There are: ada." in anonymous.output
    assert "10 to 256 characters" in set_password(tmp_path, "ada", "short", "short").output
    assert accounts.login("ada", OLD, 1.0) is not None
    nowhere = set_password(tmp_path / "none", "ada", NEW, NEW)
    assert nowhere.exit_code == 2
    assert "There is no database in" in nowhere.output
    assert not (tmp_path / "none").exists()
