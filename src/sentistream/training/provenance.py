"""Which source trained a network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import sentistream


def source_version(package: Path | None = None) -> str:
    """The Git commit of the source, with ``-dirty`` where it was changed since.

    Without a checkout (or without Git) the version of the package.

    Args:
        package: The folder of the source; that of this package by default.
    """
    folder = package or Path(sentistream.__file__).resolve().parent
    try:
        # a virtual environment inside somebody's checkout is not that checkout
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return sentistream.__version__
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()
