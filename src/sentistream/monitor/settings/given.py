"""Settings from layers of values: the only place that says where they may come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from sentistream.errors import InputError
from sentistream.monitor.settings.model import Settings


def settings_of(*layers: Mapping[str, Any]) -> Settings:
    """Checked settings; the environment has no part in them but where it is given.

    Args:
        layers: Values by field, plain or as they are in other settings; later ones win, group by
            group. What lacks has its default.

    Raises:
        pydantic.ValidationError: A value is unknown, out of its bounds, or does not fit others.
    """
    values: Mapping[str, Any] = {}
    for layer in layers:
        values = _over(values, layer)
    given = _Given(**values)
    return Settings.model_construct(
        **{name: getattr(given, name) for name in Settings.model_fields}
    )


def environment() -> dict[str, Any]:
    """What the environment's variables say.

    Raises:
        InputError: One that is to hold JSON does not.
    """
    try:
        return dict(EnvSettingsSource(Settings)())
    except SettingsError:
        raise InputError(
            "A variable of the environment for a whole group of settings is not JSON.",
            "Look at those that begin with SENTISTREAM_MONITOR_.",
        ) from None


def _over(beneath: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(beneath)
    for key, value in above.items():
        held = result.get(key)
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            value = _over(held, value)
        result[key] = value
    return result


class _Given(Settings):
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
