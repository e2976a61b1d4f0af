"""Expands inputs (files, folders, globs, cameras) to clips with a name each."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentistream.errors import InputError
from sentistream.folders import files_below
from sentistream.redaction import shown_address

SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("3gp", "asf", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg"),
        *("mts", "mxf", "ogv", "ts", "vob", "webm", "wmv"),
    )
)
"""What counts as a video inside a folder; a file named explicitly may have any name."""

_TAKEN = frozenset({"summary.csv"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing to analyze.

    Attributes:
        source: Its path, address or camera number, for ``sentistream.analyze``.
        name: Name of its results folder, relative to the folder of all results.
    """

    source: Path | str | int
    name: Path

    @property
    def path(self) -> Path | None:
        """The file; None for a camera or a stream."""
        return self.source if isinstance(self.source, Path) else None

    def __str__(self) -> str:
        if isinstance(self.source, int):
            return f"camera {self.source}"
        text = str(self.source) if self.path else shown_address(str(self.source))
        # names are hostile: no escape codes to the terminal
        return "".join(
            letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
        )


def find_clips(
    inputs: Sequence[str], on_left_out: Callable[[str], None] = lambda _: None
) -> tuple[list[Clip], bool]:
    """All clips that the inputs name, and whether they count as several.

    A folder stands for every video in it and below it; a folder or glob counts as several
    even if it contains only one. Symbolic links in it are followed.

    Args:
        inputs: What the user names.
        on_left_out: Called with a sentence for each folder or link that cannot be followed.

    Raises:
        InputError: An input names nothing.
    """
    found: dict[Path | str | int, Path] = {}
    several = len(inputs) > 1
    for text in inputs:
        many, items = expand_input(text, on_left_out)
        several = several or many
        for source, name in items:
            found.setdefault(source, name)
    return list(_named(found)), several


def expand_input(
    text: str, on_left_out: Callable[[str], None]
) -> tuple[bool, list[tuple[Path | str | int, Path]]]:
    """Whether an input counts as several, and what it names: each with a name for its results.

    Raises:
        InputError: It names nothing.
    """
    path = Path(text)
    if path.is_dir():
        return True, _inside(path, on_left_out)
    from sentistream.media.source_address import DEVICE  # loads FFmpeg, which help does not need

    if DEVICE.fullmatch(text):
        return False, [(text, Path(f"camera-{path.name}"))]
    if path.exists():
        return False, [(path, Path(path.stem))]
    if re.fullmatch(r"\d{1,3}", text):
        return False, [(int(text), Path(f"camera-{text}"))]
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        return False, [(text, Path(_slug(text)))]
    if glob.has_magic(text):
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207
        files = [match for match in matches if match.is_file()]
        if not files:
            raise InputError(
                f"No file matches {shown_address(text)!r}.", "Check the pattern and its folder."
            )
        return True, [(file, Path(file.stem)) for file in files]
    shown = shown_address(text)
    raise InputError(f"There is no file or folder {shown!r}.", "Check the name and where you are.")


def _inside(
    folder: Path, on_left_out: Callable[[str], None]
) -> list[tuple[Path | str | int, Path]]:
    items: list[tuple[Path | str | int, Path]] = [
        (path, path.relative_to(folder).with_suffix(""))
        for path in files_below(folder, on_left_out)
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not _own_result(path)
    ]
    if not items:
        raise InputError(
            f"There is no video in the folder {str(folder)!r}.",
            f"Videos are known by their ending ({' '.join(sorted(SUFFIXES))}); "
            "name a file outright to try it anyway.",
        )
    return items


def _own_result(path: Path) -> bool:
    return path.name in ("annotated.mp4", "annotated.partial.mp4") and (
        path.with_name("summary.json").exists() or path.with_name("readings.csv").exists()
    )


def _named(found: dict[Path | str | int, Path]) -> Iterator[Clip]:
    """A unique name for each clip: if two share one, their suffixes are included."""
    wanted = Counter(str(name).casefold() for name in found.values())
    taken: set[str] = set(_TAKEN)
    for source, name in found.items():
        full = name
        crowded = wanted[str(name).casefold()] > 1 or str(name).casefold() in _TAKEN
        if crowded and isinstance(source, Path):
            full = name.with_name(source.name)
        number = 2
        unique = full
        while str(unique).casefold() in taken:
            unique = full.with_name(f"{full.name}-{number}")
            number += 1
        taken.add(str(unique).casefold())
        yield Clip(source, unique)


def _slug(address: str) -> str:
    shown = shown_address(address).partition("://")[2]
    return re.sub(r"[^\w.-]+", "-", shown).strip("-.") or "stream"
