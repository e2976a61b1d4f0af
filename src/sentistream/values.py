"""Values that compare by content, including arrays and mappings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from typing import Any

import numpy as np


class ByValue:
    """For dataclasses made with ``eq=False``: ``==``, ``in`` and ``hash`` work with any fields.

    The methods that dataclasses generate fail with an array inside (its ``==`` is an array) and
    with a dict (it has no hash). Such a value must not be changed while it is in a set.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _equal(getattr(self, name), getattr(other, name)) for name in _compared(type(self))
        )

    def __hash__(self) -> int:
        return hash((type(self), *(_key(getattr(self, name)) for name in _compared(type(self)))))


def _compared(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.compare)


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        )
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return bool(one == other)


def _key(value: Any) -> object:
    """A hashable value, equal for equal values."""
    if isinstance(value, np.ndarray):
        # not its content: 0.0 equals -0.0, and hashing large pictures is expensive
        return value.shape, value.dtype.str
    if isinstance(value, list | tuple):
        return tuple(_key(each) for each in value)
    if isinstance(value, Mapping):
        return frozenset((key, _key(each)) for key, each in value.items())
    if isinstance(value, Set):
        return frozenset(value)
    return value
