"""Settings changed from the page: validated as a whole, then put into force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentistream.monitor.page.state import PageState
from sentistream.monitor.settings import Settings, build_settings


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
        kept = {name: getattr(now, name) for name in Settings.model_fields}
        page.services.configuration.change(build_settings(kept | change(now)))
