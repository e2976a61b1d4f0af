"""Loads settings: each layer overrides the ones below it, group by group.

From the top: the command line, environment variables, the overlay of changes made on the page
(see ``overlay``), the owner's YAML file, and the defaults.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from sentistream.errors import InputError
from sentistream.monitor.settings.overlay import applicable_changes, merge_patch, overlay_path
from sentistream.monitor.settings.settings_model import ENV_PREFIX, Settings
from sentistream.monitor.settings.settings_yaml import read_text, read_values
from sentistream.monitor.settings.validation_messages import Layer, validation_messages
from sentistream.translatable import Translatable


class InvalidSettingsError(InputError):
    """Settings are unknown, missing or out of their bounds.

    Attributes:
        messages: One sentence for each.
    """

    messages: tuple[str, ...] = ()


def load_settings(
    path: Path | None, overrides: Mapping[str, Any] | None = None, *, optional: bool = False
) -> Settings:
    """Loads and validates the settings.

    Args:
        path: The owner's YAML file; the overlay is looked for beside it. None for neither.
        overrides: What the command line says, as nested mappings.
        optional: Whether the YAML file may be missing.

    Raises:
        InvalidSettingsError: A setting is unknown, missing or out of its bounds.
        InputError: A file is missing, cannot be read or is not YAML.
    """
    layers = [
        Layer("The command line", overrides or {}),
        Layer(f"The environment ({ENV_PREFIX}...)", _environment()),
    ]
    owned = Layer("", {})
    if path is not None:
        if path.exists() or not optional:
            owned = _read_layer(path)
        if overlay_path(path).exists():
            overlay = _read_layer(overlay_path(path))
            applicable = applicable_changes(owned.values, overlay.values)
            layers.append(dataclasses.replace(overlay, values=applicable))
    layers.append(owned)
    try:
        return build_settings(*(layer.values for layer in reversed(layers)))
    except ValidationError as error:
        messages = tuple(validation_messages(error, layers))
        invalid = InvalidSettingsError(
            Translatable("The settings are not valid. {problems}", problems=" ".join(messages)),
            "docs/settings.md lists every setting and its bounds.",
        )
        invalid.messages = messages
        raise invalid from None


def build_settings(*layers: Mapping[str, Any]) -> Settings:
    """Settings only from layers, without files or the environment.

    Args:
        layers: Values by field, plain or as in other settings. Each overrides the ones before it,
            group by group; None removes their values.

    Raises:
        pydantic.ValidationError: A value is unknown, out of its bounds, or conflicts with others.
    """
    values = dict(layers[0])
    for layer in layers[1:]:
        values = merge_patch(values, layer)
    validated = _LayeredSettings(**values)
    return Settings.model_construct(
        **{name: getattr(validated, name) for name in Settings.model_fields}
    )


def _read_layer(path: Path) -> Layer:
    text = read_text(path)
    return Layer(str(path), read_values(path, text), text)


def _environment() -> dict[str, Any]:
    try:
        return dict(EnvSettingsSource(Settings)())
    except SettingsError:
        raise InputError(
            "An environment variable for a group of settings is not JSON.",
            Translatable("Check those that begin with {prefix}.", prefix=ENV_PREFIX),
        ) from None


class _LayeredSettings(Settings):
    """Reads nothing but its arguments: the environment is one of the layers."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)
