"""Sentences that keep their template and values, so that they can be translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self


class Translatable(str):
    """An English sentence made from a template; a plain ``str`` where nothing is translated.

    ``Translatable("{path} is a folder.", path=path)`` reads ``/tmp is a folder.``; catalogues list
    it under its template. Values that are ``Translatable`` are translated, too, others are not.
    It can be pickled, and so passed between processes.

    Attributes:
        template: The English template, with ``{name}`` for each value; the catalogues' ``msgid``.
        values: The values to fill in, by name.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = {name: _plain(value) for name, value in values.items()}
        return made

    def mapped(self, change: Callable[[str], str]) -> Translatable:
        """The sentence with every value changed, for instance with secrets removed.

        If the sentence itself would change as well, it is no longer translatable.
        """
        made = type(self)(self.template, **{n: _mapped(v, change) for n, v in self.values.items()})
        whole = change(str(made))
        return made if whole == str(made) else Translatable(whole)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self.template, dict(self.values))


def sentences(*parts: str, separator: str = " ") -> str:
    """Concatenates sentences, each still translatable; empty ones are dropped."""
    given = [
        part if isinstance(part, Translatable) else Translatable(part) for part in parts if part
    ]
    if len(given) < 2:
        return given[0] if given else ""
    names = [f"s{number}" for number in range(len(given))]
    template = separator.join(f"{{{name}}}" for name in names)
    return Translatable(template, **dict(zip(names, given, strict=True)))


def _plain(value: object) -> object:
    """Values must be passed between processes: only numbers, sentences and text."""
    return value if isinstance(value, Translatable | int | float) else str(value)


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, Translatable):
        return value.mapped(change)
    return change(value) if isinstance(value, str) else value


def _unpickle(kind: type[Translatable], template: str, values: dict[str, object]) -> Translatable:
    return kind(template, **values)
