"""Values from YAML and as YAML (1.2), by ruamel.yaml."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq


def load(text: str) -> Any:
    """The values of a text: plain ones, whatever tags it has.

    Raises:
        ruamel.yaml.YAMLError: It is no YAML (1.2), says something twice, or has a tag of others.
    """
    return YAML(typ="safe", pure=True).load(text)


def dump(values: dict[str, Any]) -> str:
    """Values as a text of their own."""
    stream = io.StringIO()
    writer = YAML()
    writer.width = 10**6
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(_styled(values), stream)
    return stream.getvalue()


def block(value: Any, column: int) -> str:
    """A group or a list of groups in lines of its own."""
    block = "".join(map(listed, value)) if isinstance(value, list) else dump(value)
    return indented(block, column)


def listed(value: Any) -> str:
    """An entry of a list, with its dash."""
    inner = (
        indented(dump(value), 2) if isinstance(value, dict) and value else f"  {inline(value)}\n"
    )
    return f"-{inner[1:]}"


def indented(block: str, column: int) -> str:
    """Lines moved to the right."""
    return "".join(
        f"{' ' * column}{line}" if line.strip() else line for line in block.splitlines(True)
    )


def inline(value: Any) -> str:
    """In one line, fit to stand within brackets."""
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.width = 10**6
    writer.default_flow_style = True
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    # within a mapping: a list's only group would lose its braces
    writer.dump({"_": value}, stream)
    return stream.getvalue().strip().removeprefix("{_: ").removesuffix("}")


def is_plain(value: Any) -> bool:
    """Whether one line will do: for what is no group of settings and holds none."""
    if isinstance(value, list):
        return not any(isinstance(each, dict) for each in value)
    return not value or not isinstance(value, dict)


def _styled(value: Any) -> Any:
    """Lists without groups in brackets, everything else in lines of its own."""
    if isinstance(value, dict):
        return CommentedMap({key: _styled(each) for key, each in value.items()})
    if isinstance(value, list):
        listed = CommentedSeq(_styled(each) for each in value)
        if is_plain(value):
            listed.fa.set_flow_style()
        return listed
    return value
