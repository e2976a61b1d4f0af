"""A card names the source revision that trained the network, if known for certain."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import sentistream
from sentistream.training.publish import source_version


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    result = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *identity, *arguments],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one file in a repository with one commit."""
    folder = tmp_path / "src" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return folder


def test_commit_of_a_checkout_is_found(package: Path) -> None:
    commit = git(package, "rev-parse", "HEAD")
    assert len(commit) == 40
    assert source_version(package) == commit
    (package.parent / "notes.txt").write_text("outside of the package")
    assert source_version(package) == commit


def test_changed_source_is_dirty(package: Path) -> None:
    commit = git(package, "rev-parse", "HEAD")
    (package / "new.py").write_text("2\n")
    assert source_version(package) == f"{commit}-dirty"
    (package / "new.py").unlink()
    (package / "__init__.py").write_text("3\n")
    assert source_version(package) == f"{commit}-dirty"


def test_package_inside_a_foreign_checkout_has_no_commit(package: Path) -> None:
    installed = package.parents[1] / ".venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("1\n")
    assert source_version(installed) == sentistream.__version__


def test_without_checkout_or_git_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source_version(tmp_path) == sentistream.__version__
    monkeypatch.setenv("PATH", "")
    assert source_version() == sentistream.__version__
