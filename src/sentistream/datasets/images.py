"""Image sets in Parquet: one row an image, with its label and what is known of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sentistream.errors import DataError
from sentistream.types import UInt8Array

_COLUMNS = ("image", "label", "source", "split", "person", "name")


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image and what the set says of it.

    Attributes:
        pixels: Shape (height, width, 3), RGB.
        label: ``positive``, ``neutral``, ``negative``, or ``open``, ``closed``.
        source: The set it comes from.
        split: ``train``, ``validation`` or ``test``, as the set has it.
        person: Who is seen; empty where not known.
        name: Unique within source and label.
        emotion: Finer than the label; empty where the set does not say.
    """

    pixels: UInt8Array
    label: str
    source: str
    split: str
    person: str
    name: str
    emotion: str = ""


def read_images(path: Path) -> Iterator[LabelledImage]:
    """All images of a Parquet file, in its order, a row group at a time.

    Raises:
        DataError: The file is missing, is no Parquet, or lacks a column.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            finer = {"emotion"} & set(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=512, columns=[*_COLUMNS, *finer]):
                yield from (_decode(row) for row in batch.to_pylist())
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(
            f"The image set {path} cannot be read ({error}).",
            f"It is a Parquet file with the columns {', '.join(_COLUMNS)}.",
        ) from None


def _decode(row: dict[str, object]) -> LabelledImage:
    content = row["image"]
    if not isinstance(content, bytes):
        raise DataError(f"The image {row['name']} is not stored as bytes.")
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB"))
    keys = ("label", "source", "split", "person", "name", "emotion")
    text = {key: str(row.get(key) or "") for key in keys}
    return LabelledImage(pixels=pixels, **text)
