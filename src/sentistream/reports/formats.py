"""The formats in which ``analyze`` can write readings, and their dependencies; loads nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

from sentistream import parquet
from sentistream.errors import MissingExtraError

EXTRA = "formats"
"""The extra for the formats of other programs."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        file: The name of its file.
        description: What it is, for ``--help``.
        module: The third-party module that writes it, if any.
        extra: The extra that installs it.
    """

    file: str
    description: str
    module: str = ""
    extra: str = EXTRA

    @property
    def is_available(self) -> bool:
        """Whether its dependencies are installed."""
        return not self.module or importlib.util.find_spec(self.module) is not None


FORMATS = {
    "csv": Format("readings.csv", "a table; always written"),
    "parquet": Format(
        "readings.parquet",
        "the same with types; written unless pyarrow is missing",
        "pyarrow",
        parquet.EXTRA,
    ),
    "jsonl": Format("readings.jsonl", "JSON Lines: one object per row of the table"),
    "xlsx": Format("readings.xlsx", "an Excel workbook", "xlsxwriter"),
    "eaf": Format("readings.eaf", "tiers of annotations for ELAN", "pympi"),
    "textgrid": Format("readings.TextGrid", "the same for Praat", "pympi"),
    "vtt": Format("readings.vtt", "WebVTT subtitles"),
    "srt": Format("readings.srt", "SubRip subtitles"),
}
"""By the name that ``--format`` takes."""


def check_formats(names: Iterable[str]) -> None:
    """Reject formats that cannot be written here.

    Raises:
        MissingExtraError: A dependency is not installed.
    """
    for name in names:
        if not FORMATS[name].is_available:
            raise MissingExtraError(f"Writing {FORMATS[name].file}", FORMATS[name].extra)
