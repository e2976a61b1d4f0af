"""Image sets in Parquet: one row per image, with its label and metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.manifest import read_manifest
from sentistream.errors import DataError, InputError, skip_failures
from sentistream.media.image_file import read_image
from sentistream.parquet import load_pyarrow
from sentistream.types import UInt8Array
from sentistream.values import ByValue

_COLUMNS = ("image", "label", "source", "split", "name")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage(ByValue):
    """An image with its label and metadata.

    Attributes:
        pixels: Shape (height, width, 3), RGB.
        label: ``positive``, ``neutral``, ``negative``, or ``open``, ``closed``.
        source: The set it comes from.
        split: ``train``, ``validation`` or ``test``, as the set has it.
        person: Who is seen; empty where not known.
        name: Unique within source and label.
        emotion: More specific than the label; empty if the set does not say.
    """

    pixels: UInt8Array
    label: str
    source: str
    split: str
    person: str
    name: str
    emotion: str = ""


def read_images(
    path: Path, on_problem: Callable[[str], None] | None = None
) -> Iterator[LabelledImage]:
    """Yields all images of a Parquet file, in order, a row group at a time.

    Args:
        path: The file.
        on_problem: Called for images that cannot be read, which are left out; None to raise.

    Raises:
        DataError: The file is missing, is not Parquet, or lacks a column.
        InputError: An image cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    pyarrow = load_pyarrow("Reading Parquet files")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            finer = {"emotion", "person"} & set(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=512, columns=[*_COLUMNS, *finer]):
                for row in batch.to_pylist():
                    with skip_failures(row["name"], on_problem):
                        yield _decode(row)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(
            f"The image set {path} cannot be read ({error}).",
            f"It is a Parquet file with the columns {', '.join(_COLUMNS)}.",
        ) from None


def read_listed_images(
    path: Path, classes: Sequence[str], on_problem: Callable[[str], None] | None = None
) -> Iterator[LabelledImage]:
    """Yields the images that a manifest names, in order.

    A person called ``SET-NUMBER`` belongs to that set; people who are held out of training
    everywhere are in the split ``validation``, all others in ``train``.

    Args:
        path: The manifest.
        classes: The permitted labels.
        on_problem: Called for images that cannot be read, which are left out; None to raise.

    Raises:
        InputError: The manifest or an image cannot be read, or a label is unknown.
    """
    items, _ = read_manifest(path, classes)
    for item in items:
        source, _, person = item.person.rpartition("-")
        with skip_failures(item.path, on_problem):
            yield LabelledImage(
                pixels=read_image(item.path),
                label=classes[item.label],
                source=source or path.stem,
                split="validation" if item.person in HELD_OUT_PEOPLE else "train",
                person=person,
                name=item.path.name,
            )


def _decode(row: dict[str, object]) -> LabelledImage:
    content = row["image"]
    if not isinstance(content, bytes):
        raise InputError(f"The image {row['name']} is not stored as bytes.")
    pixels = read_image(content, str(row["name"]))
    keys = ("label", "source", "split", "person", "name", "emotion")
    text = {key: str(row.get(key) or "") for key in keys}
    return LabelledImage(pixels=pixels, **text)
