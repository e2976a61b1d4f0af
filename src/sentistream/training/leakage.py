"""Nothing that is held out may be learned from: not a person, a recording, or a twin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.near_duplicates import connected_groups, near_duplicate_pairs, thumbnail
from sentistream.errors import DataError
from sentistream.training.examples import Examples, save_arrays
from sentistream.types import UInt8Array

_NAMED = 5


def refuse_leaks(train: Examples, held_out: Examples) -> None:
    """Makes sure that no person, no recording and no input stands on both sides.

    Raises:
        DataError: One does.
    """
    refuse_shared_people(train, held_out)
    _refuse_shared(held_out, train.clips, held_out.clips, "recordings or images")
    for name in train.inputs.keys() & held_out.inputs.keys():
        if train.inputs[name].dtype != np.uint8:
            continue  # a few numbers may well be equal; pictures and sounds may not
        digests = _digests(train.inputs[name]), _digests(held_out.inputs[name])
        _refuse_shared(held_out, *digests, f"equal inputs ({name})")


def refuse_shared_people(train: Examples, held_out: Examples) -> None:
    """Makes sure that nobody stands on both sides.

    Raises:
        DataError: Somebody does.
    """
    shared = _parts(train.people) & _parts(held_out.people)
    if shared:
        some = ", ".join(sorted(shared)[:_NAMED])
        raise DataError(
            f"{len(shared)} people stand both in training and in what is held out: {some}.",
            "Split by person.",
        )


def _refuse_shared(
    held_out: Examples, learned: NDArray[np.str_], measured: NDArray[np.str_], what: str
) -> None:
    shared = _parts(learned) & _parts(measured)
    if not shared:
        return
    leaking = [not shared.isdisjoint(entry.split("+")) for entry in measured.tolist()]
    whose = {
        f"{source} {person}".strip()
        for source, person in zip(
            held_out.sources[leaking].tolist(), held_out.people[leaking].tolist(), strict=True
        )
    }
    raise DataError(
        f"{len(shared)} {what} stand both in training and in what is held out, "
        f"of: {', '.join(sorted(whose)[:_NAMED])}.",
        "Take them out of one side; `sentistream data inspect` names equal files.",
    )


def _parts(entries: NDArray[np.str_]) -> set[str]:
    """What pairs were made of; without the unknown."""
    return {part for entry in set(entries.tolist()) for part in entry.split("+")} - {""}


def _digests(inputs: UInt8Array) -> NDArray[np.str_]:
    return np.array([content_key(values) for values in inputs], dtype=np.str_)


def content_key(values: NDArray[np.generic]) -> str:
    """What stands for the content of an array; equal arrays have equal keys."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Twins:
    """Images that look the same, in an image set with a split.

    Attributes:
        groups: Of positions, all in all.
        across: Groups with members both in training and outside.
        dropped: Positions in training that have a twin outside.
    """

    groups: int
    across: int
    dropped: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """As one NumPy archive."""
        counts = {"groups": np.array(self.groups), "across": np.array(self.across)}
        save_arrays(path, {**counts, "dropped": self.dropped})

    @staticmethod
    def load(path: Path) -> Twins:
        """What ``save`` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            return Twins(int(archive["groups"]), int(archive["across"]), archive["dropped"])


def find_twins(images: Iterable[tuple[UInt8Array, str]]) -> Twins:
    """Looks for images of which one is in training and a twin is not.

    What is held out stays as it was published; training gives way.

    Args:
        images: Pixels, shape (height, width, 3), and the part of the set (``train`` or other).
    """
    thumbnails: list[UInt8Array] = []
    splits: list[str] = []
    for pixels, split in images:
        thumbnails.append(thumbnail(pixels))
        splits.append(split)
    if not thumbnails:
        return Twins(0, 0, np.zeros(0, np.int64))
    groups = connected_groups(near_duplicate_pairs(np.stack(thumbnails)))
    across = [group for group in groups if _is_across(group, splits)]
    dropped = sorted(member for group in across for member in group if splits[member] == "train")
    return Twins(len(groups), len(across), np.array(dropped, dtype=np.int64))


def _is_across(group: Sequence[int], splits: Sequence[str]) -> bool:
    trained = {splits[member] == "train" for member in group}
    return len(trained) == 2
