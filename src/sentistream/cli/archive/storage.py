"""Storage of a data set: a local folder, or an object store by fsspec. Files appear whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from sentistream.atomic_write import atomic_path
from sentistream.errors import InputError, MissingExtraError, OutputError, SentistreamError
from sentistream.redaction import secrets_in, shown_object, without_secrets
from sentistream.reports.output_files import writing

EXTRA = "ray"
_ATOMIC = frozenset({"abfs", "abfss", "az", "gcs", "gs", "s3", "s3a"})
"""Stores in which an object appears only when it is complete."""


class Storage(Protocol):
    """Files by name below one location.

    Names have slashes. Everything raises ``OutputError`` if the location cannot be used.
    """

    def put(self, file: Path, name: str) -> None:
        """Writes or replaces a file atomically."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file's content; None if there is none."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def delete(self, name: str) -> None:
        """Deletes a file, if it is there."""
        ...

    def shown(self, name: str = "") -> str:
        """The address of a file or of the location, without secrets."""
        ...


def is_remote(address: str) -> bool:
    """Whether it is an address for fsspec rather than a path of this machine."""
    return "://" in address


def open_storage(address: str) -> Storage:
    """The storage for a path or an address; created when something is written.

    Raises:
        InputError: There is no such kind of address, or its package is not installed.
        MissingExtraError: fsspec is not installed.
    """
    return _Remote(address) if is_remote(address) else _Folder(Path(address))


def open_filesystem(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the address's path in it.

    Raises:
        InputError: There is no such kind of address, or its package is not installed.
        MissingExtraError: fsspec is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("Reading and writing object stores", EXTRA) from error
    scheme = address.partition("://")[0].lower()
    try:
        filesystem, path = fsspec.core.url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        raise InputError(
            f"Addresses of {scheme}:// need a package that is not installed.",
            without_secrets(str(error), secrets_in(address)) + ".",
        ) from None
    except Exception as error:  # each file system raises types of its own
        raise InputError(
            f"{shown_object(address)} cannot be opened ({reason_of(error, address)}).",
            "Check its beginning and the settings of that store.",
        ) from None
    return filesystem, str(path)


def reason_of(error: Exception, *addresses: str) -> str:
    """A file system's error in one line, without secrets from addresses."""
    known = set[str]().union(*map(secrets_in, addresses))
    lines = without_secrets(str(error), known).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def put(self, file: Path, name: str) -> None:
        target = self._folder / name
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(target) as temporary:
                shutil.copyfile(file, temporary)

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(
                f"{self._folder / name} cannot be read ({error.strerror})."
            ) from error

    def exists(self, name: str) -> bool:
        return (self._folder / name).exists()

    def delete(self, name: str) -> None:
        with writing(self._folder / name):
            (self._folder / name).unlink(missing_ok=True)

    def shown(self, name: str = "") -> str:
        return str(self._folder / name)


class _Remote:
    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._filesystem, self._root = open_filesystem(self._address)

    def put(self, file: Path, name: str) -> None:
        target = self._path(name)
        with self._using(name):
            if self._address.partition("://")[0].lower() in _ATOMIC:
                self._filesystem.put_file(str(file), target)
                return
            self._filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._filesystem.put_file(str(file), f"{target}.partial")
            self._filesystem.mv(f"{target}.partial", target)

    def read(self, name: str) -> bytes | None:
        with self._using(name):
            try:
                return bytes(self._filesystem.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        with self._using(name):
            return bool(self._filesystem.exists(self._path(name)))

    def delete(self, name: str) -> None:
        with self._using(name), suppress(FileNotFoundError):
            self._filesystem.rm_file(self._path(name))

    def shown(self, name: str = "") -> str:
        return shown_object(f"{self._address}/{name}" if name else self._address)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _using(self, name: str) -> Iterator[None]:
        try:
            yield
        except SentistreamError:
            raise
        except Exception as error:  # each file system raises types of its own
            raise OutputError(
                f"{self.shown(name)} cannot be used ({reason_of(error, self._address)}).",
                "Check the address, what may be done there, and the connection.",
            ) from None
