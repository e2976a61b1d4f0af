"""Finds settings in the model by their path, and says which values they may take."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from sentistream.monitor.settings.settings_base import Key
from sentistream.monitor.settings.settings_model import Settings

_KEY_PATTERN = get_args(Key)[1].pattern
_KEY_LETTERS = "lowercase letters, digits and inner hyphens (at most 40)"


def group_at(path: Sequence[str | int]) -> type[BaseModel] | None:
    """The group of settings at a path of keys and indices; None if there is none."""
    model: type[BaseModel] = Settings
    rest = list(path)
    while rest:
        field = model.model_fields.get(str(rest.pop(0)))
        inner, several = inner_group(field.annotation) if field is not None else (None, False)
        if inner is None or (several and not rest):
            return None
        if several:
            rest.pop(0)
        model = inner
    return model


def field_at(path: Sequence[str | int]) -> FieldInfo | None:
    """The setting at a path of keys and indices; None if there is none."""
    group = group_at(path[:-1]) if path else None
    return group.model_fields.get(str(path[-1])) if group is not None else None


def inner_group(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The group of settings in a field's type, if any, and whether there may be several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) in (dict, tuple):
        for argument in get_args(annotation):
            inner, _ = inner_group(argument)
            if inner is not None:
                return inner, True
    return None, False


def allowed_values(field: FieldInfo) -> str:
    """A setting's allowed values, in words: the kind of value and its bounds."""
    words = [_kind(field.annotation)]
    limits: dict[type, str] = {Ge: "≥ {}", Gt: "> {}", Le: "≤ {}", Lt: "< {}"}
    for each in field.metadata:
        for kind, form in limits.items():
            if isinstance(each, kind):
                words.append(form.format(number_text(getattr(each, kind.__name__.lower()))))
        # of lists and of text alike
        if shortest := getattr(each, "min_length", None):
            words.append(f"at least {shortest}")
        if longest := getattr(each, "max_length", None):
            words.append(f"at most {longest}")
        pattern = getattr(each, "pattern", None)
        if pattern == _KEY_PATTERN:
            words.append(_KEY_LETTERS)
        elif pattern:
            words.append(f"like `{str(pattern).replace('|', chr(92) + '|')}`")
    return ", ".join(words)


def _constraints(metadata: Sequence[Any]) -> str:
    """Of a part of a setting: the range of a number, the letters of a key."""
    metadata = [
        inner
        for each in metadata
        for inner in (each.metadata if isinstance(each, FieldInfo) else [each])
    ]
    low = next((each.ge for each in metadata if isinstance(each, Ge)), None)
    high = next((each.le for each in metadata if isinstance(each, Le)), None)
    if low is not None and high is not None:
        return f" {number_text(low)} to {number_text(high)}"
    if any(getattr(each, "pattern", None) == _KEY_PATTERN for each in metadata):
        return f" of {_KEY_LETTERS}"
    return ""


def _kind(annotation: Any) -> str:
    plain: dict[Any, str] = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        SecretStr: "text, kept secret",
        Path: "path",
        HttpUrl: "http:// or https:// address",
        time: "time of day",
        type(None): "none",
    }
    origin = get_origin(annotation)
    if annotation in plain:
        return plain[annotation]
    if origin is Literal:
        return " or ".join(f"`{value}`" if value else "empty" for value in get_args(annotation))
    if origin is typing.Annotated:
        return _kind(get_args(annotation)[0]) + _constraints(get_args(annotation)[1:])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(each) for each in get_args(annotation))
    if origin is dict:
        return "groups by their keys"
    if origin is tuple:
        arguments = get_args(annotation)
        if inner_group(annotation)[0] is not None:
            return "list of groups"
        if arguments[-1] is Ellipsis:
            return f"list of {_kind(arguments[0])}"
        return f"[{', '.join(_kind(each) for each in arguments)}]"
    return "group"


def number_text(value: object) -> str:
    """A number without trailing zeros."""
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)
