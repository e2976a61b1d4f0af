"""The part of the training examples on which early stopping is judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentistream.errors import DataError
from sentistream.training.examples import Examples

Positions = NDArray[np.int64]


def draw_validation(examples: Examples, share: float, seed: int) -> tuple[Positions, Positions]:
    """Positions to learn from and positions to validate on, both in ascending order.

    Drawn from each source apart: by person where people are known, at random where not.
    Examples that join people of both parts are in neither.

    Args:
        examples: For training; ``person+person`` names several.
        share: Of each source that goes to validation, about.
        seed: Of the draw.

    Raises:
        DataError: One part would be empty.
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
            whole = sum(entry <= chosen for entry in known)
            untouched = sum(not entry & chosen for entry in known)
            if whole and whole >= share * (whole + untouched):
                break
            # each source keeps somebody to learn from
            if len(set(candidates) - chosen) > 1:
                chosen.add(person)
    validate = np.array(
        [
            entry <= chosen if entry else drawn
            for entry, drawn in zip(people, at_random, strict=True)
        ]
    )
    learn = np.array([not (entry & chosen) for entry in people]) & ~at_random
    if not validate.any() or not learn.any():
        raise DataError(
            f"No validation part can be drawn from {len(examples)} training examples of "
            f"{len(everybody)} known people.",
            "Bring more people, or train without early stopping (--patience 0).",
        )
    return np.flatnonzero(learn), np.flatnonzero(validate)
