"""Plain sentences about which settings are wrong, where they are, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sentistream.monitor.settings.settings_fields import allowed_values, field_at, group_at
from sentistream.monitor.settings.settings_model import Settings
from sentistream.monitor.settings.settings_yaml import line_of
from sentistream.values import ByValue

_OF_GROUPS = frozenset({"model_type", "model_attributes_type", "dict_type"})


@dataclass(frozen=True, slots=True, eq=False)
class Layer(ByValue):
    """Settings from one place.

    Attributes:
        name: The place: a file's path, or a phrase that begins a sentence.
        values: Its values.
        text: The YAML that it was read from; empty if it was not.
    """

    name: str
    values: Mapping[str, Any]
    text: str = ""


def validation_messages(error: ValidationError, layers: Sequence[Layer] = ()) -> Iterator[str]:
    """One sentence for each setting that is wrong.

    Args:
        error: What is wrong.
        layers: Where the settings came from, highest precedence first; named in the sentences.
    """
    seen = set()
    for one in error.errors(include_url=False):
        keys = _known_part(one["loc"])
        sentence = _sentence(keys, one)
        if sentence not in seen:
            seen.add(sentence)
            yield f"{_place(keys, layers)}{sentence}"


def _known_part(location: Sequence[str | int]) -> tuple[str | int, ...]:
    """A location without pydantic's own tags, such as those of a union's members."""
    for length in range(len(location), 0, -1):
        keys = tuple(location[:length])
        if field_at(keys) is not None or group_at(keys) is not None or len(keys) == 1:
            # one more may be the name of a setting that does not exist
            return keys
        if group_at(keys[:-1]) is not None and keys[-1] != "[key]":
            return keys
    return ()


def _sentence(keys: tuple[str | int, ...], error: Mapping[str, Any]) -> str:
    name = ".".join(map(str, keys))
    kind, value = error["type"], error.get("input")
    field = field_at(keys)
    if kind == "missing":
        return f"{name} is missing."
    if kind == "extra_forbidden":
        group = group_at(keys[:-1]) or Settings
        close = difflib.get_close_matches(str(keys[-1]), group.model_fields, n=1)
        return f"{name} is not a setting{f'; did you mean {close[0]}?' if close else '.'}"
    if kind == "value_error":
        problem = str(error["ctx"]["error"])
        return f"{name}: {problem}." if keys else f"{problem[:1].upper()}{problem[1:]}."
    if error["loc"][-1:] == ("[key]",):
        return f"{name} is not a valid key: use lowercase letters, digits and inner hyphens."
    if kind in _OF_GROUPS or field is None:
        return f"{name} must be a group of settings, each as name: value."
    is_number = isinstance(value, bool | int | float)  # texts may be secrets in a wrong place
    if is_number and tuple(error["loc"]) == keys:
        shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        return f"{name} is {shown}; allowed: {allowed_values(field)}."
    return f"{name} is not valid; allowed: {allowed_values(field)}."


def _place(keys: tuple[str | int, ...], layers: Sequence[Layer]) -> str:
    """Where a setting is: in the highest layer that contains most of its keys."""
    found = max(layers, key=lambda layer: _depth(layer.values, keys), default=None)
    if found is None or not _depth(found.values, keys):
        return ""
    line = line_of(found.text, keys) if found.text else None
    return f"{found.name}, line {line}: " if line is not None else f"{found.name}: "


def _depth(values: Any, keys: Sequence[str | int]) -> int:
    """How many of the keys exist."""
    for depth, key in enumerate(keys):
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(keys)
