"""Our own annotations of expressions, in ``annotations/expressions.csv``.

Two passes of a large vision-language model, not people, judged the 850 faces of FairFace in
``face_boxes.parquet`` and the everyday clips that show one face, independently and without seeing
any other label: what the face shows, not how its lines or drooping features look at rest; a face
that merely talks is neutral. They agree on 91 % of the faces (Cohen's kappa 0.81) and on 88 % of
the clips (0.85).
"""

from __future__ import annotations

import csv
import functools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.datasets.images import LabelledImage
from sentistream.errors import skip_failures
from sentistream.media.image_file import read_image
from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.parquet import load_pyarrow
from sentistream.training.preparation import OnProblem
from sentistream.types import FloatArray

FAIRFACE, EVERYDAY = "fairface", "everyday"
"""The annotated sets."""

ANNOTATIONS = Path(__file__).parent / "annotations" / "expressions.csv"
"""One row for each picture or clip: both passes' label, and how sure they were (1 to 3)."""

_FOLDER = "fair_face/"  # of the set, in the sources of its pictures
_SHARES = {"3": 1.0, "2": 0.9, "1": 0.7}  # of the label, by the sureness
_MIN_SHARE = 0.75  # of the two votes for one of the four emotions
_NEUTRAL = FACE_EMOTIONS.index("neutral")


def expression_shares(collection: str, name: str) -> FloatArray | None:
    """Shares of the four emotions, shape (4,); None where it is not annotated or unreadable.

    Args:
        collection: ``FAIRFACE`` or ``EVERYDAY``.
        name: FairFace's name of the picture (``train/123.jpg``), or the clip's file name.
    """
    return _annotations().get((collection, name))


def fairface_name(source: str) -> str:
    """FairFace's name of a picture from the column ``source`` of ``face_boxes.parquet``."""
    return source.rpartition(_FOLDER)[2]


def is_fairface_held_out(name: str, split: str) -> bool:
    """Whether a picture is held out: the validation part and half of the rest, never to change."""
    return split == "validation" or zlib.crc32(name.encode()) % 2 == 1


def has_annotated_images(boxes: Path, *, held_out: bool) -> bool:
    """Whether ``annotated_images`` finds any."""
    rows = _fairface_rows(boxes, ["source", "split"], held_out=held_out)
    return any((FAIRFACE, name) in _annotations() for name, _ in rows)


def annotated_images(
    boxes: Path, *, held_out: bool, on_problem: OnProblem | None = None
) -> Iterator[tuple[LabelledImage, FloatArray]]:
    """Faces of FairFace, and the annotated shares of the four emotions.

    Args:
        boxes: ``face_boxes.parquet``, which holds them.
        held_out: Whether those to test on, or those to train on.
        on_problem: Called for each picture that cannot be read and is left out; None to raise.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    for image in fairface_images(boxes, held_out=held_out, on_problem=on_problem):
        shares = _annotations().get((FAIRFACE, image.name))
        if shares is not None:
            yield image, shares


def fairface_images(
    boxes: Path, *, held_out: bool, on_problem: OnProblem | None = None
) -> Iterator[LabelledImage]:
    """Faces of FairFace; see ``annotated_images``."""
    for name, row in _fairface_rows(boxes, ["source", "split", "image"], held_out=held_out):
        with skip_failures(name, on_problem):
            pixels = read_image(row["image"], name)
            yield LabelledImage(pixels, "", FAIRFACE, row["split"], "", name)


def _fairface_rows(
    boxes: Path, columns: list[str], *, held_out: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    load_pyarrow("Reading Parquet files")
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(boxes) as file:
        for batch in file.iter_batches(128, columns=columns):
            for row in batch.to_pylist():
                name = fairface_name(row["source"])
                if (
                    _FOLDER in row["source"]
                    and is_fairface_held_out(name, row["split"]) == held_out
                ):
                    yield name, row


@functools.cache
def _annotations() -> dict[tuple[str, str], FloatArray]:
    known = {}
    for row in csv.DictReader(ANNOTATIONS.read_text("utf-8").splitlines()):
        shares = sum(
            (_vote(row[one], row[f"{one}_sureness"]) for one in ("first", "second")),
            start=np.zeros(len(FACE_EMOTIONS), np.float32),
        )
        if shares.sum() >= 2 * _MIN_SHARE:
            known[row["set"], row["name"]] = shares / shares.sum()
    return known


def _vote(label: str, sureness: str) -> FloatArray:
    """One pass's vote: what is unsure goes to neutral or, from neutral, to all others."""
    shares = np.zeros(len(FACE_EMOTIONS), np.float32)
    if label not in FACE_EMOTIONS:
        return shares
    sure = _SHARES[sureness]
    if label == "neutral":
        shares += (1 - sure) / (len(FACE_EMOTIONS) - 1)
    shares[_NEUTRAL] += 1 - sure
    shares[FACE_EMOTIONS.index(label)] = sure
    return shares
