"""The figures of ``results.json``: overall, per person and per group."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.errors import OutputError
from sentistream.evaluation.evaluation_metrics import (
    calibration_error,
    coverage_curve,
    figures,
    people_bootstrap,
    reliability,
)
from sentistream.evaluation.predictions import Prediction, accuracy_facts, class_indices
from sentistream.intervals import difference_interval

COVERAGES = tuple(step / 20 for step in range(1, 21))
"""Shares of the examples at which ``results.json`` gives the accuracy."""

_NO_AREA = {"coverage_area": None, "coverage_area_best": None}


def summarize_predictions(
    predictions: Sequence[Prediction], classes: tuple[str, ...], threshold: float | None = None
) -> dict[str, Any]:
    """The figures of ``results.json``.

    An item without an answer counts as wrong in accuracy, average recall and F1, is in
    the last column of the confusion matrix, and is counted separately as ``unusable``.

    Args:
        predictions: At least one.
        classes: Their names.
        threshold: Confidence from which the profile is sure; None if it sets none.
    """
    unusable = len(classes)
    truth, answers = class_indices(predictions, unusable)
    got = figures(truth, answers, unusable + 1)
    answered = [prediction for prediction in predictions if prediction.answer is not None]
    people = [prediction.item.person for prediction in predictions]
    bootstrap = people_bootstrap(truth, answers, people)
    per_person = {
        person: accuracy_facts(
            [prediction for prediction in predictions if prediction.item.person == person]
        )
        for person in sorted(set(people))
        if person
    }
    unknown = sum(prediction.unknown for prediction in predictions)
    sure = [prediction for prediction in answered if prediction.sure]
    barred = any(prediction.sure is not None for prediction in predictions)
    return {
        **got.as_dict(),
        "people_bootstrap": bootstrap.as_dict() if bootstrap else None,
        "confusion": got.confusion[:unusable],
        "classes": list(classes),
        "confusion_columns": [*classes, "unusable"],
        "unusable": len(predictions) - len(answered),
        "unreadable": sum(bool(prediction.problem) for prediction in predictions),
        "unknown": unknown,
        "unknown_share": round(unknown / len(predictions), 4),
        "answered": accuracy_facts(answered) if answered else None,
        "sure_share": round(len(sure) / len(predictions), 4) if barred else None,
        "sure": accuracy_facts(sure) if sure else None,
        "operating_point": {
            "confidence": threshold,
            "coverage": round(len(sure) / len(predictions), 4),
            "accuracy": accuracy_facts(sure)["accuracy"] if sure else None,
        }
        if barred and threshold is not None
        else None,
        **_confidence(answered, len(predictions)),
        "per_person": per_person,
        "per_person_spread": _spread([entry["accuracy"] for entry in per_person.values()]),
        "groups": results_by_group(predictions, unusable),
    }


def write_results(folder: Path, facts: dict[str, Any], predictions: Sequence[Prediction]) -> None:
    """``results.json`` and ``predictions.csv``.

    Raises:
        OutputError: The folder cannot be written.
    """
    classes = facts["classes"]
    columns = list(
        dict.fromkeys(name for prediction in predictions for name in prediction.item.groups)
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        (folder / "results.json").write_text(text, "utf-8", errors="replace")
        with (folder / "predictions.csv").open(
            "w", newline="", encoding="utf-8", errors="replace"
        ) as file:
            table = csv.writer(file)
            head = ["path", "person", "label", "answer", "sure", *classes, "correct", "problem"]
            table.writerow([*head, *columns])
            for prediction in predictions:
                answer = "" if prediction.answer is None else classes[prediction.answer]
                values = [""] * len(classes)
                if prediction.probabilities is not None:
                    values = [f"{value:.6f}" for value in prediction.probabilities]
                item = prediction.item
                table.writerow(
                    [
                        item.path,
                        item.person,
                        classes[item.label],
                        "unknown" if prediction.unknown else answer,
                        "" if prediction.sure is None else int(prediction.sure),
                        *values,
                        int(prediction.correct),
                        prediction.problem,
                        *(item.groups.get(name, "") for name in columns),
                    ]
                )
    except OSError as error:
        raise OutputError(
            f"Cannot write {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from None


def _confidence(answered: list[Prediction], total: int) -> dict[str, Any]:
    """How far the confidence of answers can be trusted."""
    values = [
        prediction.probabilities for prediction in answered if prediction.probabilities is not None
    ]
    if not values:
        return {"ece": None, "reliability": [], "coverage": [], **_NO_AREA}
    truth, probabilities = np.array([entry.item.label for entry in answered]), np.stack(values)
    correct = np.array([prediction.correct for prediction in answered])
    curve = coverage_curve(probabilities.max(axis=1), correct, total)
    # if coverages are closer together than examples, several are the same point
    most = float(curve.coverage[-1])
    points = dict.fromkeys(
        point for step in COVERAGES if (point := curve.at(min(step, most))) is not None
    )
    return {
        "ece": round(calibration_error(truth, probabilities), 4),
        "reliability": [
            {
                "from": entry.low,
                "to": entry.high,
                "n": entry.n,
                "confidence": round(entry.confidence, 4),
                "accuracy": round(entry.accuracy, 4),
            }
            for entry in reliability(truth, probabilities)
            if entry.n
        ],
        "coverage": [
            {
                "confidence": round(confidence, 4),
                "coverage": round(coverage, 4),
                "accuracy": round(accuracy, 4),
            }
            for confidence, coverage, accuracy in points
        ],
        "coverage_area": round(curve.area, 4),
        "coverage_area_best": round(curve.best_area, 4),
    }


def _spread(shares: list[float]) -> dict[str, Any] | None:
    """The spread of accuracy between people; None without people."""
    if not shares:
        return None
    deviation = float(np.std(shares, ddof=1)) if len(shares) > 1 else None
    return {
        "people": len(shares),
        "least": min(shares),
        "median": round(float(np.median(shares)), 4),
        "most": max(shares),
        "standard_deviation": None if deviation is None else round(deviation, 4),
    }


MAX_VALUES = 20
"""A column with more values than this names items rather than groups."""

NOT_KNOWN = "not known"


def results_by_group(predictions: Sequence[Prediction], classes: int) -> dict[str, Any]:
    """Figures by the value of every other column of the manifest, for JSON.

    For each column with 2 to ``MAX_VALUES`` values: ``values`` with the figures of each,
    and ``largest_difference`` between the accuracies of two of them with its 95 % interval
    (Newcombe). Groups may also differ in their people and in their class mix.
    """
    columns = dict.fromkeys(name for prediction in predictions for name in prediction.item.groups)
    found: dict[str, Any] = {}
    for column in columns:
        members: dict[str, list[Prediction]] = {}
        for prediction in predictions:
            members.setdefault(prediction.item.groups.get(column) or NOT_KNOWN, []).append(
                prediction
            )
        if 2 <= len(members) <= MAX_VALUES:
            found[column] = {
                "values": {
                    value: _of_group(members[value], classes)
                    for value in sorted(members, key=lambda value: (value == NOT_KNOWN, value))
                },
                "largest_difference": _largest_difference(members),
            }
    return found


def _of_group(predictions: Sequence[Prediction], classes: int) -> dict[str, Any]:
    truth, answers = class_indices(predictions, classes)
    people = {prediction.item.person for prediction in predictions} - {""}
    return {
        **accuracy_facts(predictions),
        "uar": round(figures(truth, answers, classes + 1).uar, 4),
        "unusable": sum(prediction.answer is None for prediction in predictions),
        "people": len(people) or None,
    }


def _largest_difference(members: dict[str, list[Prediction]]) -> dict[str, Any] | None:
    counted = {
        value: (sum(prediction.correct for prediction in predictions), len(predictions))
        for value, predictions in members.items()
        if value != NOT_KNOWN
    }
    if len(counted) < 2:
        return None
    shares = {value: right / total for value, (right, total) in counted.items()}
    best, worst = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    if best == worst:  # all alike
        best, worst = list(shares)[:2]
    interval = difference_interval(counted[best], counted[worst])
    return {
        "between": [best, worst],
        "difference": round(shares[best] - shares[worst], 4),
        "ci95": [round(value, 4) for value in interval],
    }
