"""Sentences that keep their template and values, so that they can be said in another language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self


class Translatable(str):
    """An English sentence made of a template; a plain ``str`` for whoever does not translate.

    ``Translatable("{path} is a folder.", path=path)`` reads ``/tmp is a folder.``; a catalogue has
    it under its template. Values that are ``Translatable`` are translated, too, others are not.
    It survives pickling, so processes can hand it to each other.

    Attributes:
        template: The English template, with ``{name}`` for each value; the catalogues' ``msgid``.
        values: What is filled in, by name.
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
        """The same with every value changed, for instance rid of secrets.

        Where the sentence as a whole would be changed further, it is no longer translatable.
        """
        made = type(self)(self.template, **{n: _mapped(v, change) for n, v in self.values.items()})
        whole = change(str(made))
        return made if whole == str(made) else Translatable(whole)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self.template, dict(self.values))


def sentences(*parts: str, separator: str = " ") -> str:
    """Sentences one after another, each still translatable; empty ones are left out."""
    given = [
        part if isinstance(part, Translatable) else Translatable(part) for part in parts if part
    ]
    if len(given) < 2:
        return given[0] if given else ""
    names = [f"s{number}" for number in range(len(given))]
    template = separator.join(f"{{{name}}}" for name in names)
    return Translatable(template, **dict(zip(names, given, strict=True)))


def _plain(value: object) -> object:
    """Values travel between processes: numbers, sentences and text alone."""
    return value if isinstance(value, Translatable | int | float) else str(value)


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, Translatable):
        return value.mapped(change)
    return change(value) if isinstance(value, str) else value


def _unpickle(kind: type[Translatable], template: str, values: dict[str, object]) -> Translatable:
    return kind(template, **values)
