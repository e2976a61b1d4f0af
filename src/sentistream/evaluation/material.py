"""What lies in a user's folder that a task can be measured on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sentistream.datasets.corpus_people import sex_of
from sentistream.datasets.labels import class_number
from sentistream.datasets.manifest import Item
from sentistream.datasets.recordings import Recording, java_sed, ravdess
from sentistream.errors import DataError

_READERS: dict[str, Callable[[Path, tuple[str, ...]], list[Recording]]] = {
    "ravdess": ravdess,
    "java-sed": java_sed,
}
_SUFFIXES = {"clips": (".mp4",), "voices": (".flac", ".wav")}
_WITH_SOUND_AND_PICTURE = "01"

TASKS = tuple(_SUFFIXES)
"""Tasks that data sets can be found for."""


def find_items(folder: Path, task: str) -> tuple[list[Item], int]:
    """RAVDESS and Java-SED recordings below a folder, and how many others were left out.

    Left out are emotions outside the three classes. Items are grouped by ``sex`` and
    ``source``; RAVDESS clips without sound are passed over.

    Raises:
        DataError: There are none.
        ValueError: The task needs something else than recordings.
    """
    if task not in _SUFFIXES:
        raise ValueError(f"Recordings do not serve the task {task}.")
    items, outside = [], 0
    for source, read in _READERS.items():
        try:
            recordings = read(folder, _SUFFIXES[task])
        except DataError:  # the other data set may be there
            continue
        for recording in recordings:
            if source == "ravdess" and task == "clips" and not _has_both(recording.path):
                continue
            if recording.sentiment is None:
                outside += 1
                continue
            groups = {"sex": sex_of(recording.person), "source": source}
            label = class_number(recording.sentiment)
            items.append(Item(recording.path, label, recording.person, source, groups))
    if not items:
        raise DataError(
            f"There are no {task} of RAVDESS or Java-SED below {folder}.",
            "Name the folder that holds them, or name your own material with --manifest.",
        )
    return items, outside


def _has_both(path: Path) -> bool:
    return path.stem.split("-")[0] == _WITH_SOUND_AND_PICTURE
