"""What the ``lite`` voice network learns from: utterances beside earlier ones of the same voice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sentistream.datasets.labels import EMOTIONS, SENTIMENT_OF_EMOTION
from sentistream.datasets.recordings import Recording
from sentistream.evaluation.evaluation_metrics import figures
from sentistream.evaluation.predictions import HISTORY_SIZE
from sentistream.networks.lite import VoiceNetwork
from sentistream.training.chunks import Arrays
from sentistream.training.examples import Examples
from sentistream.training.leakage import content_key
from sentistream.training.voice_augmentation import recorded_in
from sentistream.types import SENTIMENTS, FloatArray
from sentistream.voice.functionals import NAMES, functionals
from sentistream.voice.sound_file import read_sound
from sentistream.voice.utterance import utterance_of

OTHER_NEGATIVE = len(EMOTIONS)
"""The label of what is negative, with no emotion named."""

_HISTORIES = (0, 0, 3, HISTORY_SIZE, 24)  # what each utterance is learned with, at most
_OUTSIDE = 0.4  # weight of the emotions that are none of the three sentiments
_SMOOTHING = 0.1


def heard_recordings(asked: Sequence[tuple[Recording, str, Path | None]]) -> Arrays:
    """Functionals of recordings, each in a condition; those without speech are left out.

    Raises:
        InputError: A recording cannot be read.
    """
    rows: list[tuple[Any, ...]] = []
    for recording, condition, material in asked:
        sound = read_sound(recording.path)
        frames = utterance_of(recorded_in(sound, condition, recording.person, material))
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


def is_learned_from(recording: Recording) -> bool:
    """Whether a recording's emotion or sentiment is one that is learned."""
    return _label(recording) >= 0


def _label(recording: Recording) -> int:
    if recording.emotion in EMOTIONS:
        return EMOTIONS.index(recording.emotion)
    named = {"positive": EMOTIONS.index("happy"), "neutral": EMOTIONS.index("neutral")}
    return named.get(recording.labelled, OTHER_NEGATIVE if recording.labelled else -1)


def voices_with_history(heard: Arrays, *, held_out: bool, seed: int) -> Examples:
    """Each utterance with what was heard of the same voice in the same condition.

    Args:
        heard: As ``heard_recordings`` gives it.
        held_out: Whether to be measured on: first heard, and after ``HISTORY_SIZE`` others.
        seed: Of which others these are.
    """
    random = np.random.default_rng(seed)
    voice, person, condition = heard["voice"], heard["person"], heard["condition"]
    wanted = (0, HISTORY_SIZE) if held_out else _HISTORIES
    places = {
        key: np.flatnonzero((person == key[0]) & (condition == key[1]))
        for key in set(zip(person.tolist(), condition.tolist(), strict=True))
    }
    rows: dict[str, list[FloatArray]] = {"mean": [], "spread": [], "heard": []}
    chosen: list[int] = []
    for index in range(len(voice)):
        others = places[person[index], condition[index]]
        others = others[others != index]
        for most in wanted:
            count = min(most, len(others))
            if most and (not count or (held_out and count < 2)):
                continue
            earlier = voice[random.choice(others, count, replace=False)]
            mean, spread = np.zeros((2, len(NAMES)), np.float32)
            if count:
                mean, spread = earlier.mean(axis=0), earlier.std(axis=0)
            for name, value in (("mean", mean), ("spread", spread), ("heard", [count])):
                rows[name].append(np.asarray(value, np.float32))
            chosen.append(index)
    labels = heard["label"][chosen]
    inputs: dict[str, Any] = {"functionals": voice[chosen]}
    inputs |= {name: np.stack(values) for name, values in rows.items()}
    weights = _weights(labels, heard["source"][chosen])
    return Examples(
        inputs=inputs,
        labels=np.stack([labels, weights], axis=1).astype(np.float32),
        people=person[chosen],
        sources=heard["source"][chosen],
        clips=heard["clip"][chosen],
    )


def _sentiments(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """The sentiment's number of each label, -1 for none."""
    of_emotion = [
        SENTIMENTS.index(SENTIMENT_OF_EMOTION[name]) if name in SENTIMENT_OF_EMOTION else -1
        for name in EMOTIONS
    ]
    known = np.array([*of_emotion, SENTIMENTS.index("negative")], dtype=np.int64)
    found: NDArray[np.int64] = known[labels]
    return found


def sentiments_of(examples: Examples) -> NDArray[np.int64]:
    """The sentiment's number of each example, -1 for none, shape (N,)."""
    return _sentiments(examples.labels[:, 0].astype(np.int64))


def _weights(labels: NDArray[np.integer], sources: NDArray[np.str_]) -> FloatArray:
    """Of each example: corpora count by the root of their size, sentiments of one alike."""
    sentiments = _sentiments(labels)
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


def learn_population(network: nn.Module, examples: Examples) -> None:
    """What voices in general sound like, from the utterances themselves."""
    if not isinstance(network, VoiceNetwork):
        raise TypeError(f"A voice network is expected, not {type(network).__name__}.")
    values, people = examples.inputs["functionals"], examples.people
    spreads = [
        values[people == person].std(axis=0)
        for person in np.unique(people)
        if (people == person).sum() > HISTORY_SIZE
    ]
    within = np.sqrt(np.mean(np.square(spreads), axis=0)) if spreads else values.std(axis=0)
    network.learn_population(torch.from_numpy(values), torch.from_numpy(within))


def voice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the sentiment and, half as much, of the emotion.

    Args:
        logits: Of ``EMOTIONS``, (N, 8).
        labels: (N, 2): the emotion's number, or ``OTHER_NEGATIVE``, and the example's weight.
    """
    emotion, weight = labels[:, 0].long(), labels[:, 1].clamp_max(6)
    logs = logits.log_softmax(dim=1)
    sums = torch.stack([logs[:, list(one)].logsumexp(dim=1) for one in _MEMBERS], dim=1)
    named = torch.where(
        emotion == OTHER_NEGATIVE,
        sums[:, SENTIMENTS.index("negative")],
        logs.gather(1, emotion.clamp_max(OTHER_NEGATIVE - 1)[:, None])[:, 0],
    )
    of_emotion = -(1 - _SMOOTHING) * named - _SMOOTHING * logs.mean(dim=1)
    sentiment = torch.from_numpy(_sentiments(emotion.cpu().numpy())).to(logits.device)
    of_sentiment = functional.cross_entropy(
        sums, sentiment, ignore_index=-1, label_smoothing=_SMOOTHING, reduction="none"
    )
    return (weight * (of_sentiment + of_emotion / 2)).mean()


_MEMBERS = tuple(
    tuple(place for place, name in enumerate(EMOTIONS) if SENTIMENT_OF_EMOTION.get(name) == one)
    for one in SENTIMENTS
)


def right_sentiment(logits: Tensor, labels: Tensor) -> Tensor:
    """Which of the three sentiments are right; those of none count as wrong, (N,)."""
    sums = torch.stack([logits[:, list(one)].logsumexp(dim=1) for one in _MEMBERS], dim=1)
    truth = torch.from_numpy(_sentiments(labels[:, 0].long().cpu().numpy()))
    return sums.argmax(dim=1).cpu() == truth


def voice_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """Of each corpus: voices first heard, and those with ``HISTORY_SIZE`` utterances before."""
    labels = sentiments_of(held_out)
    heard = held_out.inputs["heard"][:, 0]
    rows = []
    for source in sorted(set(held_out.sources.tolist())):
        for name, chosen in (("first heard", heard == 0), ("with history", heard > 0)):
            mask = (held_out.sources == source) & chosen & (labels >= 0)
            if not mask.any():
                continue
            rows.append(
                {
                    "source": source,
                    "people": sorted(set(held_out.people[mask].tolist())),
                    "split": f"people not trained on, {name}",
                    **figures(labels[mask], answers[mask].argmax(axis=1), 3).as_dict(),
                }
            )
    return rows
