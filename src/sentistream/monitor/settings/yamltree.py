"""Where in a YAML text its parts are: offsets of the first sign and of the one after the last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

_AROUND = (StreamStartEvent, StreamEndEvent, DocumentStartEvent, DocumentEndEvent)


@dataclass(slots=True, kw_only=True)
class Part:
    """A value with its place.

    Attributes:
        start, end: Offsets of its text; what follows it, comments and blanks, is not in it.
        flow: Whether it is written in braces or brackets, or within such.
        within: Whether it lies within such.
        keys: Of a mapping: each key's part and text, in order.
        parts: A mapping's values in the order of its keys, or a list's entries.
        mapping, sequence: What it is; a scalar or an alias is neither.
        anchor: Its own name for aliases.
        alias: The anchor that it stands for.
        style: How a scalar is quoted: "'", '"', '|', '>' or nothing.
    """

    start: int
    end: int
    flow: bool = False
    within: bool = False
    keys: list[tuple[Part, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    mapping: bool = False
    sequence: bool = False
    anchor: str = ""
    alias: str = ""
    style: str = ""

    def at(self, key: str) -> int | None:
        """The place of a mapping's own key; None where it has none such."""
        return next((place for place, (_, name) in enumerate(self.keys) if name == key), None)

    def walk(self) -> Iterator[Part]:
        """Itself and all within, in the order of the text."""
        yield self
        for place, part in enumerate(self.parts):
            if self.mapping:
                yield self.keys[place][0]
            yield from part.walk()


def parts_of(text: str) -> Part | None:
    """The whole of a text; None where it holds nothing.

    Raises:
        ruamel.yaml.YAMLError: It is no YAML.
    """
    events = (event for event in YAML(typ="safe", pure=True).parse(text))
    inner = iter([event for event in events if not isinstance(event, _AROUND)])
    first = next(inner, None)
    return None if first is None else _part(first, inner, text, flow=False)


def _part(event: Any, events: Iterator[Any], text: str, *, flow: bool) -> Part:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Part(start=start, end=end, flow=flow, within=flow, alias=str(event.anchor))
    anchor = str(event.anchor or "")
    if isinstance(event, ScalarEvent):
        # texts of several lines end where the next begins
        end = start + len(text[start:end].rstrip())
        style = str(event.style or "")
        return Part(start=start, end=end, flow=flow, within=flow, anchor=anchor, style=style)
    within, flow = flow, flow or bool(event.flow_style)
    made = Part(start=start, end=start, flow=flow, within=within, anchor=anchor)
    if isinstance(event, MappingStartEvent):
        made.mapping = True
        for inner in iter(events.__next__, None):
            if isinstance(inner, MappingEndEvent):
                break
            key = _part(inner, events, text, flow=flow)
            name = inner.value if isinstance(inner, ScalarEvent) else ""
            made.keys.append((key, str(name)))
            part = _part(next(events), events, text, flow=flow)
            if part.start == part.end:
                # nothing is said to be where the next begins
                part.start = part.end = text.index(":", key.end) + 1
            made.parts.append(part)
    elif isinstance(event, SequenceStartEvent):
        made.sequence = True
        for inner in iter(events.__next__, None):
            if isinstance(inner, SequenceEndEvent):
                break
            made.parts.append(_part(inner, events, text, flow=flow))
    made.end = inner.end_mark.index if flow else max(part.end for part in made.parts)
    return made
