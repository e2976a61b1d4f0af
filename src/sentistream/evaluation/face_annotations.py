"""Pictures and clips with annotated faces.

A manifest is a CSV or a Parquet file. With a column ``time`` it is about clips: a row per face in
a frame, or per frame without one. With a column ``image`` it has pictures stored in the file
itself. Otherwise it is about pictures in files: a row per face, or per picture without one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentistream.datasets.csv_lists import read_csv_list, resolve_listed_path
from sentistream.errors import InputError, skip_failures
from sentistream.media.image_file import read_image
from sentistream.types import Box, UInt8Array

MIN_PICTURE_FACE, MIN_CLIP_FACE = 12.0, 24.0
"""The larger side, in pixels, from which an annotated face counts by default."""

MIN_SCORE = 0.5
"""An annotated face with a lower ``score`` is too uncertain to count."""

_EDGES = ("x1", "y1", "x2", "y2")
_PICTURES_OUT = "Its columns are path,x1,y1,x2,y2; a picture without a face has empty edges."
_CLIPS_OUT = "Its columns are path,time,x1,y1,x2,y2; a frame without a face has empty edges."
_STORED_OUT = "Its columns are image, boxes and, if known, source, info and split."
_YES, _NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")


@dataclass(frozen=True, slots=True)
class AnnotatedFace:
    """An annotated face.

    Attributes:
        box: Where it is, pixels.
        counted: Whether it should be found. One that is too small or too uncertain is an
            ignored region, which counts neither as missed nor as false.
        identity: Who it is, within the clip; empty where not known.
        occluded: Whether it is partly covered; None if not known.
        yaw, roll: Degrees; None if not known.
    """

    box: Box
    counted: bool = True
    identity: str = ""
    occluded: bool | None = None
    yaw: float | None = None
    roll: float | None = None

    @property
    def size(self) -> float:
        """The larger side of the box, pixels."""
        return face_size(self.box)


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """A picture and its faces.

    Attributes:
        name: Of the file, or the source column of a picture stored in the manifest.
        place: The line or row of the manifest, in words.
        faces: All annotated faces; none for a picture without a face.
        content: Where it is read from: a file, or its bytes.
        source: Where it comes from; empty if unknown.
        info: What else is known about the person; empty if nothing is.
    """

    name: str
    place: str
    faces: tuple[AnnotatedFace, ...]
    content: Path | bytes = field(repr=False)
    source: str = ""
    info: str = ""

    def pixels(self) -> UInt8Array:
        """RGB, shape (height, width, 3).

        Raises:
            InputError: It cannot be read.
        """
        try:
            if isinstance(self.content, bytes):
                return read_image(self.content, self.name)
            return read_image(self.content)
        except InputError as error:
            raise InputError(f"{self.place}: {error.problem}", error.way_out) from None


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A frame of a clip, at its time in seconds, and its faces."""

    time: float
    faces: tuple[AnnotatedFace, ...]


@dataclass(frozen=True, slots=True)
class AnnotatedClip:
    """A video and its annotated frames, in order of time.

    Attributes:
        name: As in the manifest.
        place: The line or row that names it first, in words.
        path: The file.
        frames: At least one.
        identified: Whether every counted face says who it is.
    """

    name: str
    place: str
    path: Path
    frames: tuple[AnnotatedFrame, ...]
    identified: bool


def face_size(box: Box) -> float:
    """The size of a face: the larger side of its box, pixels."""
    return max(box.width, box.height)


def read_face_annotations(
    path: Path,
    *,
    split: str = "",
    least_size: float | None = None,
    on_problem: Callable[[str], None] | None = None,
) -> tuple[list[AnnotatedPicture], list[AnnotatedClip]]:
    """The pictures or the clips of a manifest; one of the two is empty.

    Args:
        path: CSV or Parquet.
        split: Only rows whose column ``split`` says so; empty for all.
        least_size: From which larger side, in pixels, faces count; ``MIN_PICTURE_FACE`` or
            ``MIN_CLIP_FACE`` by default.
        on_problem: Called with the reason each invalid row with a stored picture is left out;
            None to raise it.

    Raises:
        InputError: It cannot be read, lacks a column, has an invalid row (the row
            and the reason are named), or has no rows left.
    """
    columns, rows = _open(path)
    if "time" in columns:
        _need(path, columns, ("path", "time", *_EDGES), _CLIPS_OUT)
        clips = _clips(path, _of_split(path, columns, rows, split), least_size or MIN_CLIP_FACE)
        if clips:
            return [], clips
    else:
        least = least_size or MIN_PICTURE_FACE
        stored = "image" in columns
        needed = ("image", "boxes") if stored else ("path", *_EDGES)
        _need(path, columns, needed, _STORED_OUT if stored else _PICTURES_OUT)
        chosen = _of_split(path, columns, rows, split)
        if stored:
            pictures = _stored_pictures(path, chosen, least, on_problem)
        else:
            pictures = _pictures(path, chosen, least)
        if pictures:
            return pictures, []
    raise InputError(
        f"The manifest {path} names nothing to measure on{f' in {split}' if split else ''}.",
        "Name another part with --split." if split else "Add rows to it.",
    )


_COLUMNS = ("path", "time", "image", "boxes", "split", *_EDGES)

_Rows = Iterator[tuple[str, Mapping[str, Any]]]


def _open(path: Path) -> tuple[set[str], _Rows]:
    """The columns, and the rows with their names."""
    if path.suffix.lower() == ".parquet":
        return _open_parquet(path)
    listed = read_csv_list(path, _COLUMNS)
    rows = ((f"Line {row.line} of {path}", row.values) for row in listed.rows())
    return set(listed.columns), rows


def _open_parquet(path: Path) -> tuple[set[str], _Rows]:
    import pyarrow
    import pyarrow.parquet

    try:
        columns = set(pyarrow.parquet.read_schema(path).names)
    except (OSError, pyarrow.ArrowException) as error:
        raise _unreadable(path, error) from None

    def rows() -> _Rows:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                number = 0
                for batch in file.iter_batches(batch_size=256):
                    for row in batch.to_pylist():
                        number += 1
                        yield f"Row {number} of {path}", row
        except (OSError, pyarrow.ArrowException) as error:
            raise _unreadable(path, error) from None

    return columns, rows()


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"The manifest {path} cannot be read ({error}).",
        "Name a CSV (UTF-8) or a Parquet file with --manifest.",
    )


def _need(path: Path, columns: set[str], needed: tuple[str, ...], way_out: str) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise InputError(f"The manifest {path} has no column {' or '.join(missing)}.", way_out)


def _of_split(path: Path, columns: set[str], rows: _Rows, split: str) -> _Rows:
    if split and "split" not in columns:
        raise InputError(
            f"The manifest {path} has no column split.", "Leave --split away, or add the column."
        )
    return (row for row in rows if not split or _text(row[1], "split") == split)


def _stored_pictures(
    path: Path, rows: _Rows, least: float, on_problem: Callable[[str], None] | None
) -> list[AnnotatedPicture]:
    pictures = []
    for place, row in rows:
        with skip_failures(place, on_problem):
            name = _text(row, "source") or place.removesuffix(f" of {path}")
            pictures.append(_stored_picture(name, place, row, least))
    return pictures


def _stored_picture(
    name: str, place: str, row: Mapping[str, Any], least: float
) -> AnnotatedPicture:
    content = row["image"]
    if not isinstance(content, bytes):
        raise InputError(f"{place} has no image.", "The column image holds a file's bytes.")
    if row["boxes"] is not None and not isinstance(row["boxes"], list):
        raise InputError(f"{place} has no list of boxes.", "A box is a list x1, y1, x2, y2.")
    faces = []
    for edges in row["boxes"] or ():
        if not isinstance(edges, list) or len(edges) != 4:
            raise InputError(
                f"{place} has a box with other than four edges.", "They are x1, y1, x2, y2."
            )
        box = _box(place, edges)
        faces.append(AnnotatedFace(box, face_size(box) >= least))
    source, info = _text(row, "source"), _text(row, "info")
    return AnnotatedPicture(name, place, tuple(faces), content, source, info)


def _pictures(path: Path, rows: _Rows, least: float) -> list[AnnotatedPicture]:
    first: dict[str, tuple[str, str, str]] = {}
    faces: dict[str, list[AnnotatedFace | None]] = {}
    for place, row in rows:
        name = _named(place, row)
        first.setdefault(name, (place, _text(row, "source"), _text(row, "info")))
        _add(place, faces.setdefault(name, []), _face(place, row, least), "picture")
    return [
        AnnotatedPicture(
            name,
            place,
            tuple(face for face in faces[name] if face is not None),
            resolve_listed_path(path, name),
            source,
            info,
        )
        for name, (place, source, info) in first.items()
    ]


def _clips(path: Path, rows: _Rows, least: float) -> list[AnnotatedClip]:
    places: dict[str, str] = {}
    frames: dict[str, dict[float, list[AnnotatedFace | None]]] = {}
    for place, row in rows:
        name = _named(place, row)
        places.setdefault(name, place)
        time = _number(place, row, "time")
        if time is None or time < 0:
            raise InputError(
                f"{place} has the time {_text(row, 'time')!r}.", "It is in seconds, from 0."
            )
        of_time = frames.setdefault(name, {}).setdefault(time, [])
        _add(place, of_time, _face(place, row, least), "frame")
    clips = []
    for name, of_clip in frames.items():
        marked = tuple(
            AnnotatedFrame(time, tuple(face for face in of_clip[time] if face is not None))
            for time in sorted(of_clip)
        )
        counted = [face for frame in marked for face in frame.faces if face.counted]
        known = [bool(face.identity) for face in counted]
        if any(known) and not all(known):
            raise InputError(
                f"Some faces of {name} in {path} have a person or appearance and others none.",
                "Name all of a clip's faces, or none.",
            )
        _check_unique_identities(path, name, marked)
        clips.append(
            AnnotatedClip(name, places[name], resolve_listed_path(path, name), marked, any(known))
        )
    return clips


def _check_unique_identities(path: Path, name: str, frames: tuple[AnnotatedFrame, ...]) -> None:
    for frame in frames:
        known = [face.identity for face in frame.faces if face.identity]
        if len(set(known)) < len(known):
            raise InputError(
                f"One person has two faces at {frame.time} s of {name} in {path}.",
                "Give each face of a frame a person or appearance of its own.",
            )


def _add(
    place: str, faces: list[AnnotatedFace | None], face: AnnotatedFace | None, of_what: str
) -> None:
    """One row's face; None for a frame or picture without one."""
    if faces and (face is None or None in faces):
        raise InputError(
            f"{place} contradicts another row: one says that the {of_what} has no face.",
            "A row without edges is the only one of its picture or frame.",
        )
    faces.append(face)


def _named(place: str, row: Mapping[str, Any]) -> str:
    name = _text(row, "path")
    if not name:
        raise InputError(f"{place} has no path.", "Name the file, from the manifest's folder.")
    return name


def _face(place: str, row: Mapping[str, Any], least: float) -> AnnotatedFace | None:
    edges = [_number(place, row, name) for name in _EDGES]
    if all(edge is None for edge in edges):
        return None
    box = _box(place, edges)
    score = _number(place, row, "score")
    return AnnotatedFace(
        box=box,
        counted=face_size(box) >= least and (score is None or score >= MIN_SCORE),
        identity=_text(row, "appearance") or _text(row, "person"),
        occluded=_yes_or_no(place, row, "occluded"),
        yaw=_number(place, row, "yaw"),
        roll=_number(place, row, "roll"),
    )


def _box(place: str, edges: list[float | None]) -> Box:
    try:
        left, top, right, bottom = (float(edge) for edge in edges if edge is not None)
        return Box(left, top, right, bottom)
    except (TypeError, ValueError):
        raise InputError(
            f"{place} has the box {', '.join('' if e is None else f'{e}' for e in edges)}.",
            "A box has four finite edges, x1 < x2 and y1 < y2.",
        ) from None


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _number(place: str, row: Mapping[str, Any], name: str) -> float | None:
    text = _text(row, name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{place} has {text!r} as {name}.", "That has to be a number.")
    return value


def _yes_or_no(place: str, row: Mapping[str, Any], name: str) -> bool | None:
    text = _text(row, name).lower()
    if not text:
        return None
    if text not in (*_YES, *_NO):
        raise InputError(f"{place} has {text!r} as {name}.", "Use 0 or 1.")
    return text in _YES
