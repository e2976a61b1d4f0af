"""Files below a folder, symbolic links followed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def files_below(root: Path, on_left_out: Callable[[str], None] = lambda _: None) -> list[Path]:
    """All files in a folder and below it, sorted; hidden ones too.

    Symbolic links are followed. Each folder is visited once, so that circular links end, and an
    entry that is reachable both directly and through a link is listed by its direct path.

    Args:
        root: The folder.
        on_left_out: Called with a sentence for each folder and link that cannot be followed.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    waiting, linked = [root], list[Path]()
    while waiting or linked:
        folder = waiting.pop() if waiting else linked.pop(0)
        try:
            facts = folder.stat()
            if (facts.st_dev, facts.st_ino) in seen:
                continue
            seen.add((facts.st_dev, facts.st_ino))
            entries = sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError as error:
            on_left_out(f"{folder} cannot be looked into ({error.strerror}).")
            continue
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_dir():
                    (linked if entry.is_symlink() else waiting).append(path)
                elif entry.is_file():
                    found.append(path)
                elif entry.is_symlink():
                    on_left_out(f"{path} is a link that leads nowhere.")
            except OSError as error:
                on_left_out(f"{path} cannot be looked at ({error.strerror}).")
    return sorted(found)
