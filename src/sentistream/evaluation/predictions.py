"""Predictions on labelled items, and variants of them: another prior, a known speaker."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.datasets.manifest import Item
from sentistream.decision.voice_classifier import VoiceClassifier, describe_recording
from sentistream.errors import InputError, skip_failures
from sentistream.evaluation.evaluation_metrics import calibration_error, figures
from sentistream.evaluation.predictors import Predictor, Probabilities
from sentistream.intervals import wilson_interval
from sentistream.prior import PRIORS, Shares, correct, get_prior
from sentistream.profiles import Profile
from sentistream.types import ON_A_TIE, SENTIMENTS
from sentistream.values import ByValue
from sentistream.voice.voice_baseline import HeardUtterance, VoiceBaseline


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(ByValue):
    """One item and the networks' prediction for it.

    Attributes:
        item: The labelled item.
        probabilities: Of the classes; None if there was no usable face or voice.
        problem: Why the file could not be read; empty otherwise.
        unknown: Whether the answer was withheld (``unknown``) though there are probabilities.
        sure: Whether the answer is sure enough for the profile; None if it sets no bar.
    """

    item: Item
    probabilities: Probabilities | None
    problem: str = ""
    unknown: bool = False
    sure: bool | None = None

    @property
    def answer(self) -> int | None:
        """The most probable class; None without an answer."""
        if self.probabilities is None or self.unknown:
            return None
        if len(self.probabilities) == len(SENTIMENTS):
            order = [SENTIMENTS.index(label.value) for label in ON_A_TIE]
            return max(order, key=self.probabilities.__getitem__)
        return int(self.probabilities.argmax())

    @property
    def correct(self) -> bool:
        """Whether the answer is right; no answer is wrong."""
        return self.answer == self.item.label


def predict_items(
    items: Iterable[Item],
    answer: Predictor,
    *,
    is_withheld: Callable[[Probabilities], bool] = lambda _: False,
    is_sure: Callable[[Probabilities], bool] | None = None,
    on_problem: Callable[[str], None] = lambda _: None,
) -> list[Prediction]:
    """Runs ``answer`` on each item; one that cannot be read has no answer.

    Args:
        items: The items, in order.
        answer: The predictor.
        withholds: Whether probabilities are too uncertain for an answer other than ``unknown``.
        is_sure: Whether probabilities are sure enough for the profile; None without a threshold.
        on_problem: Called with the reason an item cannot be read.
    """
    predictions = []
    for item in items:
        predicted: Probabilities | None = None
        problems: list[str] = []
        with skip_failures(item.path, problems.append):
            predicted = answer(item.path)
        for problem in problems:
            predictions.append(Prediction(item, None, problem))
            on_problem(problem)
        if not problems:
            unknown = predicted is not None and is_withheld(predicted)
            sure = None if predicted is None or is_sure is None else is_sure(predicted)
            predictions.append(Prediction(item, predicted, unknown=unknown, sure=sure))
    return predictions


def class_indices(
    predictions: Sequence[Prediction], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Truth and answers, each of shape (N,); no answer is the number ``classes``."""
    truth = np.array([prediction.item.label for prediction in predictions], np.int64)
    answers = np.array(
        [classes if prediction.answer is None else prediction.answer for prediction in predictions],
        np.int64,
    )
    return truth, answers


def accuracy_facts(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """``n``, ``accuracy`` and its Wilson interval, for JSON.

    Raises:
        ValueError: There are none.
    """
    if not predictions:
        raise ValueError("Nothing was measured.")
    correct = sum(prediction.correct for prediction in predictions)
    interval = wilson_interval(correct, len(predictions))
    return {
        "n": len(predictions),
        "accuracy": round(correct / len(predictions), 4),
        "accuracy_ci95": [round(value, 4) for value in interval],
    }


def results_by_prior(
    predictions: Sequence[Prediction], profile: Profile, learned: Shares
) -> list[dict[str, Any]]:
    """A row per named prior, for JSON; empty if it cannot be computed from the predictions alone.

    ``lite`` adds up logarithms, so a clip's overall answer is corrected exactly like each moment's.
    ``paper`` averages moments, so it would have to run again with each prior.

    Args:
        predictions: Of sentiments, as they are under the profile's own prior.
        profile: That they were made with.
        learned: Shares of the classes in the training data of the networks that predicted.
    """
    if profile.decision != "lite":
        return []
    own = profile.prior.factors(learned)
    rows = []
    for name in PRIORS:
        factors = get_prior(name).factors(learned)
        again = []
        for prediction in predictions:
            values = prediction.probabilities
            if values is not None:
                as_learned = correct(values, None if own is None else np.float32(1) / own)
                values = np.asarray(correct(as_learned, factors), np.float64)
            again.append(replace(prediction, probabilities=values))
        truth, answers = class_indices(again, len(SENTIMENTS))
        answered = [one for one in again if one.probabilities is not None]
        recall = {
            sentiment: round(float((answers[truth == number] == number).mean()), 4)
            for number, sentiment in enumerate(SENTIMENTS)
            if (truth == number).any()
        }
        error = None
        if answered:
            labels = np.array([one.item.label for one in answered])
            probabilities = np.array([one.probabilities for one in answered])
            error = round(calibration_error(labels, probabilities), 4)
        rows.append(
            {
                "prior": name,
                **accuracy_facts(again),
                "uar": round(figures(truth, answers, len(SENTIMENTS) + 1).uar, 4),
                "recall": recall,
                "ece": error,
            }
        )
    return rows


HISTORY_SIZE = 8
"""Most earlier recordings of the same person in the protocol with a history."""


def predict_with_history(predictions: Sequence[Prediction], profile: Profile) -> list[Prediction]:
    """The same recordings predicted after up to eight others of the same person.

    The others are drawn at random, seeded by the recording's name; recordings of people without
    others are left out.

    Args:
        predictions: Of recordings, with people named.
        profile: Whose voice networks predict; one that decides as ``lite`` does.
    """
    classifier = VoiceClassifier.load(profile)
    factors = profile.prior.factors(profile.voice_learned_shares)
    by_person: dict[str, list[tuple[Item, HeardUtterance]]] = {}
    for prediction in predictions:
        if not prediction.item.person or prediction.probabilities is None:
            continue
        try:
            utterance = describe_recording(prediction.item.path)
        except InputError:
            continue
        if utterance is not None:
            heard = classifier.hear(utterance)
            by_person.setdefault(prediction.item.person, []).append((prediction.item, heard))
    found = []
    for recordings in by_person.values():
        for index, (item, heard) in enumerate(recordings):
            others = [other for place, (_, other) in enumerate(recordings) if place != index]
            if not others:
                continue
            random = np.random.default_rng(zlib.crc32(item.path.name.encode()))
            baseline = VoiceBaseline()
            for place in random.permutation(len(others))[:HISTORY_SIZE]:
                baseline.add(others[place])
            answer = correct(classifier.classify(heard, [baseline])[0], factors)
            found.append(Prediction(item, np.asarray(answer, dtype=np.float64)))
    return found
