"""What networks learn from: prepared pictures, what they show, and who is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.atomic_write import atomic_path
from sentistream.types import FloatArray, UInt8Array


@dataclass(frozen=True, slots=True)
class Examples:
    """Prepared inputs of a network.

    Attributes:
        inputs: By the network's input names, uint8, shape (N, height, width, 3).
        labels: Class numbers, shape (N,); or what else is learned, float, shape (N, values).
        people: Who is seen or heard, shape (N,); empty text where not known.
        sources: Which data set, shape (N,).
        clips: What stands for the content of the recording or image that each was cut from,
            shape (N,); empty text where not known, which is also what none at all become.

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
            raise ValueError(f"Examples have one length, not {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Examples:
        """The examples at ``positions`` (numbers, a mask or a slice)."""
        return Examples(
            inputs={name: values[positions] for name, values in self.inputs.items()},
            labels=self.labels[positions],
            people=self.people[positions],
            sources=self.sources[positions],
            clips=self.clips[positions],
        )

    def save(self, path: Path) -> None:
        """As one NumPy archive."""
        arrays: dict[str, Any] = {f"input_{name}": values for name, values in self.inputs.items()}
        arrays |= {"labels": self.labels, "people": self.people, "sources": self.sources}
        arrays["clips"] = self.clips
        save_arrays(path, arrays)


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Atomically writes a NumPy archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_examples(path: Path) -> Examples:
    """What ``Examples.save`` wrote."""
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


def join(parts: list[Examples]) -> Examples:
    """Several sets of examples with the same inputs as one."""
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
    """As many examples of each class, drawn at random (again and again if there are too few)."""
    generator = np.random.default_rng(seed)
    chosen = [
        generator.choice(members, per_class, replace=len(members) < per_class)
        for members in (np.flatnonzero(examples.labels == number) for number in range(3))
    ]
    return examples.take(generator.permutation(np.concatenate(chosen)))


def pair_by_label(first: Examples, second: Examples, per_class: int, seed: int) -> Examples:
    """Pairs of one example of each, of the same class, drawn at random.

    People, sources and clips of both are joined with ``+``, so that nobody is lost from sight.
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
