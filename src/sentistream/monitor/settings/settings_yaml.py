"""Reads and writes YAML (1.2) settings files, with ruamel.yaml."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, SequenceNode

from sentistream.errors import InputError
from sentistream.translatable import Translatable

MAX_BYTES = 1_000_000
"""The largest settings file that is read, bytes."""


def read_text(path: Path) -> str:
    """The text of a settings file.

    Raises:
        InputError: It is missing, too large, or cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                Translatable("{path} is too large for settings.", path=path),
                "Name a YAML file of settings.",
            )
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(
            Translatable("There is no file {path}.", path=path), "Check the path after --config."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Translatable("{path} cannot be read ({words}).", path=path, words=error),
            "See who owns it.",
        ) from None


def read_values(path: Path, text: str) -> dict[str, Any]:
    """The settings in a text; tags are rejected.

    Raises:
        InputError: It is not YAML, repeats a key, has a tag, or is not a mapping; names the line.
    """
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise _not_yaml(path, error) from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise InputError(
            Translatable("{path} holds no settings.", path=path), "Write them as name: value."
        )
    return values


def _not_yaml(path: Path, error: YAMLError) -> InputError:
    where = getattr(error, "problem_mark", None)
    line = Translatable(" in line {number}", number=where.line + 1) if where is not None else ""
    if isinstance(error, DuplicateKeyError):
        return InputError(
            Translatable("{path} repeats a key{line}.", path=path, line=line),
            "Remove one of the two.",
        )
    if isinstance(error, ConstructorError):
        return InputError(
            Translatable("{path} contains a tagged value{line}.", path=path, line=line),
            "Remove tags: words that begin with !.",
        )
    return InputError(
        Translatable("{path} is not YAML{line}.", path=path, line=line),
        "Indent with spaces, name: value.",
    )


def write_text(values: dict[str, Any], comment: str) -> str:
    """Values as YAML, below a comment."""
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 10**6
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(values, stream)
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    return lines + stream.getvalue()


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) of a value's key, or of the innermost key above it that exists.

    Args:
        text: YAML that ``read_values`` accepts.
        path: Keys and indices from the outside in.
    """
    node = YAML(typ="safe", pure=True).compose(text)
    line: int | None = None
    for part in path:
        found = None
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    found, line = value, key.start_mark.line + 1
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line
