"""Prepared examples are kept, because preparing takes longer than reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentistream.training.examples import Examples, load_examples


def cached(path: Path, make: Callable[[], Examples]) -> Examples:
    """What is at ``path``, or what ``make`` gives, which is then kept there."""
    if not path.exists():
        make().save(path)
    return load_examples(path)
