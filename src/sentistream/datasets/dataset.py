"""The interface of all data sets, whatever their file format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from sentistream.datasets.labels import MOUTH_STATES, emotion_named, sentiment_named
from sentistream.folders import files_below
from sentistream.values import ByValue

Medium = Literal["image", "sound", "video"]

SUFFIXES: Mapping[str, Medium] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".webp"), "image"),
    **dict.fromkeys((".wav", ".flac", ".mp3", ".ogg", ".m4a", ".opus"), "sound"),
    **dict.fromkeys((".mp4", ".flv", ".mkv", ".mov", ".avi", ".webm"), "video"),
}
"""The media that are read, by the suffix of their files."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample(ByValue):
    """One labelled recording or image.

    Attributes:
        name: Unique within its data set; for files the path below the set's folder.
        medium: ``image``, ``sound`` or ``video``.
        path: The file, or the Parquet file that holds it.
        label: In the set's own words: an emotion, a sentiment, a state of the mouth; empty if
            there is none.
        person: Who is seen or heard, unique across data sets; empty where not known.
        split: ``train``, ``validation`` or ``test``, as the set has it; empty if it has none.
        source: Which collection it comes from.
        details: Whatever else the set says, such as ``intensity`` or ``age``.
    """

    name: str
    medium: Medium
    path: Path
    label: str = ""
    person: str = ""
    split: str = ""
    source: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def emotion(self) -> str:
        """The label as one of ``EMOTIONS``; empty if it is none."""
        return emotion_named(self.label)

    @property
    def sentiment(self) -> str:
        """``positive``, ``neutral`` or ``negative``; empty if the label means none of them."""
        return sentiment_named(self.label)

    @property
    def known(self) -> bool:
        """Whether the label is an emotion, a sentiment or a state of the mouth."""
        return bool(self.emotion or self.sentiment) or self.label in MOUTH_STATES


FaultKind = Literal[
    "misnamed",  # the name follows no rule of the set
    "empty",  # the file is empty
    "pointer",  # a Git LFS pointer instead of the file
    "unreadable",  # cannot be decoded, or is missing
    "truncated",  # shorter than its header says
    "no sound",
    "duplicate",  # identical file, or identical sound
    "near-duplicate",  # an image that looks the same
    "unknown label",
    "unsafe",  # an archive member with a path outside the folder
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a sample, or with a file that is therefore not one.

    Attributes:
        kind: The kind of fault.
        name: The sample's name, or the file's path below the set's folder.
        note: One sentence for people.
        others: Names of the samples it equals, for duplicates.
    """

    kind: FaultKind
    name: str
    note: str
    others: tuple[str, ...] = ()


class Dataset(Protocol):
    """A set of labelled material.

    Attributes:
        kind: As named in ``FORMATS``.
        name: The displayed name.
        root: The folder or file.
        samples: All that can be used, in a fixed order.
        faults: What is wrong with names; contents are not read for this.
    """

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def root(self) -> Path: ...
    @property
    def samples(self) -> tuple[Sample, ...]: ...
    @property
    def faults(self) -> tuple[Fault, ...]: ...

    def images(self) -> Iterator[tuple[Sample, bytes]]:
        """Yields all images with their encoded content, in the samples' order, a few at a time.

        An image that cannot be read comes with empty content.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileDataset:
    """A data set whose samples are files."""

    kind: str
    name: str
    root: Path
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...] = ()

    def images(self) -> Iterator[tuple[Sample, bytes]]:
        """As ``Dataset.images``."""
        for sample in self.samples:
            if sample.medium == "image":
                try:
                    yield sample, sample.path.read_bytes()
                except OSError:
                    yield sample, b""


def media_files(root: Path) -> list[Path]:
    """Files below ``root`` with a suffix of ``SUFFIXES``, sorted; none that is hidden."""
    return sorted(
        path
        for path in files_below(root)
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(root).parts)
    )


_POINTER = b"version https://git-lfs.github.com/spec/v1"


def file_fault(path: Path, name: str) -> Fault | None:
    """What the first bytes of a file reveal to be wrong with it."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_POINTER))
    except OSError as error:
        return Fault("unreadable", name, f"It cannot be read ({error.strerror}).")
    if not start:
        return Fault("empty", name, "There is nothing in it.")
    if start == _POINTER:
        return Fault("pointer", name, "It is a Git LFS pointer; fetch the file it stands for.")
    return None
