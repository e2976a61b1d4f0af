"""RAVDESS, CREMA-D and Java-SED: acted sentences, described by their file names."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentistream.datasets.dataset import (
    SUFFIXES,
    Fault,
    FileDataset,
    Medium,
    Sample,
    file_fault,
    media_files,
)
from sentistream.datasets.recordings import (
    JAVA_SED_EMOTIONS,
    RAVDESS_DUPLICATES,
    RAVDESS_EMOTIONS,
)

CREMA_D_EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
_DEMOGRAPHICS = "VideoDemographics.csv"


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a file's name says; ``medium`` according to the name, empty if it says none."""

    label: str
    person: str
    details: Mapping[str, str]
    medium: Medium | None = None


def _ravdess(stem: str) -> _Meaning | None:
    """``modality-channel-emotion-intensity-statement-repetition-actor``, two digits each."""
    if not re.fullmatch(r"\d\d(-\d\d){6}", stem):
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = stem.split("-")
    within = (
        modality in ("01", "02", "03")
        and channel in ("01", "02")
        and emotion in RAVDESS_EMOTIONS
        and intensity in ("01", "02")
        and statement in ("01", "02")
        and repetition in ("01", "02")
        and "01" <= actor <= "24"
    )
    # the set has no strong neutral
    if not within or (emotion == "01" and intensity == "02"):
        return None
    return _Meaning(
        RAVDESS_EMOTIONS[emotion],
        f"ravdess-{actor}",
        {
            "modality": {"01": "picture and sound", "02": "picture", "03": "sound"}[modality],
            "channel": "speech" if channel == "01" else "song",
            "intensity": "normal" if intensity == "01" else "strong",
            "statement": statement,
            "repetition": repetition,
            "sex": "male" if int(actor) % 2 else "female",
        },
        "sound" if modality == "03" else "video",
    )


def _crema_d(stem: str) -> _Meaning | None:
    """``actor_sentence_emotion_level``, such as ``1001_DFA_ANG_XX``."""
    match = re.fullmatch(r"(1\d{3})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})", stem)
    if match is None or match[3] not in CREMA_D_EMOTIONS or match[4] not in _LEVELS:
        return None
    return _Meaning(
        CREMA_D_EMOTIONS[match[3]],
        f"crema-d-{match[1]}",
        {"sentence": match[2], "intensity": _LEVELS[match[4]]},
    )


def _java_sed(stem: str) -> _Meaning | None:
    """``speaker-sentence-emotion_take``, two digits each."""
    match = re.fullmatch(r"(\d\d)-(\d\d)-(\d\d)_(\d\d)", stem)
    if match is None or match[3] not in JAVA_SED_EMOTIONS:
        return None
    return _Meaning(
        JAVA_SED_EMOTIONS[match[3]],
        f"java-sed-{match[1]}",
        {"sentence": match[2], "take": match[4]},
    )


def open_ravdess(root: Path) -> FileDataset:
    """RAVDESS speech and song, sound and video, in any sub-folders.

    The take that duplicates another under a second name is left out, as a fault.
    """
    dataset = _read(root, "ravdess", "RAVDESS", _ravdess)
    known = [sample for sample in dataset.samples if Path(sample.name).stem in RAVDESS_DUPLICATES]
    faults = tuple(
        Fault(
            "duplicate",
            sample.name,
            "Known: it is the recording of the second repetition under the name of the first.",
            (sample.name.replace("-01-07", "-02-07"),),
        )
        for sample in known
    )
    left = tuple(sample for sample in dataset.samples if sample not in known)
    return FileDataset("ravdess", "RAVDESS", root, left, dataset.faults + faults)


def open_crema_d(root: Path) -> FileDataset:
    """CREMA-D, sound and video, with age, sex, race and ethnicity if their table is present."""
    people = _demographics(root)
    dataset = _read(root, "crema-d", "CREMA-D", _crema_d)
    if not people:
        return dataset
    samples = tuple(
        Sample(
            name=sample.name,
            medium=sample.medium,
            path=sample.path,
            label=sample.label,
            person=sample.person,
            source=sample.source,
            details={**sample.details, **people.get(sample.person.rsplit("-", 1)[1], {})},
        )
        for sample in dataset.samples
    )
    return FileDataset(dataset.kind, dataset.name, root, samples, dataset.faults)


def open_java_sed(root: Path) -> FileDataset:
    """Java-SED: clips and voice in sync, and further takes of the voice alone."""
    return _read(root, "java-sed", "Java-SED", _java_sed)


NAMES: Mapping[str, Callable[[str], _Meaning | None]] = {
    "ravdess": _ravdess,
    "crema-d": _crema_d,
    "java-sed": _java_sed,
}
"""By kind: what a file's stem means; None if it follows no rule of the set."""


def _read(
    root: Path, kind: str, title: str, meaning_of: Callable[[str], _Meaning | None]
) -> FileDataset:
    samples: list[Sample] = []
    faults: list[Fault] = []
    for path in media_files(root):
        name = path.relative_to(root).as_posix()
        medium = SUFFIXES[path.suffix.lower()]
        meaning = meaning_of(path.stem) if medium != "image" else None
        if meaning is None or (meaning.medium == "video" and medium == "sound"):
            faults.append(Fault("misnamed", name, f"Its name follows no rule of {title}."))
        elif fault := file_fault(path, name):
            faults.append(fault)
        else:
            samples.append(
                Sample(
                    name=name,
                    medium=medium,
                    path=path,
                    label=meaning.label,
                    person=meaning.person,
                    source=kind,
                    details=meaning.details,
                )
            )
    return FileDataset(kind, title, root, tuple(samples), tuple(faults))


def _demographics(root: Path) -> dict[str, dict[str, str]]:
    path = next(iter(sorted(root.rglob(_DEMOGRAPHICS))), None)
    if path is None:
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {
                (row.get("ActorID") or "").strip(): {
                    key: (row.get(column) or "").strip().lower()
                    for key, column in (
                        ("age", "Age"),
                        ("sex", "Sex"),
                        ("race", "Race"),
                        ("ethnicity", "Ethnicity"),
                    )
                }
                for row in csv.DictReader(file)
            }
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
