"""Model cards: their figures, the form of their written part, and the data sets they name.

The written part of each network's card is with its task, for instance in ``face_task``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentistream.evaluation.evaluation_metrics import calibration_error, figures
from sentistream.training.examples import Examples
from sentistream.types import FloatArray

_RESAMPLES = 2_000

_NON_COMMERCIAL = (
    "Research and other non-commercial use only, with attribution and share-alike: the weights are"
    " bound by the terms of the data they were trained on (see data)."
)
_INTENDED = (
    "Experiments with sentiment in video: acted or open expressions of adults who know about it "
    "and face the camera, aggregated over seconds or over many people."
)
_FORBIDDEN = (
    "Decisions about a person; emotion inference at work or in education (forbidden in the EU "
    "by the AI Act, article 5); lie detection, diagnosis, covert surveillance."
)

BATCH_NORM_NOTE = (
    " Batch normalisation statistics were recomputed over training examples at the end."
)

DataSet = dict[str, str]
"""A data set's ``source`` in prepared examples, its ``name`` and its ``terms``."""

_DATA_SETS: tuple[DataSet, ...] = (
    {
        "source": "web_mouths",
        "name": "Mouth crops from the web, labelled open or closed by hand",
        "terms": "research only",
    },
    {
        "source": "ytf",
        "name": "Mouth crops of YouTube Faces (Wolf et al. 2011), labelled by lip gap",
        "terms": "research only",
    },
    {
        "source": "fer2013",
        "name": "FER2013 (Goodfellow et al. 2013), training part, four emotions",
        "terms": "research only",
    },
    {
        "source": "rafdb",
        "name": "RAF-DB (Li et al. 2017), training part, four emotions",
        "terms": "non-commercial research only",
    },
    {
        "source": "ck",
        "name": "Cohn-Kanade CK (Kanade et al. 2000; Lucey et al. 2010), four emotions",
        "terms": "research only",
    },
    {
        "source": "ravdess",
        "name": "RAVDESS speech (Livingstone and Russo 2018), 16 actors",
        "terms": "CC BY-NC-SA 4.0",
    },
    {
        "source": "java-sed",
        "name": "Java-SED clips of speakers 01, 02, 06, 07",
        "terms": "MIT",
    },
)
_PERMITS = {
    "research only": "research; no commercial use",
    "non-commercial research only": "non-commercial research",
    "CC BY-NC-SA 4.0": "non-commercial use with attribution; derived works under the same terms",
    "CC BY-NC-ND 4.0": "non-commercial use with attribution; no derived works may be shared",
    "MIT": "any use that keeps the copyright notice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CardText:
    """The written part of a card; see ``sentistream.runtime.model_card.ModelCard``.

    Without ``data``, the sources of the examples say which data sets were used.
    """

    task: str
    data: tuple[DataSet, ...]
    weaknesses: tuple[str, ...]
    recipe_note: str
    licence: str = _NON_COMMERCIAL
    intended_use: str = _INTENDED
    forbidden_use: str = _FORBIDDEN


def data_sets(*sources: str) -> tuple[DataSet, ...]:
    """What is known of data sets, by their source in prepared examples."""
    known = {entry["source"]: entry for entry in _DATA_SETS}
    return tuple(
        known.get(source, {"source": source, "name": source, "terms": "not known"})
        for source in sources
    )


def permitted_use(terms: str) -> str:
    """What a data set's terms permit, in words."""
    return _PERMITS.get(terms, "not known; ask its authors")


def default_card_text(name: str) -> CardText:
    """For a network without a written card."""
    return CardText(
        task=f"The network {name}",
        data=(),
        weaknesses=("Nothing was written about its weaknesses yet.",),
        recipe_note="",
    )


def card_figures(answers: FloatArray, held_out: Examples) -> list[dict[str, Any]]:
    """The figures of a model card on held-out examples, one row per source.

    Accuracy has a Wilson interval; unweighted average recall and macro F1 have bootstrap
    intervals, over people where they are known, else over examples.

    Args:
        answers: Probabilities, shape (N, outputs); one output is the second of two classes.
        held_out: The N examples.
    """
    if answers.shape[1] == 1:
        # two classes: the second one from a half on
        answers = np.concatenate([1 - answers, answers], axis=1)
        chosen = (answers[:, 1] >= 0.5).astype(np.int64)
    else:
        chosen = answers.argmax(axis=1)
    classes = answers.shape[1]
    rows = []
    for source in sorted(set(held_out.sources.tolist())):
        mask = held_out.sources == source
        truth, predicted, entries = held_out.labels[mask], chosen[mask], held_out.people[mask]
        people = sorted(
            {person for entry in entries.tolist() for person in entry.split("+")} - {""}
        )
        known = all(entry.strip("+") for entry in entries.tolist())
        uar, macro_f1 = _intervals(truth, predicted, entries if known else None, classes)
        rows.append(
            {
                "source": source,
                "people": people if len(people) <= 8 else len(people),
                "split": "people not trained on" if people else "the set's own validation part",
                **figures(truth, predicted, classes).as_dict(),
                "uar_ci95": uar,
                "macro_f1_ci95": macro_f1,
                "intervals_over": "people" if known else "examples",
                "ece": round(calibration_error(truth, answers[mask]), 4),
            }
        )
    return rows


def _intervals(
    truth: NDArray[np.integer],
    predicted: NDArray[np.integer],
    people: NDArray[np.str_] | None,
    classes: int,
) -> tuple[list[float], list[float]]:
    """95 % percentile intervals of unweighted average recall and macro F1."""
    generator = np.random.default_rng(1)
    groups = np.zeros(len(truth), dtype=np.int64)
    if people is not None:
        groups = np.unique(people, return_inverse=True)[1]
    confusions = np.zeros((groups.max() + 1, classes, classes))
    np.add.at(confusions, (groups, truth, predicted), 1)
    if people is None:
        # to resample examples, resample the cells of their one confusion matrix
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
