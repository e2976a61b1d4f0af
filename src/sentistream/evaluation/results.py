"""What an evaluation found, and the files that tell it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.errors import OutputError
from sentistream.evaluation.coverage import coverage_curve
from sentistream.evaluation.groups import by_group
from sentistream.evaluation.metrics import calibration_error, figures, reliability
from sentistream.evaluation.outcomes import Outcome, class_numbers, share_right
from sentistream.evaluation.uncertainty import people_bootstrap

COVERAGES = tuple(step / 20 for step in range(1, 21))
"""Shares of the examples at which ``results.json`` gives the accuracy."""

_NO_AREA = {"coverage_area": None, "coverage_area_best": None}


def summarize(
    outcomes: Sequence[Outcome], classes: tuple[str, ...], threshold: float | None = None
) -> dict[str, Any]:
    """The figures of ``results.json``.

    An item without an answer counts as wrong in accuracy, average recall and F1, stands in
    the last column of the confusion matrix, and is counted apart as ``unusable``.

    Args:
        outcomes: At least one.
        classes: Their names.
        threshold: Confidence from which the profile is sure; None where it sets none.
    """
    unusable = len(classes)
    truth, answers = class_numbers(outcomes, unusable)
    got = figures(truth, answers, unusable + 1)
    answered = [outcome for outcome in outcomes if outcome.answer is not None]
    people = [outcome.item.person for outcome in outcomes]
    bootstrap = people_bootstrap(truth, answers, people)
    per_person = {
        person: share_right([outcome for outcome in outcomes if outcome.item.person == person])
        for person in sorted(set(people))
        if person
    }
    unknown = sum(outcome.unknown for outcome in outcomes)
    sure = [outcome for outcome in answered if outcome.sure]
    barred = any(outcome.sure is not None for outcome in outcomes)
    return {
        **got.as_dict(),
        "people_bootstrap": bootstrap.as_dict() if bootstrap else None,
        "confusion": got.confusion[:unusable],
        "classes": list(classes),
        "confusion_columns": [*classes, "unusable"],
        "unusable": len(outcomes) - len(answered),
        "unreadable": sum(bool(outcome.problem) for outcome in outcomes),
        "unknown": unknown,
        "unknown_share": round(unknown / len(outcomes), 4),
        "answered": share_right(answered) if answered else None,
        "sure_share": round(len(sure) / len(outcomes), 4) if barred else None,
        "sure": share_right(sure) if sure else None,
        "operating_point": {
            "confidence": threshold,
            "coverage": round(len(sure) / len(outcomes), 4),
            "accuracy": share_right(sure)["accuracy"] if sure else None,
        }
        if barred and threshold is not None
        else None,
        **_confidence(answered, len(outcomes)),
        "per_person": per_person,
        "per_person_spread": _spread([entry["accuracy"] for entry in per_person.values()]),
        "groups": by_group(outcomes, unusable),
    }


def write_results(folder: Path, facts: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    """``results.json`` and ``predictions.csv``.

    Raises:
        OutputError: The folder cannot be written.
    """
    classes = facts["classes"]
    columns = list(dict.fromkeys(name for outcome in outcomes for name in outcome.item.groups))
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
            for outcome in outcomes:
                answer = "" if outcome.answer is None else classes[outcome.answer]
                values = [""] * len(classes)
                if outcome.probabilities is not None:
                    values = [f"{value:.6f}" for value in outcome.probabilities]
                item = outcome.item
                table.writerow(
                    [
                        item.path,
                        item.person,
                        classes[item.label],
                        "unknown" if outcome.unknown else answer,
                        "" if outcome.sure is None else int(outcome.sure),
                        *values,
                        int(outcome.correct),
                        outcome.problem,
                        *(item.groups.get(name, "") for name in columns),
                    ]
                )
    except OSError as error:
        raise OutputError(
            f"Cannot write {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from None


def _confidence(answered: list[Outcome], total: int) -> dict[str, Any]:
    """How far the confidence of answers can be trusted."""
    values = [outcome.probabilities for outcome in answered if outcome.probabilities is not None]
    if not values:
        return {"ece": None, "reliability": [], "coverage": [], **_NO_AREA}
    truth, probabilities = np.array([entry.item.label for entry in answered]), np.stack(values)
    correct = np.array([outcome.correct for outcome in answered])
    curve = coverage_curve(probabilities.max(axis=1), correct, total)
    # where coverages lie closer together than examples do, several are the same point
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
    """How the accuracies of people differ; None without people."""
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
