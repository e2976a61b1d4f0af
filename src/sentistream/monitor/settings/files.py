"""Settings from and to a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError
from ruamel.yaml.error import YAMLError

from sentistream.errors import InputError
from sentistream.monitor.settings.differences import changed
from sentistream.monitor.settings.editing import edited
from sentistream.monitor.settings.given import environment, settings_of
from sentistream.monitor.settings.model import Settings
from sentistream.monitor.settings.whole import write_whole
from sentistream.monitor.settings.yamltext import dump, load
from sentistream.translatable import Translatable

MAX_BYTES = 1_000_000
"""A configuration larger than this is none."""


def load_settings(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        path: A YAML file; None for none.
        overrides: What the command line says, as nested mappings; wins over everything.

    Raises:
        InputError: The file cannot be read, or a setting is unknown or out of its bounds; says
            which, where, and what would do.
    """
    from_file = _values(_read(path), path) if path is not None else {}
    try:
        return settings_of(from_file, environment(), overrides or {})
    except ValidationError as error:
        raise InputError(
            Translatable(
                "The settings{place} are not right: {problems}.",
                place=f" in {path}" if path else "",
                problems=_told(error),
            ),
            "docs/settings.md has every setting with its bounds.",
        ) from None


def save_settings(settings: Settings, path: Path, *, before: Settings | None = None) -> None:
    """Writes settings that differ from the defaults.

    The file is whole afterwards, or as it was. One that is new is for its owner alone; one that
    was there keeps its permissions, and a link goes on leading to it.

    Args:
        settings: What is to be in force.
        path: The YAML file.
        before: What was in force. Then only what has changed is written into what the file holds:
            neither the environment nor the command line find their way into it, and everything
            else in it stays as it was written, comments included.

    Raises:
        OutputError: It cannot be written.
        InputError: The file as it is cannot be read.
    """
    plain = _plain(settings)
    if before is None:
        write_whole(path, dump(plain))
        return
    text = _read(path) if path.exists() else ""
    ends = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    wanted = changed(_values(text, path), _plain(before), plain)
    write_whole(path, edited(text, wanted).replace("\n", ends))


def _plain(settings: Settings) -> dict[str, Any]:
    plain: dict[str, Any] = _revealed(settings.model_dump(mode="python", exclude_defaults=True))
    return plain


def _read(path: Path) -> str:
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


def _values(text: str, path: Path) -> dict[str, Any]:
    try:
        values = load(text)
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
            Translatable("{path} says something twice{line}.", path=path, line=line),
            "Leave one of the two.",
        )
    if isinstance(error, ConstructorError):
        return InputError(
            Translatable("{path} holds what is no plain value{line}.", path=path, line=line),
            "Leave out tags: words after !.",
        )
    return InputError(
        Translatable("{path} is not YAML{line}.", path=path, line=line),
        "Indent with spaces, name: value.",
    )


def _told(error: ValidationError) -> str:
    told = []
    for one in error.errors(include_url=False, include_input=False)[:3]:
        where = ".".join(str(part) for part in one["loc"]) or Translatable("as a whole")
        told.append(f"{where}: {one['msg'].removeprefix('Value error, ').lower()}")
    return "; ".join(told)


def _revealed(value: Any) -> Any:
    """Plain values for YAML, secrets as they are."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _revealed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, time):
        return value.isoformat("auto" if value.second or value.microsecond else "minutes")
    return str(value)
