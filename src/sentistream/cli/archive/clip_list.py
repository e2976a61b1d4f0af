"""Turns what a user names into the clips of an archive, one by one: lists may have any length."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sentistream.cli.archive.storage import is_remote, open_filesystem, reason_of
from sentistream.cli.inputs import SUFFIXES, expand_input
from sentistream.datasets.csv_lists import SEPARATORS
from sentistream.errors import InputError
from sentistream.redaction import address_identity, shown_object

COLUMNS = ("path", "id")
"""Columns of a list: a clip's path or address, and optionally its name."""

ID_DIGITS = 20
"""Hexadecimal digits of a clip's id: 80 bits."""


@dataclass(frozen=True, slots=True)
class ArchiveClip:
    """A clip of an archive.

    Attributes:
        address: Its absolute path, or its address for fsspec; may hold secrets.
        clip_id: Its id, ``ID_DIGITS`` digits; always the same for the same name.
    """

    address: str
    clip_id: str

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        text = shown_object(self.address) if is_remote(self.address) else self.address
        return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def archive_clip(address: str, known_by: str = "") -> ArchiveClip:
    """A clip, identified by its address or by its name in a list."""
    if not is_remote(address):
        address = os.path.abspath(address)  # noqa: PTH100 - links are not followed
    named = f"id {known_by}" if known_by else address_identity(address)
    digits = hashlib.sha256(os.fsencode(named)).hexdigest()[:ID_DIGITS]
    return ArchiveClip(address, digits)


def list_clips(
    sources: Sequence[str], on_left_out: Callable[[str], None] = lambda _: None
) -> Iterator[ArchiveClip]:
    """Yields all clips that the sources name, as they are found; one named twice comes twice.

    A source is a file, a folder, a pattern, a list (a CSV file with a column ``path``), or an
    address of one of them for fsspec. A list is read row by row, an object store folder by
    folder; local folders are sorted.

    Args:
        sources: What the user names.
        on_left_out: Called with a sentence about anything that is left out.

    Raises:
        InputError: A source names nothing or cannot be read.
    """
    for source in sources:
        remote = is_remote(source)
        if PurePosixPath(source.partition("?")[0]).suffix.lower() == ".csv":
            yield from _listed(source)
        elif remote:
            yield from _in_store(source)
        else:
            yield from _local(source, on_left_out)


def _local(source: str, on_left_out: Callable[[str], None]) -> Iterator[ArchiveClip]:
    for path, _ in expand_input(source, on_left_out)[1]:
        if not isinstance(path, Path) or not path.is_file():
            raise InputError(
                f"{source} is no file, folder or list.",
                "An archive is made of files; analyze cameras without --ray.",
            )
        if path.suffix.lower() == ".csv":
            yield from _listed(str(path))
        else:
            yield archive_clip(str(path))


def _in_store(source: str) -> Iterator[ArchiveClip]:
    filesystem, path = open_filesystem(source)
    scheme = source.partition("://")[0]
    web = scheme.lower() in ("http", "https")
    if web and not source.endswith("/"):
        yield archive_clip(source)
        return
    found = 0
    try:
        for name in _names(filesystem, path, pattern=not web and _has_magic(path)):
            if PurePosixPath(name).suffix.lower() in SUFFIXES:
                found += 1
                yield archive_clip(name if is_remote(name) else f"{scheme}://{name.lstrip('/')}")
    except InputError:
        raise
    except Exception as error:  # each file system raises types of its own
        raise InputError(
            f"{shown_object(source)} cannot be listed ({reason_of(error, source)}).",
            "Check the address, what you may read there, and the connection.",
        ) from None
    if not found:
        raise InputError(
            f"There is no video at {shown_object(source)}.",
            f"Videos are known by their ending ({' '.join(sorted(SUFFIXES))}).",
        )


def _names(filesystem: Any, path: str, *, pattern: bool) -> Iterator[str]:
    if pattern:
        yield from sorted(filesystem.glob(path))
        return
    if filesystem.isfile(path):
        yield path
        return
    for folder, _, files in filesystem.walk(path):
        for name in sorted(files):
            if not name.startswith("."):
                yield name if is_remote(name) else f"{str(folder).rstrip('/')}/{name}"


def _has_magic(path: str) -> bool:
    return any(letter in path for letter in "*?[")


def _listed(source: str) -> Iterator[ArchiveClip]:
    shown = shown_object(source) if is_remote(source) else source
    try:
        if is_remote(source):
            filesystem, path = open_filesystem(source)
            file = filesystem.open(path, "r", encoding="utf-8-sig", newline="")
        else:
            file = Path(source).open(encoding="utf-8-sig", newline="")  # noqa: SIM115
        with file:
            yield from _rows(file, source, shown)
    except InputError:
        raise
    except UnicodeError:
        raise InputError(f"The list {shown} is not UTF-8.", "Save it as CSV in UTF-8.") from None
    except Exception as error:  # each file system raises types of its own
        raise InputError(
            f"The list {shown} cannot be read ({reason_of(error, source)}).", "Check its name."
        ) from None


def _rows(file: Iterable[str], source: str, shown: str) -> Iterator[ArchiveClip]:
    lines = iter(file)
    first = next(lines, "").strip()
    separator = max(SEPARATORS, key=first.count)
    heads = [name.strip().lower() for name in next(csv.reader([first], delimiter=separator), [])]
    if "path" not in heads:
        raise InputError(
            f"The list {shown} has no column path.",
            f"Its first line names the columns: {', '.join(COLUMNS)}.",
        )
    place = source.rpartition("/")[0]
    for fields in csv.reader(lines, delimiter=separator):
        row = dict(zip(heads, (field.strip() for field in fields), strict=False))
        named = row.get("path", "")
        if not named:
            continue
        if not is_remote(named) and not named.startswith("/") and place:
            named = f"{place}/{named}"
        yield archive_clip(named, row.get("id", ""))
