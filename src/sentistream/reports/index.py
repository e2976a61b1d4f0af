"""``summary.csv``: one row per clip, for runs over several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentistream.reports.csv_style import PLAIN, CsvStyle
from sentistream.reports.files import GuardedFile, writing
from sentistream.types import SENTIMENTS

INDEX_COLUMNS = (
    "clip",
    "folder",
    "status",
    "problem",
    "label",
    *SENTIMENTS,
    "appearances",
    "moments",
    "moments_with_face",
    "seconds_analyzed",
    "mouth_open_share",
    "frames_per_second",
    "sure",
    "faces",  # deprecated name of appearances; the next version leaves it out
)


class ClipIndex:
    """Writes a clip's row as soon as the clip is done; a context manager.

    Args:
        path: The file; replaced where it exists, and its folder made.
        style: How it is written.
    """

    def __init__(self, path: Path, style: CsvStyle = PLAIN) -> None:
        self._style = style
        self._path = path

    def __enter__(self) -> ClipIndex:
        with writing(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = GuardedFile(self._path)
        self._write(dict(zip(INDEX_COLUMNS, INDEX_COLUMNS, strict=True)), self._style.mark)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, clip: str, folder: Path, facts: dict[str, Any]) -> None:
        """Add an analyzed clip by its summary.

        Raises:
            OutputError: It cannot be written.
        """
        overall = facts["overall"]
        self._write(
            {
                "clip": _harmless(clip),
                "folder": _harmless(str(folder)),
                "status": "complete" if facts["complete"] else "interrupted",
                "label": overall["label"],
                **overall["probabilities"],
                "appearances": facts["appearances"],
                "moments": facts["moments"],
                "moments_with_face": facts["moments_with_face"],
                "seconds_analyzed": facts["seconds_analyzed"],
                "mouth_open_share": facts["readings"]["mouth_open_share"],
                "frames_per_second": facts["speed"]["frames_per_second"],
                "sure": overall["sure"],
                "faces": facts["faces"],
            }
        )

    def add_failure(self, clip: str, problem: str) -> None:
        """Add a clip that could not be analyzed.

        Raises:
            OutputError: It cannot be written.
        """
        self._write({"clip": _harmless(clip), "status": "failed", "problem": problem})

    def _write(self, row: dict[str, Any], mark: str = "") -> None:
        text = mark + self._style.text([[row.get(name, "") for name in INDEX_COLUMNS]])
        with writing(self._path):
            self._file.write(text.encode("utf-8", "replace"))


def _harmless(path: str) -> str:
    """A path that a spreadsheet does not take for a formula; it still names the same file."""
    return f"./{path}" if path.startswith(("=", "+", "-", "@", "\t", "\r")) else path
