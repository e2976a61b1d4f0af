"""Form fields, generated from the settings' titles, descriptions, bounds and defaults."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic import BaseModel, HttpUrl, SecretStr, StringConstraints
from pydantic.fields import FieldInfo

from sentistream.monitor.translation import Translator, languages
from sentistream.monitor.web import labels

LONG_TEXT = 300
"""Longest text that gets a one-line field."""


class Kind(StrEnum):
    """The kind of a form field."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    SECRET = "secret"  # noqa: S105
    ADDRESS = "address"
    """An address whose path may be a secret; shown without it."""
    TIME = "time"
    POINTS = "points"
    LIST = "list"
    """Short texts in one line, separated by commas."""
    ROWS = "rows"


@dataclass(slots=True, kw_only=True)
class FormField:
    """One field, ready for the template.

    Attributes:
        name: In the form; nested fields have it as a prefix, with a dot.
        kind: Its kind.
        title, description: For people, in their language.
        value: Its value: a text, for a switch "on" or "".
        several: The selected ones of ``CHOICES``.
        choices: The choices, with their labels.
        minimum, maximum, step: Bounds of a number, for the browser.
        longest: Most characters of a text.
        required: Whether it must not be empty.
        kept: For a secret: whether there is one, which stays unless replaced.
        hint: What may be shown of it.
        locked: Whether it can be changed only in the configuration file.
        rows: For ``ROWS``: the fields of each.
        blank: For ``ROWS``: the fields of a new one.
        origins: For ``ROWS``: the previous row of each; empty for a new one.
        error: What is wrong with it.
    """

    name: str
    kind: Kind
    title: str
    description: str
    value: str = ""
    several: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    minimum: str = ""
    maximum: str = ""
    step: str = ""
    longest: int | None = None
    required: bool = False
    kept: bool = False
    hint: str = ""
    locked: bool = False
    rows: list[list[FormField]] = field(default_factory=list)
    blank: list[FormField] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def id(self) -> str:
        """For labels."""
        return f"field-{self.name.replace('.', '-')}"

    @property
    def is_wrong(self) -> bool:
        """Whether something is wrong with it or within it."""
        return any(each.error for each in self.walk())

    def walk(self) -> Iterator[FormField]:
        """The field and all fields within its rows."""
        yield self
        for row in self.rows:
            for each in row:
                yield from each.walk()


def form_fields(
    fields: Mapping[str, FieldInfo],
    values: Mapping[str, Any],
    *,
    tr: Translator,
    prefix: str = "",
    depth: int = 0,
) -> list[FormField]:
    """Fields of a group of settings.

    Args:
        fields: The group's fields.
        values: Their current values; missing ones have their defaults.
        tr: The translator.
        prefix: Prefix of their names.
        depth: Nesting depth of rows.
    """
    made = []
    for name, info in fields.items():
        title, description = tr.gettext(info.title or name), tr.gettext(info.description or "")
        value = values.get(
            name, None if info.is_required() else info.get_default(call_default_factory=True)
        )
        one = FormField(
            name=f"{prefix}{name}", kind=Kind.TEXT, title=title, description=description
        )
        _fill(one, info, value, tr, depth)
        made.append(one)
    return made


def kind_of(info: FieldInfo) -> Kind:
    """The kind of a form field."""
    return _kind(_bare(info.annotation))


def row_model(info: FieldInfo) -> type[BaseModel]:
    """The group of settings in each row of a field."""
    model = get_args(_bare(info.annotation))[0]
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"{info.title} has no rows.")
    return model


def _fill(one: FormField, info: FieldInfo, value: Any, tr: Translator, depth: int) -> None:
    bare = _bare(info.annotation)
    one.kind = _kind(bare)
    one.required = info.is_required()
    _bound(one, info, bare)
    if one.kind is Kind.ROWS:
        model = row_model(info)
        for place, row in enumerate(value or ()):
            held = row if isinstance(row, Mapping) else dict(row)
            one.origins.append(str(place))
            one.rows.append(
                form_fields(
                    model.model_fields,
                    held,
                    tr=tr,
                    prefix=f"{one.name}.{place}.",
                    depth=depth + 1,
                )
            )
        one.blank = form_fields(
            model.model_fields,
            {},
            tr=tr,
            prefix=f"{one.name}.__{depth}__.",
            depth=depth + 1,
        )
    elif one.kind is Kind.SECRET:
        one.kept = isinstance(value, SecretStr) and bool(value.get_secret_value())
    elif one.kind is Kind.ADDRESS:
        one.kept = isinstance(value, HttpUrl)
        one.hint = f"{value.scheme}://{value.host}/\u2026" if isinstance(value, HttpUrl) else ""
    elif one.kind is Kind.CHOICES:
        one.choices = _choices(get_args(bare)[0], tr)
        one.several = tuple(str(each) for each in value or ())
    elif one.kind is Kind.CHOICE:
        one.choices = _choices(bare, tr)
        one.value = str(value)
    elif one.kind is Kind.SWITCH:
        one.value = "on" if value else ""
    elif one.kind is Kind.TIME:
        one.value = value.strftime("%H:%M") if isinstance(value, time) else str(value or "")
    elif one.kind is Kind.POINTS:
        one.value = format_points(value)
    elif one.kind is Kind.LIST:
        one.value = value if isinstance(value, str) else ", ".join(value or ())
    elif one.kind is Kind.NUMBER:
        one.value = (
            "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        )
    else:
        one.value = "" if value is None else str(value)
        if one.longest and one.longest > LONG_TEXT:
            one.kind = Kind.LONG


def format_points(value: Any) -> str:
    """Corners as text: x,y pairs separated by spaces."""
    if isinstance(value, str):
        return value
    return " ".join(
        ",".join(n if isinstance(n, str) else f"{n:.4g}" for n in point) for point in value or ()
    )


def _bound(one: FormField, info: FieldInfo, bare: Any) -> None:
    for mark in (*info.metadata, *_marks(info.annotation)):
        if isinstance(mark, Ge):
            one.minimum = f"{mark.ge:g}"
        elif isinstance(mark, Le):
            one.maximum = f"{mark.le:g}"
        elif isinstance(mark, MaxLen) and one.kind is not Kind.LIST:
            one.longest = mark.max_length
        elif isinstance(mark, StringConstraints):
            one.longest = mark.max_length or one.longest
    if one.kind is Kind.NUMBER:
        one.step = "1" if bare is int else "any"


def _bare(annotation: Any) -> Any:
    """An annotation without its constraints and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _marks(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _kind(bare: Any) -> Kind:
    if get_origin(bare) is Literal:
        return Kind.CHOICE
    if get_origin(bare) is tuple:
        inner = _bare(get_args(bare)[0])
        if get_origin(inner) is Literal:
            return Kind.CHOICES
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return Kind.ROWS
        return Kind.LIST if inner is str else Kind.POINTS
    known = {bool: Kind.SWITCH, int: Kind.NUMBER, float: Kind.NUMBER}
    known |= {SecretStr: Kind.SECRET, HttpUrl: Kind.ADDRESS, time: Kind.TIME}
    return known.get(bare, Kind.TEXT)


def _choices(literal: Any, tr: Translator) -> tuple[tuple[str, str], ...]:
    names = [str(each) for each in get_args(literal)]
    shown = languages() | {name: tr.gettext(text) for name, text in labels.CHOICES.items()}
    return tuple((name, shown.get(name, name)) for name in names)
