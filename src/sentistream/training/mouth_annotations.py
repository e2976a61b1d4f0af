"""Our own annotations of mouths, in ``annotations/mouths.csv``.

A large vision-language model, not people, judged what the lips do on faces of FairFace and RAF-DB,
on crops of YouTube Faces and in everyday clips: touching along their whole width, parted by a thin
gap, apart with the teeth together, or open. Held-out mouths were judged twice, independently.
"""

from __future__ import annotations

import csv
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentistream.datasets.images import LabelledImage
from sentistream.errors import skip_failures
from sentistream.media import open_source
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.training.clip_examples import everyday_clips
from sentistream.training.examples import person_of
from sentistream.training.expression_annotations import fairface_images
from sentistream.types import Box, Picture

ANNOTATIONS = Path(__file__).parent / "annotations" / "mouths.csv"
"""One row for each mouth: set, file, time (seconds) and window (pixels), and the judgements."""

_OPEN = {"closed": False, "teeth": True, "open": True}  # not those parted or unclear


@dataclass(frozen=True, slots=True)
class MouthRow:
    """A row of the annotations.

    Attributes:
        collection, name: The set, and the file in it.
        time: Of the picture in a clip, seconds; 0 in still images.
        window: The mouth, pixels; None for a crop that shows nothing else.
        state: ``closed``, ``parted``, ``teeth``, ``open`` or ``unclear``; where it was judged
            twice and not alike, ``unclear``.
    """

    collection: str
    name: str
    time: float
    window: Box | None
    state: str

    @property
    def is_open(self) -> bool | None:
        """Whether the lips are apart; None if barely, or if that cannot be said."""
        return _OPEN.get(self.state)


@dataclass(frozen=True, slots=True)
class AnnotatedMouth:
    """An annotated mouth that is clearly open or closed.

    Attributes:
        picture: That shows it.
        window: The mouth in it, pixels; may extend beyond the picture.
        person: Who is seen; empty where unknown.
        row: Its annotation.
    """

    picture: Picture
    window: Box
    person: str
    row: MouthRow


def judged_mouth(collection: str, name: str) -> MouthRow | None:
    """The annotation of a still image; None if it has none."""
    rows = mouth_rows().get((collection, name))
    return rows[0] if rows else None


def annotated_stills(images: Iterable[LabelledImage]) -> Iterator[AnnotatedMouth]:
    """The annotated mouths of images."""
    for image in images:
        row = judged_mouth(image.source, image.name)
        if row is not None and row.is_open is not None:
            rows, columns = image.pixels.shape[:2]
            window = row.window or Box(0, 0, columns, rows).squared()
            yield AnnotatedMouth(RgbPicture(image.pixels), window, person_of(image), row)


def annotated_fairface(
    boxes: Path, *, held_out: bool, on_problem: Callable[[str], None] | None = None
) -> Iterator[AnnotatedMouth]:
    """The annotated mouths of FairFace's faces in ``face_boxes.parquet``.

    Args:
        boxes: That file.
        held_out: Whether those to test on, or those to train on.
        on_problem: Called for each picture that cannot be read and is left out; None to raise.
    """
    return annotated_stills(fairface_images(boxes, held_out=held_out, on_problem=on_problem))


def annotated_clips(
    folder: Path, *, held_out: bool, on_problem: Callable[[str], None] | None = None
) -> Iterator[AnnotatedMouth]:
    """The annotated mouths of everyday clips.

    Args:
        folder: With the clips and ``manifest.csv``.
        held_out: Whether of held-out people, or of others.
        on_problem: Called for each clip that cannot be read and is left out; None to raise.
    """
    for path, person, _ in everyday_clips(folder, held_out=held_out):
        wanted: dict[int, list[MouthRow]] = defaultdict(list)
        for row in mouth_rows().get(("everyday", path.name), ()):
            if row.is_open is not None:
                wanted[round(row.time / LITE.tick)].append(row)
        if not wanted:
            continue
        with (
            skip_failures(path, on_problem),
            open_source(path, tick=LITE.tick, sound_window=LITE.sound_window) as source,
        ):
            for moment in source:
                for row in wanted.get(round(moment.time / LITE.tick), ()):
                    if row.window is not None:
                        yield AnnotatedMouth(moment.picture, row.window, person, row)


@functools.cache
def mouth_rows() -> dict[tuple[str, str], list[MouthRow]]:
    """All annotations, by set and file."""
    known: dict[tuple[str, str], list[MouthRow]] = defaultdict(list)
    for row in csv.DictReader(ANNOTATIONS.read_text("utf-8").splitlines()):
        first, second = row["first"], row["second"]
        window = None
        if row["side"]:
            left, top, side = (float(row[name]) for name in ("left", "top", "side"))
            window = Box(left, top, left + side, top + side)
        time = float(row["time"] or 0)
        state = first if second in ("", first) else _joint(first, second)
        known[row["set"], row["name"]].append(
            MouthRow(row["set"], row["name"], time, window, state)
        )
    return dict(known)


def _joint(first: str, second: str) -> str:
    """Two different judgements as one: open if both say so in some way."""
    return "open" if _OPEN.get(first) and _OPEN.get(second) else "unclear"
