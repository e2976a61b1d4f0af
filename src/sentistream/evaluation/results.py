"""What an evaluation found, and the files that tell it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.datasets.manifest import Item
from sentistream.errors import OutputError
from sentistream.evaluation.answers import Probabilities
from sentistream.evaluation.metrics import calibration_error, figures, wilson_interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item and what was said of it.

    Attributes:
        item: What was asked.
        probabilities: Of the classes; None where there was no usable face or voice.
        problem: Why the file could not be read; empty otherwise.
    """

    item: Item
    probabilities: Probabilities | None
    problem: str = ""

    @property
    def answer(self) -> int | None:
        """The most probable class; None without an answer."""
        return None if self.probabilities is None else int(self.probabilities.argmax())

    @property
    def correct(self) -> bool:
        """Whether the answer is right; no answer is wrong."""
        return self.answer == self.item.label


def summarize(outcomes: list[Outcome], classes: tuple[str, ...]) -> dict[str, Any]:
    """The figures of ``results.json``.

    An item without an answer counts as wrong in accuracy, average recall and F1, stands in
    the last column of the confusion matrix, and is counted apart as ``unusable``.
    """
    unusable = len(classes)
    truth = np.array([outcome.item.label for outcome in outcomes])
    answers = np.array(
        [unusable if outcome.answer is None else outcome.answer for outcome in outcomes]
    )
    got = figures(truth, answers, unusable + 1)
    answered = [outcome for outcome in outcomes if outcome.probabilities is not None]
    people: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        people.setdefault(outcome.item.person, []).append(outcome)
    per_person = {person: _of_person(people[person]) for person in sorted(people) if person}
    shares = [entry["accuracy"] for entry in per_person.values()]
    return {
        **got.as_dict(),
        "confusion": got.confusion[:unusable],
        "classes": list(classes),
        "confusion_columns": [*classes, "unusable"],
        "unusable": len(outcomes) - len(answered),
        "unreadable": sum(bool(outcome.problem) for outcome in outcomes),
        "ece": round(_calibration(answered), 4) if answered else None,
        "per_person": per_person,
        "per_person_spread": {
            "least": min(shares),
            "median": round(float(np.median(shares)), 4),
            "most": max(shares),
        }
        if shares
        else None,
    }


def write_results(folder: Path, facts: dict[str, Any], outcomes: list[Outcome]) -> None:
    """``results.json`` and ``predictions.csv``.

    Raises:
        OutputError: The folder cannot be written.
    """
    classes = facts["classes"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        (folder / "results.json").write_text(text, "utf-8", errors="replace")
        with (folder / "predictions.csv").open(
            "w", newline="", encoding="utf-8", errors="replace"
        ) as file:
            table = csv.writer(file)
            table.writerow(["path", "person", "label", "answer", *classes, "correct", "problem"])
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
                        answer,
                        *values,
                        int(outcome.correct),
                        outcome.problem,
                    ]
                )
    except OSError as error:
        raise OutputError(
            f"Cannot write {folder}: {error.strerror}.", "Choose another folder with --out."
        ) from None


def _of_person(outcomes: list[Outcome]) -> dict[str, Any]:
    correct = sum(outcome.correct for outcome in outcomes)
    interval = wilson_interval(correct, len(outcomes))
    return {
        "n": len(outcomes),
        "accuracy": round(correct / len(outcomes), 4),
        "accuracy_ci95": [round(value, 4) for value in interval],
    }


def _calibration(answered: list[Outcome]) -> float:
    values = [outcome.probabilities for outcome in answered if outcome.probabilities is not None]
    return calibration_error(np.array([entry.item.label for entry in answered]), np.stack(values))
