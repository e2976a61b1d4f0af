"""What a model card says in figures: measured on people not trained on, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.evaluation.evaluation_metrics import calibration_error, figures
from sentistream.training.examples import Examples
from sentistream.types import FloatArray

_RESAMPLES = 2_000


def card_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """Figures on held-out examples, for each source apart.

    Accuracy has Wilson's interval. That of unweighted average recall and of macro F1 is by
    bootstrap, over people where they are known, else over examples.

    Args:
        answers: Probabilities, shape (N, outputs); one output means the second of two classes.
        held_out: The N examples.
    """
    if answers.shape[1] == 1:
        # the class numbers of two classes: the second is from a half on
        answers = np.concatenate([1 - answers, answers], axis=1)
        chosen = (answers[:, 1] >= 0.5).astype(np.int64)
    else:
        chosen = answers.argmax(axis=1)
    classes = answers.shape[1]
    rows = []
    for source in sorted(set(held_out.sources.tolist())):
        mask = held_out.sources == source
        truth, given, entries = held_out.labels[mask], chosen[mask], held_out.people[mask]
        people = sorted(
            {person for entry in entries.tolist() for person in entry.split("+")} - {""}
        )
        known = all(entry.strip("+") for entry in entries.tolist())
        uar, macro_f1 = _intervals(truth, given, entries if known else None, classes)
        rows.append(
            {
                "source": source,
                "people": people if len(people) <= 8 else len(people),
                "split": "people not trained on" if people else "the set's own validation part",
                **figures(truth, given, classes).as_dict(),
                "uar_ci95": uar,
                "macro_f1_ci95": macro_f1,
                "intervals_over": "people" if known else "examples",
                "ece": round(calibration_error(truth, answers[mask]), 4),
            }
        )
    return rows


def _intervals(
    truth: NDArray[np.integer],
    given: NDArray[np.integer],
    people: NDArray[np.str_] | None,
    classes: int,
) -> tuple[list[float], list[float]]:
    """95 % percentile intervals of unweighted average recall and macro F1."""
    generator = np.random.default_rng(1)
    groups = np.zeros(len(truth), dtype=np.int64)
    if people is not None:
        groups = np.unique(people, return_inverse=True)[1]
    confusions = np.zeros((groups.max() + 1, classes, classes))
    np.add.at(confusions, (groups, truth, given), 1)
    if people is None:
        # examples drawn again are cells of the one confusion matrix drawn again
        cells = confusions.ravel() / len(truth)
        drawn = generator.multinomial(len(truth), cells, size=_RESAMPLES)
        drawn = drawn.reshape(_RESAMPLES, classes, classes)
    else:
        shares = np.full(len(confusions), 1 / len(confusions))
        counts = generator.multinomial(len(confusions), shares, size=_RESAMPLES)
        drawn = np.einsum("rg,gij->rij", counts, confusions)
    right = drawn.diagonal(axis1=1, axis2=2)
    of_class, answered = drawn.sum(axis=2), drawn.sum(axis=1)
    occurs = of_class > 0
    number = occurs.sum(axis=1)
    recall = (right / np.maximum(of_class, 1)).sum(axis=1) / number
    f1 = np.where(occurs, 2 * right / np.maximum(of_class + answered, 1), 0).sum(axis=1) / number
    return _percentiles(recall), _percentiles(f1)


def _percentiles(values: FloatArray) -> list[float]:
    return [round(float(value), 4) for value in np.percentile(values, (2.5, 97.5))]
