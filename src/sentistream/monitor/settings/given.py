"""Settings from what is given, and from nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from sentistream.monitor.settings.model import Settings


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Checked settings; the environment has no part in them.

    Args:
        values: By field, plain or as they are in other settings; what lacks has its default.

    Raises:
        pydantic.ValidationError: A value is unknown, out of its bounds, or does not fit others.
    """
    given = _Given(**values)
    return Settings.model_construct(
        **{name: getattr(given, name) for name in Settings.model_fields}
    )


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
