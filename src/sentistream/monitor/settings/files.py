"""Settings from and to a YAML file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from sentistream.errors import InputError, OutputError
from sentistream.monitor.settings.model import Settings

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
    from_file = _read(path) if path is not None else {}

    class _Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, _Given(settings_cls, from_file)

    try:
        layered = _Layered(**(dict(overrides or {})))
    except ValidationError as error:
        raise InputError(
            f"The settings{f' in {path}' if path else ''} are not right: {_told(error)}.",
            "docs/settings.md has every setting with its bounds.",
        ) from None
    return Settings.model_construct(
        **{name: getattr(layered, name) for name in Settings.model_fields}
    )


def save_settings(settings: Settings, path: Path, *, before: Settings | None = None) -> None:
    """Writes settings that differ from the defaults, readable by the file's owner alone.

    The file is whole afterwards, or as it was. Comments in it are not kept.

    Args:
        settings: What is to be in force.
        path: The YAML file.
        before: What was in force. Then only what has changed is written into what the file holds:
            neither the environment nor the command line find their way into it.

    Raises:
        OutputError: It cannot be written.
        InputError: The file as it is cannot be read.
    """
    plain = _plain(settings)
    if before is not None and path.exists():
        plain = _changed(_read(path), _plain(before), plain)
    elif before is not None:
        plain = _changed({}, _plain(before), plain)
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    unfinished: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        unfinished = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).", "See who owns its folder."
        ) from None


def _plain(settings: Settings) -> dict[str, Any]:
    plain: dict[str, Any] = _revealed(settings.model_dump(mode="python", exclude_defaults=True))
    return plain


def _changed(held: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What is held, with the changes from ``old`` to ``new`` made in it."""
    result = {key: value for key, value in held.items() if key in new or key not in old}
    for key, value in new.items():
        before, inside = old.get(key), result.get(key)
        if value == before:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            result[key] = _changed(inside if isinstance(inside, dict) else {}, before, value)
        else:
            result[key] = value
    return result


class _Given(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is too large for settings.", "Name a YAML file of settings.")
        values = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", "Check the path after --config.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}).", "See who owns it.") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where is not None else ""
        raise InputError(f"{path} is not YAML{line}.", "Indent with spaces, name: value.") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise InputError(f"{path} holds no settings.", "Write them as name: value.")
    return values


def _told(error: ValidationError) -> str:
    told = []
    for one in error.errors(include_url=False, include_input=False)[:3]:
        where = ".".join(str(part) for part in one["loc"]) or "as a whole"
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
    return str(value)
