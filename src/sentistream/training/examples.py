"""Training examples: arrays of inputs and labels, with the person and source of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sentistream.atomic_write import atomic_path
from sentistream.datasets.images import LabelledImage
from sentistream.datasets.labels import SENTIMENT_OF_EMOTION
from sentistream.errors import DataError
from sentistream.types import SENTIMENTS, FloatArray, UInt8Array

Arrays: TypeAlias = dict[str, NDArray[Any]]

CLASS_LABELS, FLOAT_LABELS = np.dtype(np.int64), np.dtype(np.float32)


@dataclass(frozen=True, slots=True)
class Examples:
    """Prepared inputs of a network with their labels.

    Attributes:
        inputs: By input name: uint8 images, shape (N, height, width, channels), or float
            vectors, shape (N, values).
        labels: Class numbers, shape (N,), or float targets, shape (N, values).
        people: The person seen or heard, shape (N,); empty where unknown.
        sources: The data set, shape (N,).
        clips: A key of the recording or image that each example was cut from, shape (N,);
            empty where unknown.

    Raises:
        ValueError: The arrays differ in length.
    """

    inputs: dict[str, UInt8Array]
    labels: NDArray[np.int64] | FloatArray
    people: NDArray[np.str_]
    sources: NDArray[np.str_]
    clips: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))

    def __post_init__(self) -> None:
        if not len(self.clips):
            object.__setattr__(self, "clips", np.full(len(self.labels), ""))
        lengths = {len(values) for values in self.inputs.values()}
        lengths |= {len(self.labels), len(self.people), len(self.sources), len(self.clips)}
        if len(lengths) != 1:
            raise ValueError(f"All arrays of examples need the same length, not {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Examples:
        """The examples at ``positions`` (indices, a mask or a slice)."""
        return Examples(
            inputs={name: values[positions] for name, values in self.inputs.items()},
            labels=self.labels[positions],
            people=self.people[positions],
            sources=self.sources[positions],
            clips=self.clips[positions],
        )

    def save(self, path: Path) -> None:
        """Writes one NumPy archive."""
        arrays: dict[str, Any] = {f"input_{name}": values for name, values in self.inputs.items()}
        arrays |= {"labels": self.labels, "people": self.people, "sources": self.sources}
        arrays["clips"] = self.clips
        save_arrays(path, arrays)


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Writes a NumPy archive atomically; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path) -> Arrays:
    """Reads what ``save_arrays`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def content_key(values: NDArray[np.generic]) -> str:
    """A key of an array's content; equal arrays have equal keys."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:24]


def file_key(path: Path) -> str:
    """A key of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:24]


def person_of(image: LabelledImage) -> str:
    """The person in an image, with the source; empty where unknown."""
    return f"{image.source}-{image.person}" if image.person else ""


def rows_as_arrays(name: str, rows: Sequence[tuple[Any, ...]], shape: tuple[int, ...]) -> Arrays:
    """Rows of input, label, person, source and clip as arrays, as ``examples_from`` takes them.

    Args:
        name: The input's.
        rows: May be empty.
        shape: The shape of one input, used without rows.
    """
    fields = (name, "label", "person", "source", "clip")
    if not rows:
        empty: Arrays = {field: np.zeros(0, np.str_) for field in fields}
        return empty | {name: np.zeros((0, *shape), np.uint8), "label": np.zeros(0, np.int64)}
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return dict(zip(fields, columns, strict=True))


def examples_from(name: str, chunks: Iterable[Arrays], labels: np.dtype[Any]) -> Examples:
    """Joins chunks of ``rows_as_arrays`` into examples.

    Args:
        name: The input's.
        labels: Type of the labels: ``CLASS_LABELS`` or ``FLOAT_LABELS``.

    Raises:
        DataError: There are no chunks.
    """
    parts = [
        Examples(
            inputs={name: arrays[name]},
            labels=arrays["label"].astype(labels),
            people=arrays["person"],
            sources=arrays["source"],
            clips=arrays["clip"],
        )
        for arrays in chunks
    ]
    if not parts:
        raise DataError(
            "Nothing in the data shows one of the emotions that the lite networks tell apart.",
            "Image sets need a column emotion; docs/training.md says what the folder holds.",
        )
    return join(parts)


def load_examples(path: Path) -> Examples:
    """Reads what ``Examples.save`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return Examples(
            inputs={
                name.removeprefix("input_"): archive[name]
                for name in archive.files
                if name.startswith("input_")
            },
            labels=archive["labels"],
            people=archive["people"],
            sources=archive["sources"],
            clips=archive["clips"],
        )


def join(parts: Sequence[Examples]) -> Examples:
    """Concatenates examples that have the same inputs."""
    return Examples(
        inputs={
            name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs
        },
        labels=np.concatenate([part.labels for part in parts]),
        people=np.concatenate([part.people for part in parts]),
        sources=np.concatenate([part.sources for part in parts]),
        clips=np.concatenate([part.clips for part in parts]),
    )


def balanced(examples: Examples, per_class: int, seed: int) -> Examples:
    """Draws ``per_class`` examples of each class, with replacement where there are too few."""
    generator = np.random.default_rng(seed)
    chosen = [
        generator.choice(members, per_class, replace=len(members) < per_class)
        for members in (np.flatnonzero(examples.labels == number) for number in range(3))
    ]
    return examples.take(generator.permutation(np.concatenate(chosen)))


def pair_by_label(first: Examples, second: Examples, per_class: int, seed: int) -> Examples:
    """Random pairs of an example from each set, of the same class.

    People, sources and clips of both are joined with ``+``, so that leaks can still be found.
    """
    first, second = balanced(first, per_class, seed), balanced(second, per_class, seed + 1_000)
    first = first.take(np.argsort(first.labels, kind="stable"))
    second = second.take(np.argsort(second.labels, kind="stable"))
    return Examples(
        inputs={**first.inputs, **second.inputs},
        labels=first.labels,
        people=np.char.add(np.char.add(first.people, "+"), second.people),
        sources=np.char.add(np.char.add(first.sources, "+"), second.sources),
        clips=np.char.add(np.char.add(first.clips, "+"), second.clips),
    )


def emotions_by_sentiment(emotions: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """For each sentiment, the indices of the emotions that belong to it."""
    return tuple(
        tuple(
            index
            for index, name in enumerate(emotions)
            if SENTIMENT_OF_EMOTION.get(name) == sentiment
        )
        for sentiment in SENTIMENTS
    )
