"""Examples of voices for the voice networks of both profiles.

``paper`` uses spectrograms of 30 ms windows; ``lite`` functionals of utterances, each beside
statistics of other utterances of the same voice.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.labels import EMOTIONS, SENTIMENT_OF_EMOTION, class_number
from sentistream.datasets.recordings import Recording, corpora, java_sed, ravdess
from sentistream.decision.voice_classifier import SPECTRUM_FRAMES, padded
from sentistream.errors import DataError
from sentistream.evaluation.predictions import HISTORY_SIZE
from sentistream.training.examples import (
    Arrays,
    Examples,
    content_key,
    load_arrays,
    rows_as_arrays,
    save_arrays,
)
from sentistream.training.preparation import Preparation
from sentistream.training.splits import Splits, select_split
from sentistream.training.voice_augmentation import CONDITIONS, augment_voice
from sentistream.training.worker_pool import WorkerPool
from sentistream.types import SENTIMENTS, FloatArray
from sentistream.voice import spectrogram
from sentistream.voice.features import WIDTH
from sentistream.voice.functionals import NAMES, functionals
from sentistream.voice.sound_file import read_sound, voiced_starts
from sentistream.voice.utterance import utterance_of

WINDOWS_PER_RECORDING = 20
"""Windows of 30 ms taken from each recording."""

OTHER_NEGATIVE = len(EMOTIONS)
"""Label of negative recordings without a named emotion."""

_HISTORIES = (0, 0, 3, HISTORY_SIZE, 24)  # largest numbers of earlier utterances in training
_OUTSIDE = 0.4  # weight of emotions that are none of the three sentiments
_PAPER_CHUNK = _LITE_CHUNK = 16


def paper_voice_windows(preparation: Preparation) -> Splits:
    """Windows of RAVDESS speech for the paper's network."""
    recordings = ravdess(preparation.data / "ravdess_speech")

    def examples(name: str, seed: int, *, held_out: bool) -> Examples:
        chosen = select_split(recordings, held_out=held_out)
        return preparation.examples(
            f"voices-{name}",
            [recording.path for recording in chosen],
            lambda work: paper_voice_examples(
                chosen, WINDOWS_PER_RECORDING, seed, pool=preparation.pool(work, "voices")
            ),
            windows=WINDOWS_PER_RECORDING,
            seed=seed,
        )

    return Splits(examples("train", 1, held_out=False), examples("held-out", 2, held_out=True))


def paper_voice_examples(
    recordings: Sequence[Recording],
    per_recording: int,
    seed: int,
    pool: WorkerPool | None = None,
) -> Examples:
    """Spectrograms of random voiced windows of each recording of one of the three sentiments.

    Args:
        recordings: Of one split.
        per_recording: Number of windows of each.
        seed: For the random choice.
        pool: Worker processes; they do not change the result.

    Raises:
        DataError: No recording has a voice.
    """
    pool = pool or WorkerPool()
    used = [recording for recording in recordings if recording.sentiment is not None]
    # the random choice depends on all recordings before: find all windows, choose, then cut
    generator = np.random.default_rng(seed)
    chosen: list[tuple[Recording, NDArray[np.int64], str]] = []
    for chunk, found in pool.subfolder("voiced").map(_find_windows, used, _PAPER_CHUNK):
        ends = np.cumsum(found["count"])
        for recording, key, end, count in zip(
            chunk, found["key"].tolist(), ends, found["count"], strict=True
        ):
            starts = found["start"][end - count : end]
            if len(starts):
                again = len(starts) < per_recording
                windows = generator.choice(starts, per_recording, replace=again)
                chosen.append((recording, windows, key))
    cutting = replace(pool.subfolder("cut"), on_item=lambda: None)
    columns = []
    cut_from: list[tuple[Recording, NDArray[np.int64], str]] = []
    for chunk_of_chosen, cut in cutting.map(_cut_windows, chosen, _PAPER_CHUNK):
        columns.append(cut["column"])
        cut_from += chunk_of_chosen
    if not columns:
        raise DataError(f"None of {len(used)} recordings has a voice.")
    people = np.repeat([recording.person for recording, _, _ in cut_from], per_recording)
    labels = [class_number(recording.sentiment or "") for recording, _, _ in cut_from]
    return Examples(
        inputs={"spectrogram": np.concatenate(columns)},
        labels=np.repeat(np.array(labels, dtype=np.int64), per_recording),
        people=people,
        sources=np.array([person.rsplit("-", 1)[0] for person in people.tolist()]),
        clips=np.repeat([key for _, _, key in cut_from], per_recording),
    )


def _find_windows(recordings: Sequence[Recording]) -> Arrays:
    """Starts of all voiced windows, and the number of them and a key for each recording."""
    sounds = [read_sound(recording.path) for recording in recordings]
    starts = [voiced_starts(sound) for sound in sounds]
    return {
        "start": np.concatenate(starts),
        "count": np.array([len(values) for values in starts]),
        "key": np.array([content_key(sound) for sound in sounds]),
    }


def _cut_windows(chosen: Sequence[tuple[Recording, NDArray[np.int64], str]]) -> Arrays:
    columns = [
        spectrogram.columns(sound[start : start + spectrogram.SAMPLES])
        for recording, starts, _ in chosen
        for sound in [read_sound(recording.path)]
        for start in starts
    ]
    return {"column": np.stack(columns)}


def lite_utterances(preparation: Preparation) -> Splits:
    """Utterances of all corpora, with histories."""
    return Splits(
        *(
            utterances_with_history(
                _cached_functionals(preparation, held_out=held_out), held_out=held_out, seed=7
            )
            for held_out in (False, True)
        )
    )


def all_lite_utterances(preparation: Preparation) -> tuple[Examples, list[NDArray[np.str_]]]:
    """Utterances of both splits as recorded, for evaluation without and with a history.

    Returns:
        The utterances, and for each the recordings (their ``clips``) that are its history.
    """
    train = _cached_functionals(preparation, held_out=False)
    held_out = _cached_functionals(preparation, held_out=True)
    plain = train["condition"] == CONDITIONS[0]
    both = {name: np.concatenate([train[name][plain], held_out[name]]) for name in train}
    histories = [both["clip"][others] for _, others in _draw_histories(both, held_out=True, seed=7)]
    return utterances_with_history(both, held_out=True, seed=7), histories


def _cached_functionals(preparation: Preparation, *, held_out: bool) -> Arrays:
    """Functionals of the recordings of one split, those for training in each condition."""
    recordings = select_split(_voice_recordings(preparation.data), held_out=held_out)
    conditions = CONDITIONS[:1] if held_out else CONDITIONS
    noises = _noises(preparation.data)
    items = [(one, condition, noises) for condition in conditions for one in recordings]

    def make(work: Path) -> Arrays:
        pool = preparation.pool(work, "voices")
        chunks = [a for _, a in pool.map(recording_functionals, items, _LITE_CHUNK)]
        chunks = [chunk for chunk in chunks if len(chunk["label"])]
        if not chunks:
            raise DataError("There is no recording with a voice.")
        return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}

    return preparation.cached(
        f"lite-voices-{held_out}",
        [recording.path for recording in recordings],
        make,
        lambda arrays, path: save_arrays(path, arrays),
        load_arrays,
        conditions=tuple(conditions),
    )


def lite_spectra(preparation: Preparation) -> Splits:
    """Spectra of utterances: all as recorded, those for training in one more condition behind."""
    return Splits(*(_cached_spectra(preparation, held_out=held_out) for held_out in (False, True)))


def _cached_spectra(preparation: Preparation, *, held_out: bool) -> Examples:
    recordings = select_split(_voice_recordings(preparation.data), held_out=held_out)
    noises = _noises(preparation.data)
    items = [(one, CONDITIONS[0], noises) for one in recordings]
    if not held_out:
        items += [(one, _other_condition(one.path), noises) for one in recordings]

    def make(work: Path) -> Examples:
        pool = preparation.pool(work, "spectra")
        chunks = [a for _, a in pool.map(recording_spectra, items, _LITE_CHUNK)]
        chunks = [chunk for chunk in chunks if len(chunk["label"])]
        if not chunks:
            raise DataError("There is no recording with a voice.")
        made = {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}
        weights = _weights(made["label"], made["source"])
        return Examples(
            inputs={"frames": made["frames"]},
            labels=np.stack([made["label"], weights], axis=1).astype(np.float32),
            people=made["person"],
            sources=made["source"],
            clips=made["clip"],
        )

    return preparation.examples(
        f"lite-spectra-{held_out}",
        [recording.path for recording in recordings],
        make,
        conditions=CONDITIONS,
    )


def _other_condition(path: Path) -> str:
    others = CONDITIONS[1:]
    return others[zlib.crc32(path.name.encode()) % len(others)]


def recording_spectra(items: Sequence[tuple[Recording, str, Path | None]]) -> Arrays:
    """Frames of recordings; those without speech are left out.

    Args:
        items: Recordings with the condition and the folder of noises for ``augment_voice``.

    Raises:
        InputError: A recording cannot be read.
    """
    rows: list[tuple[Any, ...]] = []
    for recording, condition, noises in items:
        sound = read_sound(recording.path)
        frames = utterance_of(augment_voice(sound, condition, recording.person, noises))
        if frames is not None:
            key = content_key(sound)
            rows.append(
                (padded(frames), _label(recording), recording.person, recording.corpus, key)
            )
    return rows_as_arrays("frames", rows, (SPECTRUM_FRAMES, WIDTH))


def _noises(data: Path) -> Path | None:
    folder = data / "voices"
    return folder if (folder / "noises_and_rooms.csv").exists() else None


def _voice_recordings(data: Path) -> list[Recording]:
    """All recordings with a label for the ``lite`` voice network."""
    recordings = ravdess(data / "ravdess_speech")
    recordings += java_sed(data / "javased", (".mp4", ".flac"))
    if (data / "voices").exists():
        recordings += corpora(data / "voices")
    return [recording for recording in recordings if has_voice_label(recording)]


def recording_functionals(items: Sequence[tuple[Recording, str, Path | None]]) -> Arrays:
    """Functionals of recordings; those without speech are left out.

    Args:
        items: Recordings with the condition and the folder of noises for ``augment_voice``.

    Raises:
        InputError: A recording cannot be read.
    """
    rows: list[tuple[Any, ...]] = []
    for recording, condition, noises in items:
        sound = read_sound(recording.path)
        frames = utterance_of(augment_voice(sound, condition, recording.person, noises))
        if frames is None:
            continue
        rows.append(
            (
                functionals(frames),
                _label(recording),
                recording.person,
                recording.corpus,
                content_key(sound),
                condition,
            )
        )
    fields = ("voice", "label", "person", "source", "clip", "condition")
    if not rows:
        empty: Arrays = {field: np.zeros(0, np.str_) for field in fields}
        values = np.zeros((0, len(NAMES)), np.float32)
        return empty | {"voice": values, "label": np.zeros(0, np.int64)}
    return dict(zip(fields, (np.array(column) for column in zip(*rows, strict=True)), strict=True))


def has_voice_label(recording: Recording) -> bool:
    """Whether a recording has one of the emotions or sentiments that the network learns."""
    return _label(recording) >= 0


def _label(recording: Recording) -> int:
    if recording.emotion in EMOTIONS:
        return EMOTIONS.index(recording.emotion)
    named = {"positive": EMOTIONS.index("happy"), "neutral": EMOTIONS.index("neutral")}
    return named.get(recording.labelled, OTHER_NEGATIVE if recording.labelled else -1)


def utterances_with_history(functionals: Arrays, *, held_out: bool, seed: int) -> Examples:
    """Utterances, each beside statistics of others by the same voice in the same condition.

    Args:
        functionals: As ``recording_functionals`` returns them.
        held_out: Whether for evaluation: without a history and with ``HISTORY_SIZE`` others.
        seed: For the random choice of the others.
    """
    voice, source = functionals["voice"], functionals["source"]
    rows: dict[str, list[FloatArray]] = {"mean": [], "spread": [], "heard": []}
    chosen: list[int] = []
    for index, others in _draw_histories(functionals, held_out=held_out, seed=seed):
        mean, spread = np.zeros((2, len(NAMES)), np.float32)
        if len(others):
            mean, spread = voice[others].mean(axis=0), voice[others].std(axis=0)
        for name, value in (("mean", mean), ("spread", spread), ("heard", [len(others)])):
            rows[name].append(np.asarray(value, np.float32))
        chosen.append(index)
    labels = functionals["label"][chosen]
    inputs: dict[str, Any] = {"functionals": voice[chosen]}
    inputs |= {name: np.stack(values) for name, values in rows.items()}
    weights = _weights(labels, source[chosen])
    return Examples(
        inputs=inputs,
        labels=np.stack([labels, weights], axis=1).astype(np.float32),
        people=functionals["person"][chosen],
        sources=source[chosen],
        clips=functionals["clip"][chosen],
    )


def _draw_histories(
    functionals: Arrays, *, held_out: bool, seed: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each utterance with others by the same voice in the same condition, drawn at random."""
    random = np.random.default_rng(seed)
    sizes, least = ((0, HISTORY_SIZE), 2) if held_out else (_HISTORIES, 1)
    person, condition = functionals["person"], functionals["condition"]
    places = {
        key: np.flatnonzero((person == key[0]) & (condition == key[1]))
        for key in set(zip(person.tolist(), condition.tolist(), strict=True))
    }
    for index in range(len(person)):
        others = places[person[index], condition[index]]
        others = others[others != index]
        for size in sizes:
            if not size or len(others) >= least:
                yield index, random.choice(others, min(size, len(others)), replace=False)


def sentiments_of_labels(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """The sentiment of each label, -1 for none."""
    of_emotion = [
        SENTIMENTS.index(SENTIMENT_OF_EMOTION[name]) if name in SENTIMENT_OF_EMOTION else -1
        for name in EMOTIONS
    ]
    known = np.array([*of_emotion, SENTIMENTS.index("negative")], dtype=np.int64)
    found: NDArray[np.int64] = known[labels]
    return found


def sentiments_of(examples: Examples) -> NDArray[np.int64]:
    """The sentiment of each example, -1 for none, shape (N,)."""
    return sentiments_of_labels(examples.labels[:, 0].astype(np.int64))


def _weights(labels: NDArray[np.integer], sources: NDArray[np.str_]) -> FloatArray:
    """Weights of examples: corpora by the root of their size, their sentiments equally."""
    sentiments = sentiments_of_labels(labels)
    weights = np.zeros(len(labels))
    for source in np.unique(sources):
        of_source = sources == source
        for sentiment in np.unique(sentiments[of_source]):
            members = of_source & (sentiments == sentiment)
            for label in np.unique(labels[members]):
                same = members & (labels == label)
                share = (_OUTSIDE if sentiment < 0 else 1.0) / len(np.unique(labels[members]))
                weights[same] = np.sqrt(of_source.sum()) * share / same.sum()
    return np.asarray(weights / weights.mean(), dtype=np.float32)
