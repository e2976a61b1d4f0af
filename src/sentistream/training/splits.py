"""Training, validation and held-out splits, and the checks that nothing leaks between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.corpus_people import HELD_OUT_PEOPLE
from sentistream.datasets.near_duplicates import connected_groups, near_duplicate_pairs, thumbnail
from sentistream.datasets.recordings import Recording
from sentistream.errors import DataError
from sentistream.training.examples import Examples, content_key, load_arrays, save_arrays
from sentistream.types import UInt8Array

Positions = NDArray[np.int64]
"""Indices of examples."""

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Splits:
    """Training examples, and held-out examples of other people.

    Raises:
        DataError: A person, a recording or an input is in both.
    """

    train: Examples
    held_out: Examples

    def __post_init__(self) -> None:
        refuse_leaks(self.train, self.held_out)


def select_split(recordings: Iterable[Recording], *, held_out: bool) -> list[Recording]:
    """Recordings of the people held out everywhere, or of all others."""
    return [one for one in recordings if (one.person in HELD_OUT_PEOPLE) == held_out]


def refuse_leaks(train: Examples, held_out: Examples) -> None:
    """Checks that no person, recording or input is in both splits.

    Raises:
        DataError: One is.
    """
    refuse_shared_people(train, held_out)
    _refuse_shared(held_out, train.clips, held_out.clips, "recordings or images")
    for name in train.inputs.keys() & held_out.inputs.keys():
        if train.inputs[name].dtype != np.uint8:
            continue  # short vectors may be equal by chance; images may not
        digests = _digests(train.inputs[name]), _digests(held_out.inputs[name])
        _refuse_shared(held_out, *digests, f"equal inputs ({name})")


def refuse_shared_people(train: Examples, held_out: Examples) -> None:
    """Checks that nobody is in both splits.

    Raises:
        DataError: Somebody is.
    """
    shared = _members(train.people) & _members(held_out.people)
    if shared:
        some = ", ".join(sorted(shared)[:_NAMED])
        raise DataError(
            f"{len(shared)} people are both in training and held out: {some}.",
            "Split by person.",
        )


def _refuse_shared(
    held_out: Examples, learned: NDArray[np.str_], measured: NDArray[np.str_], what: str
) -> None:
    shared = _members(learned) & _members(measured)
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
        f"{len(shared)} {what} are both in training and held out, "
        f"of: {', '.join(sorted(whose)[:_NAMED])}.",
        "Remove them from one split; `sentistream data inspect` names equal files.",
    )


def _members(entries: NDArray[np.str_]) -> set[str]:
    """The members of pairs joined with ``+``, without unknown ones."""
    return {part for entry in set(entries.tolist()) for part in entry.split("+")} - {""}


def _digests(inputs: UInt8Array) -> NDArray[np.str_]:
    return np.array([content_key(values) for values in inputs], dtype=np.str_)


def split_validation(examples: Examples, share: float, seed: int) -> tuple[Positions, Positions]:
    """Sets part of the training examples aside for early stopping.

    Each source is split by person where people are known, else at random. Pairs of a training
    and a validation person are left out.

    Args:
        examples: The training split; ``person+person`` names several people.
        share: Approximate share of each source for validation.
        seed: For the random split.

    Returns:
        Ascending indices of the training and of the validation examples.

    Raises:
        DataError: One of them would be empty.
    """
    generator = np.random.default_rng(seed)
    people = [frozenset(entry.split("+")) - {""} for entry in examples.people.tolist()]
    everybody = frozenset[str]().union(*people)
    chosen: set[str] = set()
    at_random = np.zeros(len(examples), dtype=bool)
    for source in np.unique(examples.sources):
        members = np.flatnonzero(examples.sources == source)
        unknown = np.array([place for place in members if not people[place]], dtype=np.int64)
        at_random[generator.permutation(unknown)[: round(share * len(unknown))]] = True
        known = [people[place] for place in members if people[place]]
        candidates = sorted(frozenset[str]().union(*known))
        for person in np.array(candidates)[generator.permutation(len(candidates))].tolist():
            inside = sum(entry <= chosen for entry in known)
            outside = sum(not entry & chosen for entry in known)
            if inside and inside >= share * (inside + outside):
                break
            # somebody of each source stays in training
            if len(set(candidates) - chosen) > 1:
                chosen.add(person)
    validate = np.array(
        [
            entry <= chosen if entry else drawn
            for entry, drawn in zip(people, at_random, strict=True)
        ]
    )
    train = np.array([not (entry & chosen) for entry in people]) & ~at_random
    if not validate.any() or not train.any():
        raise DataError(
            f"No validation split can be drawn from {len(examples)} training examples of "
            f"{len(everybody)} known people.",
            "Bring more people, or train without early stopping (--patience 0).",
        )
    return np.flatnonzero(train), np.flatnonzero(validate)


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Images of one set that look the same.

    Attributes:
        groups: How many groups of such images there are.
        across: How many of them have members in training and outside it.
        dropped: Indices of training images that look like one outside training.
    """

    groups: int
    across: int
    dropped: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Writes one NumPy archive."""
        counts = {"groups": np.array(self.groups), "across": np.array(self.across)}
        save_arrays(path, {**counts, "dropped": self.dropped})

    @staticmethod
    def load(path: Path) -> NearDuplicates:
        """Reads what ``save`` wrote."""
        arrays = load_arrays(path)
        return NearDuplicates(int(arrays["groups"]), int(arrays["across"]), arrays["dropped"])


def find_near_duplicates(images: Iterable[tuple[UInt8Array, str]]) -> NearDuplicates:
    """Finds training images that look like one outside training.

    Held-out images stay as published; training gives the duplicates up.

    Args:
        images: Pixels, shape (height, width, 3), and the split (``train`` or another).
    """
    thumbnails: list[UInt8Array] = []
    splits: list[str] = []
    for pixels, split in images:
        thumbnails.append(thumbnail(pixels))
        splits.append(split)
    if not thumbnails:
        return NearDuplicates(0, 0, np.zeros(0, np.int64))
    groups = connected_groups(near_duplicate_pairs(np.stack(thumbnails)))
    across = [group for group in groups if _is_across(group, splits)]
    dropped = sorted(member for group in across for member in group if splits[member] == "train")
    return NearDuplicates(len(groups), len(across), np.array(dropped, dtype=np.int64))


def _is_across(group: Sequence[int], splits: Sequence[str]) -> bool:
    in_training = {splits[member] == "train" for member in group}
    return len(in_training) == 2
