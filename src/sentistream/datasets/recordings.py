"""Recordings of one person saying one thing with one emotion, a file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sentistream.datasets.csv_lists import read_csv_list, resolve_listed_path
from sentistream.datasets.labels import SENTIMENT_OF_EMOTION, emotion_named
from sentistream.errors import DataError, InputError
from sentistream.folders import files_below
from sentistream.types import SENTIMENTS

RAVDESS_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
JAVA_SED_EMOTIONS = {
    "01": "neutral",
    "02": "sad",
    "03": "happy",
    "04": "surprised",
    "05": "fearful",
    "06": "angry",
}
_CORPUS_COLUMNS = ("path", "label", "emotion", "person", "corpus")

RAVDESS_DUPLICATES = frozenset({"03-01-03-01-02-01-07"})
"""Takes that duplicate another take under a second name."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file and what its name says.

    Attributes:
        path: The file.
        person: Who speaks; unique within the data set.
        emotion: One of ``EMOTIONS``; empty if it is none of them.
        labelled: The sentiment if it is known without an emotion; empty otherwise.
        corpus: The data set; by default the part of the person before the last dash.
    """

    path: Path
    person: str
    emotion: str
    labelled: str = ""
    corpus: str = ""

    def __post_init__(self) -> None:
        if not self.corpus:
            object.__setattr__(self, "corpus", self.person.rpartition("-")[0])

    @property
    def sentiment(self) -> str | None:
        """The emotion's sentiment; None if the three-class task leaves it out."""
        return SENTIMENT_OF_EMOTION.get(self.emotion, self.labelled or None)


def ravdess(folder: Path, suffixes: tuple[str, ...] = (".flac", ".wav", ".mp4")) -> list[Recording]:
    """RAVDESS recordings below ``folder``, known duplicates left out, sorted by name.

    Names are modality-channel-emotion-intensity-statement-repetition-actor.

    Raises:
        DataError: There is none.
    """
    recordings = [
        Recording(path, person=f"ravdess-{fields[6]}", emotion=RAVDESS_EMOTIONS[fields[2]])
        for path in _files(folder, suffixes)
        if path.stem not in RAVDESS_DUPLICATES
        and len(fields := path.stem.split("-")) == 7
        and fields[2] in RAVDESS_EMOTIONS
    ]
    return _some(recordings, folder, "RAVDESS", RAVDESS_EMOTIONS)


def java_sed(folder: Path, suffixes: tuple[str, ...] = (".mp4",)) -> list[Recording]:
    """Java-SED recordings below ``folder``, sorted by name (speaker-sentence-emotion_take).

    Raises:
        DataError: There is none.
    """
    recordings = [
        Recording(path, person=f"java-sed-{fields[0]}", emotion=JAVA_SED_EMOTIONS[fields[2]])
        for path in _files(folder, suffixes)
        if len(fields := path.stem.split("_")[0].split("-")) == 3 and fields[2] in JAVA_SED_EMOTIONS
    ]
    return _some(recordings, folder, "Java-SED", JAVA_SED_EMOTIONS)


def corpora(folder: Path) -> list[Recording]:
    """Recordings of several corpora, as ``manifest.csv`` in ``folder`` lists them.

    Its columns are path, label, emotion, person and corpus.

    Raises:
        InputError: There is no such file, or a column is missing.
    """
    manifest = folder / "manifest.csv"
    listed = read_csv_list(manifest, _CORPUS_COLUMNS)
    lacking = [name for name in _CORPUS_COLUMNS if name not in listed.columns]
    if lacking:
        raise InputError(
            f"{manifest} has no column {lacking[0]}: {listed.described}.",
            f"Its columns are {', '.join(_CORPUS_COLUMNS)}.",
        )
    return [
        Recording(
            resolve_listed_path(manifest, values["path"]),
            person=f"{values['corpus']}-{values['person']}",
            emotion=emotion_named(values["emotion"]),
            labelled=values["label"] if values["label"] in SENTIMENTS else "",
            corpus=values["corpus"],
        )
        for values in (row.values for row in listed.rows())
    ]


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in files_below(folder) if path.suffix.lower() in suffixes]


def _some(
    recordings: list[Recording], folder: Path, name: str, emotions: Mapping[str, str]
) -> list[Recording]:
    if not recordings:
        raise DataError(
            f"There are no {name} recordings below {folder}.",
            f"Name the folder that holds them; their names carry codes {min(emotions)} to "
            f"{max(emotions)} for the emotion.",
        )
    return recordings
