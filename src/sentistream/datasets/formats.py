"""Detects a data set's format and opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sentistream.datasets.acted_corpora import NAMES, open_crema_d, open_java_sed, open_ravdess
from sentistream.datasets.archives import is_archive, unpack
from sentistream.datasets.dataset import (
    SUFFIXES,
    Dataset,
    Fault,
    FileDataset,
    media_files,
)
from sentistream.datasets.image_sets import is_label, open_image_folder, open_parquet
from sentistream.datasets.manifest import is_manifest, open_manifest
from sentistream.errors import DataError

FORMATS: Mapping[str, Callable[[Path], Dataset]] = {
    "ravdess": open_ravdess,
    "crema-d": open_crema_d,
    "java-sed": open_java_sed,
    "image-folder": open_image_folder,
    "parquet": open_parquet,
    "manifest": open_manifest,
}
"""Every kind of data set and what reads it."""

_FILES = frozenset({"parquet", "manifest"})
_LOOKED_AT = 2_000
"""How many names are read to detect a kind; a large folder need not be read whole."""


def detect_format(path: Path) -> str:
    """The format of the data set at ``path``, by its content.

    Args:
        path: A folder or a file, but not an archive.

    Raises:
        DataError: It is none of them.
    """
    if path.is_file():
        if path.suffix.lower() == ".parquet":
            return "parquet"
        if is_manifest(path):
            return "manifest"
        raise DataError(f"{path} is neither a Parquet image set nor a manifest.", _WAY_OUT)
    files = media_files(path)[:_LOOKED_AT]
    counts = {
        kind: sum(meaning_of(file.stem) is not None for file in files)
        for kind, meaning_of in NAMES.items()
    }
    counts["image-folder"] = sum(
        SUFFIXES[file.suffix.lower()] == "image"
        and any(is_label(part) for part in file.relative_to(path).parts[:-1])
        for file in files
    )
    kind = max(counts, key=lambda name: counts[name])
    if counts[kind]:
        return kind
    inside = [
        file for file in sorted(path.glob("*")) if file.suffix.lower() in (".csv", ".parquet")
    ]
    usable = [file for file in inside if file.suffix.lower() == ".parquet" or is_manifest(file)]
    hint = f" Name one of its files: {', '.join(file.name for file in usable)}." if usable else ""
    raise DataError(f"What data set {path} holds cannot be told.", hint.strip() or _WAY_OUT)


_WAY_OUT = (
    "Name a folder or archive of RAVDESS, CREMA-D or Java-SED with their own file names, a folder "
    "of images in folders named after their labels, a Parquet image set, or a CSV with the "
    "columns path and label."
)


def open_dataset(
    path: Path,
    kind: str | None = None,
    *,
    cache: Path | None = None,
    on_unpack: Callable[[int, int], None] = lambda _done, _size: None,
) -> Dataset:
    """The data set in a folder, an archive, a folder of archives, or a file.

    Args:
        path: Where it is.
        kind: One of ``FORMATS``; None to find out.
        cache: Where archives are unpacked; None for next to them.
        on_unpack: Called with bytes unpacked and bytes to unpack of an archive.

    Raises:
        DataError: There is nothing usable, or its format cannot be detected.
        InputError: A manifest cannot be read.
        OutputError: An archive cannot be unpacked.
    """
    if kind is not None and kind not in FORMATS:
        raise DataError(f"There is no kind of data set {kind!r}.", f"Use: {', '.join(FORMATS)}.")
    if not path.exists():
        raise DataError(f"There is no {path}.", "Check the spelling of the path.")
    faults: tuple[Fault, ...] = ()
    if is_archive(path):
        path, faults = unpack(path, cache, on_unpack)
        path = _only_file(path)
    elif path.is_dir():
        for archive in sorted(entry for entry in path.iterdir() if is_archive(entry)):
            faults += unpack(archive, cache, on_unpack)[1]
        if cache is not None and cache.is_dir() and not media_files(path):
            path = cache
    kind = kind or detect_format(path)
    if (kind in _FILES) != path.is_file():
        raise DataError(
            f"{path} is a {'file' if path.is_file() else 'folder'}, which {kind} is not.", _WAY_OUT
        )
    dataset = FORMATS[kind](path)
    if not dataset.samples:
        first = f" ({dataset.faults[0].name}: {dataset.faults[0].note})" if dataset.faults else ""
        raise DataError(f"{path} holds nothing usable of the kind {kind}{first}.", _WAY_OUT)
    if faults and isinstance(dataset, FileDataset):
        return FileDataset(
            dataset.kind, dataset.name, dataset.root, dataset.samples, dataset.faults + faults
        )
    return dataset


def _only_file(folder: Path) -> Path:
    """The Parquet image set or manifest that an archive consists of; else the folder."""
    files = sorted((*folder.rglob("*.parquet"), *folder.rglob("*.csv")))
    return next((file for file in files if _is_set(file)), folder)


def _is_set(file: Path) -> bool:
    return file.suffix.lower() == ".parquet" or is_manifest(file)
