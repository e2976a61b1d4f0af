"""The document of all settings, and their schema, made from the model itself."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from sentistream.monitor.settings.base import Key
from sentistream.monitor.settings.model import ENVIRONMENT, Settings

SOURCE = "python -m sentistream.monitor.settings.documentation"
"""How the document is made anew."""

_INTRODUCTION = f"""\
# Settings of the monitor

<!-- made by `{SOURCE}`; change the model, not this file -->

Every setting has a default; a file of settings names only what differs. They come from, each
before the next: the command line, environment variables, the YAML file given with `--config`,
and the defaults below. What is not known or out of its bounds is refused in one sentence.

```yaml
cameras:
  entrance:
    name: Entrance
    source: rtsp://viewer:password@192.168.1.20/stream2
    hours:
      - days: [mon, tue, wed, thu, fri, sat]
        begin: "09:00"
        end: "20:00"
    zones:
      - name: till
        masked: always
        points: [[0.7, 0.4], [1.0, 0.4], [1.0, 1.0], [0.7, 1.0]]
privacy:
  controller: Example Ltd, 1 Market Street
  contact: privacy@example.org
  purpose: To see at which hours customers are served well.
alerts:
  - key: bad-mood
    name: Bad mood
    sentiment: negative
    limit: 0.4
    minutes: 10
```

An environment variable begins with `{ENVIRONMENT}`, then the names joined by two underscores:
`{ENVIRONMENT}SERVER__PORT=8080`. Lists and cameras are given as JSON:
`{ENVIRONMENT}CAMERAS='{{"door": {{"source": "0"}}}}'`.

The file holds passwords: it is written so that only its owner can read it. The page changes the
same file. For editors, the JSON Schema is printed by `{SOURCE} --schema`.
"""

_KEY_PATTERN = get_args(Key)[1].pattern


def document() -> str:
    """``docs/settings.md``.

    Raises:
        ValueError: A setting has no title or no description.
    """
    sections = [_INTRODUCTION, _section("All settings", (), Settings)]
    for path, model in _groups(Settings):
        sections.append(_section(_shown(path), path, model))
    return "\n".join(sections)


def schema() -> dict[str, Any]:
    """The settings as JSON Schema (2020-12), for editors and forms."""
    made = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def undocumented() -> list[str]:
    """Settings without a title or a description; empty when all is well."""
    models: list[tuple[tuple[str, ...], type[BaseModel]]] = [((), Settings), *_groups(Settings)]
    return [
        _shown((*path, name))
        for path, model in models
        for name, field in model.model_fields.items()
        if not (field.title and field.description)
    ]


def _groups(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """Each group within, depth first, with its path; ``*`` for each of several."""
    for name, field in model.model_fields.items():
        inner, several = _inner_model(field.annotation)
        if inner is None:
            continue
        here = (*path, name, *(("*",) if several else ()))
        yield here, inner
        yield from _groups(inner, here)


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) in (dict, tuple):
        for argument in get_args(annotation):
            inner, _ = _inner_model(argument)
            if inner is not None:
                return inner, True
    return None, False


def _section(title: str, path: tuple[str, ...], model: type[BaseModel]) -> str:
    depth = sum(name != "*" for name in path)
    lines = [f"{'#' * max(2, depth + 1)} {title}", ""]
    if path and model.__doc__:
        lines += [model.__doc__.strip().splitlines()[0], ""]
    lines += ["| setting | what it is | allowed | default |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if not (field.title and field.description):
            raise ValueError(f"{_shown((*path, name))} has no title or description.")
        lines.append(
            f"| `{name}` | **{field.title}.** {field.description} "
            f"| {_allowed(field)} | {_default(field)} |".replace("\n", " ")
        )
    return "\n".join(lines) + "\n"


def _shown(path: tuple[str, ...]) -> str:
    return ".".join(path)


def _allowed(field: FieldInfo) -> str:
    """The kind of value and its bounds, in words."""
    words = [_kind(field.annotation)]
    limits: dict[type, str] = {Ge: "≥ {}", Gt: "> {}", Le: "≤ {}", Lt: "< {}"}
    for each in field.metadata:
        for kind, form in limits.items():
            if isinstance(each, kind):
                words.append(form.format(_number(getattr(each, kind.__name__.lower()))))
        # of lists and of text alike
        if shortest := getattr(each, "min_length", None):
            words.append(f"at least {shortest}")
        if longest := getattr(each, "max_length", None):
            words.append(f"at most {longest}")
        pattern = getattr(each, "pattern", None)
        if pattern == _KEY_PATTERN:
            words.append("small letters, digits and inner hyphens, at most 40")
        elif pattern:
            words.append(f"like `{str(pattern).replace('|', chr(92) + '|')}`")
    return ", ".join(words)


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
        return _kind(get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(each) for each in get_args(annotation))
    if origin is dict:
        return "groups by their keys"
    if origin is tuple:
        arguments = get_args(annotation)
        if _inner_model(annotation)[0] is not None:
            return "list of groups"
        if arguments[-1] is Ellipsis:
            return f"list of {_kind(arguments[0])}"
        return f"[{', '.join(_kind(each) for each in arguments)}]"
    return "group"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, time):
        return f"`{value:%H:%M}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(str(each) for each in value) + "]`"
    return f"`{_number(value)}`"


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(schema(), indent=2) if "--schema" in sys.argv else document(), end="")
