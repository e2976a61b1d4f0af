"""The voice network trained anew without each corpus, and what it then makes of that corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sentistream.training.examples import Examples
from sentistream.training.lite import PARTS, RECIPES
from sentistream.training.lite_preparation import LitePreparation
from sentistream.training.lite_voices import sentiments_of
from sentistream.training.loop import fit
from sentistream.training.measuring import probabilities
from sentistream.types import FloatArray


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One corpus, judged by a network that never heard any of it.

    Attributes:
        corpus: Its name.
        labels: Numbers of the sentiments, shape (N,).
        people: Who speaks, shape (N,).
        heard: How many utterances of the same voice were heard before, shape (N,).
        answers: Probabilities of the sentiments, shape (N, 3).
    """

    corpus: str
    labels: NDArray[np.int64]
    people: NDArray[np.str_]
    heard: NDArray[np.int64]
    answers: FloatArray


def leave_one_corpus_out(
    data: Path,
    runs: Path,
    on_progress: Callable[[str], None] = lambda _: None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[LeftOut]:
    """Train the ``lite`` voice network once for each corpus, without that corpus.

    Args:
        data: The folder that ``sentistream train --data`` takes.
        runs: Where prepared examples and checkpoints go; what is there is gone on with.
        on_progress: Called with a word on what is being done, often.
        on_problem: Told of each recording that cannot be read and is left out.

    Raises:
        DataError: There is nothing to learn from.
    """
    preparation = LitePreparation(data, runs / "prepared", on_progress, on_problem=on_problem)
    train, measured = preparation.utterances().train, preparation.all_utterances()
    found = []
    for corpus in sorted(set(measured.sources.tolist())):
        on_progress(f"voice without {corpus}")
        left_out = measured.take(measured.sources == corpus)
        labels = sentiments_of(left_out)
        left_out, labels = left_out.take(labels >= 0), labels[labels >= 0]
        if not len(labels):
            continue
        answers = _answers(corpus, train.take(train.sources != corpus), left_out, runs)
        heard = left_out.inputs["heard"][:, 0].astype(np.int64)
        found.append(LeftOut(corpus, labels, left_out.people, heard, answers))
    return found


def _answers(corpus: str, train: Examples, left_out: Examples, runs: Path) -> FloatArray:
    part, recipe = PARTS["voice"], RECIPES["voice"]
    torch.manual_seed(recipe.seed)
    network = part.build(runs)
    fit(
        network,
        train,
        left_out,
        recipe,
        runs / "voice-without" / corpus,
        start=part.start,
        loss=part.loss,
        right=part.right,
        convert=part.convert,
    )
    return probabilities(part.finish(network), left_out, convert=part.convert)
