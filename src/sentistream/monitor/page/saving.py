"""Settings changed from the page: validated as a whole, then put into force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from sentistream.monitor.page.state import PageState
from sentistream.monitor.settings import Settings


class _Given(Settings):
    """Settings from what is given alone; the environment has had its say at the start."""

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


def save(page: PageState, change: Callable[[Settings], dict[str, Any]]) -> None:
    """Changes some of the settings.

    Args:
        page: Whose settings.
        change: Given the settings as they are, says what is to be different, by field.

    Raises:
        ValidationError: They would not fit together.
        OutputError: Their file cannot be written; everything stays as it was.
    """
    with page.saving:
        now = page.services.configuration.settings
        given = _Given(
            **({name: getattr(now, name) for name in Settings.model_fields} | change(now))
        )
        page.services.configuration.change(
            Settings.model_construct(
                **{name: getattr(given, name) for name in Settings.model_fields}
            )
        )
