"""A YAML text that is to hold other values: only what has changed is written anew.

ruamel.yaml reads it, says where its parts are and writes values; everything else stays sign for
sign: comments, blank lines, order, quoting. (Its own writing of a whole document keeps comments
too, but ties each to what stands before it: whoever takes a camera out would lose the heading of
the next, and all is indented anew.)
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import YAMLError

from sentistream.monitor.settings.differences import Difference, Kind, Path, first_difference
from sentistream.monitor.settings.yamltext import (
    block,
    dump,
    indented,
    inline,
    is_plain,
    listed,
    load,
)
from sentistream.monitor.settings.yamltree import Part, parts_of

_MOST = 500
"""Changes after which something goes round in circles."""


class _UneditableError(Exception):
    """It cannot be done at this place."""


def edited(text: str, wanted: dict[str, Any]) -> str:
    """The text, changed so that it holds what is wanted.

    Args:
        text: YAML of a mapping, or nothing but comments.
        wanted: What it is to hold.
    """
    for _ in range(_MOST):
        held = load(text)
        change = first_difference({} if held is None else held, wanted)
        if change is None:
            return text
        changed = _made(text, change, wanted)
        if changed is None:
            break
        text = changed
    return dump(wanted)


def _made(text: str, change: Difference, wanted: dict[str, Any]) -> str | None:
    """With one change made, at the place itself or else further outside; None where neither."""
    tries = [change]
    for length in range(len(change.path) - 1, 0, -1):
        path = change.path[:length]
        tries.append(Difference(Kind.REPLACE, path, _at(wanted, path)))
    for one in tries:
        try:
            changed = _apply(text, one)
            held = load(changed)
            rest = first_difference(_at(held, one.path[:-1]), _at(wanted, one.path[:-1]))
        except (_UneditableError, YAMLError, LookupError, TypeError):
            continue
        if rest is None or (rest.kind, rest.path) != (one.kind, one.path[-1:]):
            return changed
    return None


def _at(values: Any, path: Path) -> Any:
    for step in path:
        values = values[step]
    return values


def _apply(text: str, change: Difference) -> str:
    whole = parts_of(text)
    if whole is None:
        return _below(text, len(text), dump({str(change.path[-1]): change.value}))
    held = whole
    for step in change.path[:-1]:
        held = _inner(held, step)
    if held.alias:
        raise _UneditableError
    if change.kind is Kind.ADD:
        return _add(text, held, change.path[-1], change.value)
    if change.kind is Kind.REMOVE:
        return _remove(text, held, change.path[-1], whole)
    if isinstance(change.path[-1], str) and held.at(change.path[-1]) is None:
        # it came from an anchor; what is said here itself wins
        return _add(text, held, change.path[-1], change.value)
    return _replace(text, _inner(held, change.path[-1]), change.value, whole)


def _inner(held: Part, step: str | int) -> Part:
    place = held.at(step) if isinstance(step, str) else step
    if place is None or place >= len(held.parts):
        raise _UneditableError
    return held.parts[place]


def _add(text: str, held: Part, step: str | int, value: Any) -> str:
    if not held.parts:
        # {} or []
        return _cut(text, held.start, held.end, _written(text, held, _group(step, value)))
    if held.flow:
        entry = inline(_group(step, value))[1:-1]
        if isinstance(step, int) and step < len(held.parts):
            return _cut(text, held.parts[step].start, held.parts[step].start, f"{entry}, ")
        return _cut(text, held.parts[-1].end, held.parts[-1].end, f", {entry}")
    lines = dump(_group(step, value)) if isinstance(step, str) else listed(value)
    if isinstance(step, int) and step == 0:
        start, column = _begin(text, held, 0)
        start = _own_comments(text, start, column)
        return text[:start] + indented(lines, column) + text[start:]
    last = held.parts[-1 if isinstance(step, str) else step - 1]
    return _below(text, last.end, indented(lines, _begin(text, held, 0)[1]))


def _remove(text: str, held: Part, step: str | int, whole: Part) -> str:
    place = held.at(step) if isinstance(step, str) else step
    if place is None or place >= len(held.parts):
        raise _UneditableError
    if len(held.parts) == 1:
        if held is whole:
            return _cut_lines(text, held, 0, whole)
        return _replace(text, held, {} if held.mapping else [], whole)
    part = held.parts[place]
    begin = held.keys[place][0].start if held.mapping else part.start
    if not held.flow and not _is_first_on_line(text, _begin(text, held, place)[0]):
        # it shares its line with the dash of a list
        return _free(text, begin, held.keys[1][0].start, "", whole)
    if not held.flow:
        return _cut_lines(text, held, place, whole)
    if place + 1 < len(held.parts):
        after = held.keys[place + 1][0] if held.mapping else held.parts[place + 1]
        return _free(text, begin, after.start, "", whole)
    return _free(text, held.parts[place - 1].end, part.end, "", whole)


def _cut_lines(text: str, held: Part, place: int, whole: Part) -> str:
    """Without an entry, its lines and the comments right above it."""
    begin, column = _begin(text, held, place)
    start = _own_comments(text, text.rfind("\n", 0, begin) + 1, column)
    end = _line_end(text, max(held.parts[place].end, begin))
    if text[:start].endswith("\n\n") and text[end : end + 1] == "\n":
        end += 1
    return _free(text, start, end, "", whole)


def _replace(text: str, part: Part, value: Any, whole: Part) -> str:
    start, written = part.start, _written(text, part, value)
    if (part.mapping or part.sequence) and not part.flow and is_plain(value):
        # lines of a list may stand as far left as their key; what comes instead may not
        before = text[:start].rstrip()
        start, written = (len(before) if before[-1:] in (":", "-") else start), f"  {written}"
        written = written[1:] if start < part.start else written
    return _free(text, start, part.end, written, whole)


def _written(text: str, part: Part, value: Any) -> str:
    """A value as it is written in a part's place."""
    space = "" if text[: part.start][-1:] in ("", " ", "\n", "[", "{") else " "
    in_line = part.within or bool(part.flow and part.parts)
    if in_line or is_plain(value):
        told = value if isinstance(value, str) and value.isprintable() else None
        if told is not None and part.style == "'":
            return space + "'" + told.replace("'", "''") + "'"
        if told is not None and part.style == '"':
            return space + '"' + told.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return space + inline(value)
    line = text.rfind("\n", 0, part.start) + 1
    if not text[line : part.start].strip():
        return block(value, part.start - line).lstrip(" ").removesuffix("\n")
    indent = len(text[line : part.start]) - len(text[line : part.start].lstrip(" -"))
    return "\n" + block(value, indent + 2).removesuffix("\n")


def _free(text: str, start: int, end: int, written: str, whole: Part) -> str:
    """What lies between is replaced; anchors in it move to the first who needs them."""
    inner = [part for part in whole.walk() if start <= part.start < end]
    held = {part.anchor: text[part.start : part.end] for part in inner if part.anchor}
    result = _cut(text, start, end, written)
    moved = len(result) - len(text)
    needed: set[str] = set()
    for part in whole.walk():
        if part.alias in held and part.start >= end and part.alias not in needed:
            needed.add(part.alias)
            value = load(held[part.alias]) if "*" not in held[part.alias] else None
            if value is None:
                raise _UneditableError
            inlined = f"&{part.alias} {inline(value)}"
            result = _cut(result, part.start + moved, part.end + moved, inlined)
            moved += len(inlined) - (part.end - part.start)
    return result


def _cut(text: str, start: int, end: int, written: str) -> str:
    if written.startswith("\n"):
        start = len(text[:start].rstrip(" "))
    return text[:start] + written + text[end:]


def _below(text: str, offset: int, block: str) -> str:
    """With lines put in beneath the one in which an offset is."""
    end = _line_end(text, offset)
    gap = "" if end == 0 or text[end - 1] == "\n" else "\n"
    return text[:end] + gap + block + text[end:]


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def _begin(text: str, held: Part, place: int) -> tuple[int, int]:
    """Where an entry of a block begins, with its key or its dash, and in which column."""
    if held.mapping:
        start = held.keys[place][0].start
        return start, start - text.rfind("\n", 0, start) - 1
    start = len(text[: held.parts[place].start].rstrip()) - 1
    if text[start : start + 1] != "-":
        raise _UneditableError
    return start, start - text.rfind("\n", 0, start) - 1


def _is_first_on_line(text: str, offset: int) -> bool:
    return not text[text.rfind("\n", 0, offset) + 1 : offset].strip()


def _own_comments(text: str, start: int, column: int) -> int:
    """Where the comments begin that stand right above a line, in the same column.

    Those at the top of all are about the whole file.
    """
    line = begin = text.rfind("\n", 0, start) + 1
    while begin:
        before = text.rfind("\n", 0, begin - 1) + 1
        if not re.match(rf" {{{column}}}#", text[before:begin]):
            return begin
        begin = before
    return line


def _group(step: str | int, value: Any) -> Any:
    return {step: value} if isinstance(step, str) else [value]
