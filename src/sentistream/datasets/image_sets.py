"""Image sets: folders named after their labels, and Parquet files with one row an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentistream.datasets.dataset import (
    SUFFIXES,
    Fault,
    FileDataset,
    Sample,
    file_fault,
    media_files,
)
from sentistream.datasets.labels import EMOTIONS, MOUTH_STATES, emotion_named
from sentistream.errors import DataError
from sentistream.parquet import load_pyarrow
from sentistream.types import SENTIMENTS

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "publictest": "validation",
    "test": "test",
    "privatetest": "test",
}
"""Names of splits in data sets, in lower case, and their names here."""

_REQUIRED = ("image", "label")
_OPTIONAL = ("emotion", "source", "split", "person", "name")
_BATCH = 512


def is_label(word: str) -> bool:
    """Whether a folder's name is a label."""
    lowered = word.strip().lower()
    return lowered in (*SENTIMENTS, *MOUTH_STATES) or bool(emotion_named(lowered))


def open_image_folder(root: Path) -> FileDataset:
    """Images in folders named after their label, with or without a folder for each split.

    ``happy/1.png``, ``train/happy/1.png`` and ``happy/train/1.png`` are all understood.
    """
    samples: list[Sample] = []
    faults: list[Fault] = []
    for path in media_files(root):
        name = path.relative_to(root).as_posix()
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        label = next((part for part in reversed(folders) if is_label(part)), "")
        split = next((SPLITS[part] for part in folders if part in SPLITS), "")
        if SUFFIXES[path.suffix.lower()] != "image":
            faults.append(Fault("misnamed", name, "It is no image."))
        elif not label:
            words = ", ".join((*SENTIMENTS, *EMOTIONS, *MOUTH_STATES))
            faults.append(
                Fault("unknown label", name, f"No folder of it is called one of {words}.")
            )
        elif fault := file_fault(path, name):
            faults.append(fault)
        else:
            samples.append(
                Sample(
                    name=name,
                    medium="image",
                    path=path,
                    label=emotion_named(label) or label,
                    split=split,
                    source=root.name,
                )
            )
    return FileDataset("image-folder", root.name, root, tuple(samples), tuple(faults))


@dataclass(frozen=True, slots=True)
class ParquetDataset:
    """Images in a Parquet file, one row each."""

    root: Path
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...]
    kind: str = "parquet"

    @property
    def name(self) -> str:
        """The file's."""
        return self.root.name

    def images(self) -> Iterator[tuple[Sample, bytes]]:
        """As ``Dataset.images``."""
        pyarrow = load_pyarrow("Reading Parquet files")
        position = 0
        with pyarrow.parquet.ParquetFile(self.root) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=["image"]):
                for value in batch.column("image"):
                    yield self.samples[position], _content(value.as_py())
                    position += 1


def open_parquet(path: Path) -> ParquetDataset:
    """A Parquet image set; all columns but ``image`` and ``label`` (or ``emotion``) may be missing.

    Raises:
        DataError: It cannot be read, or lacks a column.
        MissingExtraError: pyarrow is not installed.
    """
    pyarrow = load_pyarrow("Reading Parquet files")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            present = file.schema_arrow.names
            if "image" not in present or not {"label", "emotion"} & set(present):
                raise DataError(
                    f"{path} is Parquet, but has the columns {', '.join(present)}.",
                    f"An image set has {' and '.join(_REQUIRED)}, and may have "
                    f"{', '.join(_OPTIONAL)}.",
                )
            chosen = [name for name in ("label", *_OPTIONAL) if name in present]
            rows = file.read(columns=chosen).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"The image set {path} cannot be read ({error}).") from None
    names = Counter[str]()
    samples = []
    for number, row in enumerate(rows):
        sample = _sample(path, number, row)
        names[sample.name] += 1
        samples.append(sample)
    faults = tuple(
        Fault("misnamed", name, f"{count} rows carry this name.")
        for name, count in names.items()
        if count > 1
    )
    return ParquetDataset(path, tuple(samples), faults)


def _sample(path: Path, number: int, row: dict[str, Any]) -> Sample:
    text = {key: str(row.get(key) or "") for key in ("label", *_OPTIONAL)}
    # the more specific label, if there are two
    label = text["emotion"] or text["label"]
    source, person = text["source"] or path.stem, text["person"]
    split = text["split"].lower()
    return Sample(
        name="/".join(part for part in (source, split, label, text["name"] or str(number)) if part),
        medium="image",
        path=path,
        label=label,
        person=f"{source}-{person}" if person else "",
        split=SPLITS.get(split, split),
        source=source,
    )


def _content(value: object) -> bytes:
    # Hugging Face keeps images as {"bytes": ..., "path": ...}
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, bytes) else b""
