"""Safe extraction of archives, once, into a folder beside them."""

from __future__ import annotations

import contextlib
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sentistream.datasets.dataset import SUFFIXES, Fault
from sentistream.errors import DataError, OutputError

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Suffixes of what can be unpacked."""

_WANTED = frozenset(SUFFIXES) | {".csv", ".parquet"}
_NOTE = ".unpacked.json"
_CHUNK = 1 << 20
_RESERVE = 64 << 20  # bytes of the disk that are left free
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


def is_archive(path: Path) -> bool:
    """Whether a file's name has an archive's suffix."""
    return path.is_file() and path.name.lower().endswith(ARCHIVES)


def unpack(
    archive: Path,
    cache: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> tuple[Path, tuple[Fault, ...]]:
    """The folder with an archive's media, tables and image sets, unpacked if not yet done.

    Nothing is written outside the folder, links and devices are left out, and no member may
    unpack to more than its declared size.

    Args:
        archive: A zip or tar file.
        cache: Where to put its folder; None for next to the archive.
        on_progress: Called with bytes written and bytes to write.

    Returns:
        The folder, and what was wrong with members.

    Raises:
        DataError: The archive cannot be read.
        OutputError: There is no room, or the folder cannot be written.
    """
    folder = (cache or archive.parent) / f"{archive.name}.unpacked"
    facts = archive.stat()
    signature = [facts.st_size, facts.st_mtime_ns]
    with contextlib.suppress(OSError, ValueError, KeyError):
        note = json.loads((folder / _NOTE).read_text("utf-8"))
        if note["archive"] == signature:
            return folder, tuple(Fault("unsafe", *entry) for entry in note["left_out"])
    partial = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        left_out = _unpack_members(archive, partial, on_progress)
        (partial / _NOTE).write_text(
            json.dumps({"archive": signature, "left_out": left_out}), "utf-8"
        )
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OutputError(
            f"{archive} cannot be unpacked to {folder} ({error.strerror or error}).",
            "Name another folder with --cache, or make room.",
        ) from None
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder, tuple(Fault("unsafe", *entry) for entry in left_out)


def _unpack_members(
    archive: Path, folder: Path, on_progress: Callable[[int, int], None]
) -> list[tuple[str, str]]:
    left_out: list[tuple[str, str]] = []
    with _opened(archive) as members:
        chosen = [member for member in members if _is_wanted(member.name)]
        size = sum(member.size for member in chosen)
        free = shutil.disk_usage(folder).free
        if size + _RESERVE > free:
            raise OutputError(
                f"{archive} holds {size / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free "
                f"in {folder.parent}.",
                "Make room, or name another folder with --cache.",
            )
        done = 0
        for member in chosen:
            target = _inside(folder, member.name)
            if target is None:
                left_out.append((member.name, "It wants to be written outside its folder."))
                continue
            problem = _write(member, target)
            if problem:
                target.unlink(missing_ok=True)
                left_out.append((member.name, problem))
            done += member.size
            on_progress(done, size)
    return left_out


def _write(member: _Member, target: Path) -> str:
    """What was wrong with it; empty if nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("wb") as file:
        try:
            stream = member.open()
            if stream is None:
                return "It is a link or a device."
            with stream:
                while block := stream.read(_CHUNK):
                    written += len(block)
                    if written > member.size:
                        return "It gives more than it announces."
                    file.write(block)
        except _BROKEN as error:
            return f"It cannot be unpacked ({error})."
    return "" if written == member.size else "It is cut short."


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as zipped:
                yield [
                    _Member(entry.filename, entry.file_size, _opener(zipped, entry))
                    for entry in zipped.infolist()
                    if not entry.is_dir()
                ]
        else:
            with tarfile.open(archive) as tarred:
                yield [
                    _Member(entry.name, entry.size, _tar_opener(tarred, entry))
                    for entry in tarred
                    if not entry.isdir()
                ]
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"The archive {archive} cannot be read ({error}).", "Get it again."
        ) from None


def _opener(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes] | None]:
    is_link = entry.external_attr >> 28 == 0o12
    return lambda: None if is_link else zipped.open(entry)


def _tar_opener(tarred: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], IO[bytes] | None]:
    return lambda: tarred.extractfile(entry) if entry.isreg() else None


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in _WANTED and "__MACOSX" not in path.parts


def _inside(folder: Path, name: str) -> Path | None:
    """Where a member goes; None if that is not below the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or ":" in path.parts[0]:
        return None
    return folder.joinpath(*path.parts)
