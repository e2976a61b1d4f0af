"""Faces with what a crowd says of them, and faces of ordinary people who talk: soft labels.

Ten people's votes for FER2013 (Barsoum et al. 2016) say how sure anybody can be of a face.
In a clip of somebody who talks, mouth shapes change from frame to frame and the mood does not:
each frame learns what the clip as a whole says.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sentistream.analyzer import Analyzer
from sentistream.datasets.images import LabelledImage
from sentistream.datasets.labels import SENTIMENT_OF_EMOTION
from sentistream.errors import skip_failures
from sentistream.evaluation.paper_tables import face_alone
from sentistream.media import open_source
from sentistream.networks.lite import FACE_EMOTIONS
from sentistream.parquet import load_pyarrow
from sentistream.profiles import LITE
from sentistream.training.card_figures import card_figures
from sentistream.training.detector_scenes import everyday_clips
from sentistream.training.examples import Examples
from sentistream.types import SENTIMENTS, FloatArray, UInt8Array

_COLUMNS = {"happy": "happiness", "neutral": "neutral", "sad": "sadness", "angry": "anger"}
_OTHERS = ("surprise", "disgust", "fear", "contempt", "unknown", "NF")
_LEAST_SHARE = 0.6
"""Of the votes that are for one of the four emotions, below which a face is left out."""
_OFFICIAL = 0.25  # weight of a set's own label beside the crowd's votes
_SMOOTHING = 0.08

Votes = dict[str, FloatArray]
"""Shares of the four emotions, by the image's name; empty where the crowd sees none of them."""


def read_votes(path: Path) -> Votes:
    """Votes of a Parquet file with the columns ``name`` and one for each answer.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    load_pyarrow("Reading Parquet files")
    import pyarrow.parquet

    names = pyarrow.parquet.read_schema(path).names
    wanted = [name for name in names if name != "image"]
    votes: Votes = {}
    for row in pyarrow.parquet.read_table(path, columns=wanted).to_pylist():
        four = np.array([row[_COLUMNS[name]] for name in FACE_EMOTIONS], np.float32)
        others = sum(row[name] for name in _OTHERS)
        share = float(four.sum()) / max(1.0, float(four.sum() + others))
        usable = share >= _LEAST_SHARE and not row.get("leave_out")
        votes[row["name"]] = four / four.sum() if usable else np.zeros(0, np.float32)
    return votes


def soft_label(image: LabelledImage, votes: Votes) -> FloatArray | None:
    """Shares of the four emotions, shape (4,); None where the image is to be left out."""
    own = np.zeros(len(FACE_EMOTIONS), np.float32)
    if image.emotion in FACE_EMOTIONS:
        own[FACE_EMOTIONS.index(image.emotion)] = 1
    voted = votes.get(image.name)
    if voted is None:
        return own if own.any() else None
    if not len(voted):
        return None
    mixed = (1 - _OFFICIAL) * voted + _OFFICIAL * own if own.any() else voted
    return np.asarray(mixed / mixed.sum(), dtype=np.float32)


def soft_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy against shares of the four emotions, (N, 4), slightly smoothed."""
    wanted = labels * (1 - _SMOOTHING) + _SMOOTHING / labels.shape[1]
    loss = -(wanted * logits.log_softmax(dim=1)).sum(dim=1).mean()
    both = [functional.softmax(logits, dim=1), labels]
    seen, true = (_of_sentiments(values) for values in both)
    return loss - 0.5 * (true * seen.clamp_min(1e-4).log()).sum(dim=1).mean()


def _of_sentiments(shares: Tensor) -> Tensor:
    return torch.stack([shares[:, list(one)].sum(dim=1) for one in _MEMBERS], dim=1)


_MEMBERS = tuple(
    tuple(
        place
        for place, name in enumerate(FACE_EMOTIONS)
        if SENTIMENT_OF_EMOTION.get(name) == sentiment
    )
    for sentiment in SENTIMENTS
)


def soft_right(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether the likeliest sentiment is the labels' likeliest, (N,)."""
    said = _of_sentiments(functional.softmax(logits, dim=1)).argmax(dim=1)
    return (said == _of_sentiments(labels).argmax(dim=1)).cpu()


def soft_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """As ``card_figures``, with the likeliest sentiment of each label."""
    shares = torch.from_numpy(np.asarray(held_out.labels, np.float32))
    labels = _of_sentiments(shares).argmax(dim=1).numpy()
    plain = Examples(held_out.inputs, labels, held_out.people, held_out.sources, held_out.clips)
    return card_figures(answers, plain)


def everyday_faces(
    folder: Path,
    *,
    held_out: bool,
    every: int = 6,
    on_problem: Callable[[str], None] | None = None,
) -> Iterator[tuple[UInt8Array, Any, FloatArray, str, str]]:
    """Faces of everyday clips: brightness, landmarks, soft label, person and clip.

    A clip with a label learns that; frames of others learn what the shipped networks say of
    the whole track, so that single mouth shapes stop to matter.

    Args:
        folder: With the clips and ``manifest.csv``.
        held_out: Of the people that are measured on, or of the others.
        every: One moment in so many.
        on_problem: Told of clips that cannot be read, which are left out; None to raise it.
    """
    analyzer = Analyzer(face_alone(LITE))
    for path, person, label in everyday_clips(folder, held_out=held_out):
        analyzer.reset(renumber=True)
        with skip_failures(path, on_problem):
            yield from _clip_faces(path, label, person, analyzer, every)


def _clip_faces(
    path: Path, label: str, person: str, analyzer: Analyzer, every: int
) -> Iterator[tuple[UInt8Array, Any, FloatArray, str, str]]:
    seen: dict[int, list[tuple[UInt8Array, Any]]] = {}
    said: dict[int, list[Sequence[float]]] = {}
    with open_source(path, tick=LITE.tick, sound_window=LITE.sound_window) as source:
        for moment in itertools.islice(source, 0, None, every):
            for reading in analyzer.process(moment):
                if reading.face is None or reading.momentary is None or reading.flags:
                    continue
                track = reading.face.track
                seen.setdefault(track, []).append((moment.picture.luma, reading.face.landmarks))
                said.setdefault(track, []).append(reading.momentary.as_tuple())
    for track, faces in seen.items():
        soft = _label_of(label, np.mean(said[track], axis=0))
        for luma, landmarks in faces:
            yield luma, landmarks, soft, person, f"{path.stem}-{track}"


def _label_of(label: str, mean: Any) -> FloatArray:
    """Shares of the four emotions: the clip's label, else the mean answer, nearer to neutral."""
    three = np.array(mean, np.float32) * 0.7
    three[SENTIMENTS.index("neutral")] += 0.3
    if label in SENTIMENTS:
        three = np.array([float(name == label) for name in SENTIMENTS], np.float32)
    shares = np.zeros(len(FACE_EMOTIONS), np.float32)
    for value, places in zip(three, _MEMBERS, strict=True):
        shares[list(places)] = value / len(places)
    return shares
