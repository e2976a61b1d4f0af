"""What has to change in some values so that they become others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Path = tuple[str | int, ...]
"""Keys and places, from the outside in."""


class Kind(StrEnum):
    """Of a change."""

    REMOVE = "remove"
    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: what lies at ``path`` is removed, replaced by ``value``, or put in there."""

    kind: Kind
    path: Path
    value: Any = None


def changed(held: Any, old: Any, new: Any) -> Any:
    """What is held, with the changes from ``old`` to ``new`` made in it, and no others.

    ``held`` may lack what ``old`` has from elsewhere, and may write the same otherwise.
    """
    if held is not None and _same(old, new):
        return held
    if isinstance(old, dict) and isinstance(new, dict):
        kept = held if isinstance(held, dict) else {}
        result = {key: value for key, value in kept.items() if key in new or key not in old}
        for key, value in new.items():
            if key not in old or not _same(old[key], value):
                result[key] = changed(kept.get(key), old.get(key), value)
        return result
    if all(isinstance(each, list) for each in (held, old, new)) and len(held) == len(old):
        places = {_name(each): place for place, each in enumerate(old)}
        return [_entry(each, held, old, places.get(_name(each))) for each in new]
    return new


def _entry(new: Any, held: list[Any], old: list[Any], place: int | None) -> Any:
    """An entry of a list, changed where it was there before."""
    if place is None or not isinstance(new, dict):
        return new
    return changed(held[place], old[place], new)


def first_difference(held: Any, wanted: Any, path: Path = ()) -> Difference | None:
    """One of the changes that make ``held`` what is ``wanted``; None where it is."""
    if _same(held, wanted):
        return None
    if isinstance(held, dict) and isinstance(wanted, dict):
        for key in held:
            if key not in wanted:
                return Difference(Kind.REMOVE, (*path, key))
        for key, value in wanted.items():
            if key not in held:
                return Difference(Kind.ADD, (*path, key), value)
            found = first_difference(held[key], value, (*path, key))
            if found is not None:
                return found
    if isinstance(held, list) and isinstance(wanted, list):
        found = _of_lists(held, wanted, path)
        if found is not None:
            return found
    return Difference(Kind.REPLACE, path, wanted)


def _of_lists(held: list[Any], wanted: list[Any], path: Path) -> Difference | None:
    """Entries are known by their names; None where they are not, or have changed places."""
    old, new = [_name(each) for each in held], [_name(each) for each in wanted]
    if "" in (*old, *new) or len(set(old)) < len(old) or len(set(new)) < len(new) or not new:
        return None
    for place, name in enumerate(old):
        if name not in new:
            return Difference(Kind.REMOVE, (*path, place))
    if [name for name in new if name in old] != old:
        return None
    for place, name in enumerate(new):
        if name not in old:
            return Difference(Kind.ADD, (*path, place), wanted[place])
    for place, pair in enumerate(zip(held, wanted, strict=True)):
        found = first_difference(*pair, (*path, place))
        if found is not None:
            return found
    return None


def _name(entry: Any) -> str:
    """By what an entry of a list is known again; empty where it is no group of settings."""
    if not isinstance(entry, dict):
        return ""
    for key in ("key", "name", "url"):
        if key in entry:
            return f"{key} {entry[key]}"
    return json.dumps(entry, sort_keys=True, default=str)


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same kind: True is not 1 in a file."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
