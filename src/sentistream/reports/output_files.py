"""Outputs, and files that stay valid when the disk fills up or the run is interrupted."""

from __future__ import annotations

import errno
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sentistream.atomic_write import atomic_write
from sentistream.errors import OutputError
from sentistream.operating_system import BINARY
from sentistream.types import Moment, Reading

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


RESERVE_NAME = ".sentistream-reserve"
RESERVE_BYTES = 4 * 1024 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)
_OF_THE_DISK = (*_FULL, errno.EROFS, errno.EIO)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert system errors about ``path`` to OutputError."""
    try:
        yield
    except OSError as error:
        raise output_error(path, error) from error


def output_error(path: Path, error: OSError) -> OutputError:
    """The message when ``path`` cannot be written."""
    if error.errno in _FULL:
        return OutputError(
            f"The disk is full while writing {path}.",
            "Free some space or choose another folder with --out; what was computed is kept.",
        )
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"Cannot write {path}: {reason}.", "Choose another folder with --out.")


def concerns_the_disk(error: OutputError) -> bool:
    """Whether other files would be affected: the disk is full, failing or read-only."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _OF_THE_DISK


class Reserve:
    """Reserved disk space, so that every file can be finished when the disk is full.

    A Parquet file is readable only when finished, and a page is written in one piece; without
    room for those, a full disk would lose an hour's work.
    """

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self._path = folder / RESERVE_NAME
        self._size = size

    def __enter__(self) -> Self:
        with writing(self._path):
            try:
                descriptor = os.open(
                    self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o600
                )
                try:
                    if hasattr(os, "posix_fallocate"):
                        os.posix_fallocate(descriptor, 0, self._size)
                    else:  # pragma: no cover - other systems
                        os.write(descriptor, bytes(self._size))
                finally:
                    os.close(descriptor)
            except OSError:
                self.release()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> bool:
        """Release the space; False if it was already released."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


class GuardedFile(io.RawIOBase):
    """A file with unbuffered writes that survives one full disk.

    When the disk fills up, the reserve is released to finish the write;
    ``check`` then raises at the next moment, between two whole records.

    Args:
        path: The file.
        reserve: Released when the disk fills up.
        append: Append instead of replacing the content.

    Raises:
        OutputError: The file cannot be opened.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None, *, append: bool = False) -> None:
        super().__init__()
        self._path = path
        self._reserve = reserve
        self._position = 0
        self._error: OSError | None = None
        with writing(path):
            how = os.O_APPEND if append else os.O_TRUNC
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | BINARY | how, 0o644)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: ReadableBuffer, /) -> int:
        rest = memoryview(data).cast("B")
        size = rest.nbytes
        while rest.nbytes:
            try:
                written = os.write(self._descriptor, rest)
            except OSError as error:
                self._error = error
                if error.errno in _FULL and self._reserve and self._reserve.release():
                    continue
                raise
            self._position += written
            rest = rest[written:]
        return size

    def cut(self, position: int) -> None:
        """Truncate everything after ``position``."""
        os.ftruncate(self._descriptor, position)
        os.lseek(self._descriptor, position, os.SEEK_SET)
        self._position = position

    def check(self) -> None:
        """Raise an earlier write's error.

        Raises:
            OutputError: The disk filled up.
        """
        if self._error is not None:
            raise output_error(self._path, self._error) from self._error

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)


def partial_name(path: Path) -> Path:
    """A file's name until it is complete; the suffix stays, because it names the format."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def make_output_folder(folder: Path) -> None:
    """Create the results folder, with its parents, if it does not exist.

    Raises:
        OutputError: It cannot be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Atomically write ``values`` as indented JSON.

    Raises:
        OutputError: It cannot be written.
    """
    write_atomically(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Atomically write ``content`` (text as UTF-8).

    Raises:
        OutputError: It cannot be written.
    """
    # a file name that is not UTF-8 must not lose the results
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with writing(path):
        atomic_write(path, data)


class Output(ABC):
    """Stores moments with their readings, in order of time.

    Use it as a context manager: entering opens, leaving closes; leaving through an exception
    (Ctrl-C, full disk) closes with ``complete=False`` and still leaves a valid result.
    """

    @abstractmethod
    def open(self) -> None:
        """Start.

        Raises:
            OutputError: The place cannot be written.
        """

    @abstractmethod
    def add(self, moment: Moment, readings: Sequence[Reading]) -> None:
        """Keep one moment's readings.

        Raises:
            OutputError: They cannot be written.
        """

    @abstractmethod
    def close(self, *, complete: bool) -> None:
        """Finish; ``complete`` is False if the run was interrupted."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(complete=kind is None)
