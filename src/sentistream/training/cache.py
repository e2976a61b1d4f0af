"""Prepared examples are kept, because preparing takes longer than reading."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from sentistream.vision.dlib_landmarks import landmark_file

PREPARATION_VERSION = 3
"""Raised whenever the same data would be prepared differently."""

_KEY_LENGTH = 16
_T = TypeVar("_T")


def signature(files: Iterable[Path], root: Path, **settings: object) -> str:
    """A key that changes when data, settings or the code that prepares changes.

    Args:
        files: What is read; their paths from ``root``, sizes and times of change count.
        settings: Whatever else decides about the outcome.
    """
    landmarks = landmark_file()
    facts = {
        "version": PREPARATION_VERSION,
        "landmarks": [landmarks.name, landmarks.stat().st_size],
        "settings": {key: repr(value) for key, value in settings.items()},
        "files": sorted(
            (os.path.relpath(path, root), state.st_size, state.st_mtime_ns)
            for path in files
            for state in [path.stat()]
        ),
    }
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


def cached(
    folder: Path,
    name: str,
    key: str,
    make: Callable[[Path], _T],
    save: Callable[[_T, Path], None],
    load: Callable[[Path], _T],
) -> _T:
    """What is kept under a name and key, or what ``make`` gives, which is then kept.

    What was kept under the same name and another key is removed then, with what lies beside it.

    Args:
        make: Given a folder for work in progress; what it leaves there survives a kill, and is
            removed once all is done.
    """
    path = folder / f"{name}-{key}.npz"
    if not path.exists():
        work = folder / f"{name}-{key}.work"
        save(make(work), path)
        for other in folder.glob(f"{name}-{'?' * _KEY_LENGTH}.*"):
            if other.suffix == ".work":
                shutil.rmtree(other, ignore_errors=True)
            elif other.stem != path.stem and other.suffix in (".npz", ".unread"):
                other.unlink(missing_ok=True)
    return load(path)
