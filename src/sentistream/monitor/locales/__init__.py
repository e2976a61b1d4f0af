"""The catalogues of the monitor's pages: one ``<language>.po`` each; English is in the source."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Literal

SOURCE = "en"
"""The language of the source, which needs no catalogue."""

FOLDER = resources.files(__name__)

LANGUAGES = (
    SOURCE,
    *sorted(
        file.name.removesuffix(".po") for file in FOLDER.iterdir() if file.name.endswith(".po")
    ),
)

if TYPE_CHECKING:
    Language = str
else:
    Language = Literal[LANGUAGES]
"""The code of an available language."""
