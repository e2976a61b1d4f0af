"""``sentistream evaluate --retrain``: the voice network trained without the corpus it judges."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sentistream.errors import InputError, MissingExtraError, OutputError
from sentistream.evaluation.evaluation_metrics import calibration_error, figures, people_bootstrap
from sentistream.profiles import Profile
from sentistream.types import SENTIMENTS

if TYPE_CHECKING:
    from sentistream.training.voice_task import LeftOut

_PROTOCOL = "leave-one-corpus-out"
_KINDS = ("first heard", "with history")


def measure_retrained(
    task: str, protocol: str | None, data: Path | None, profile: Profile, out: Path
) -> None:
    """Train, measure and print the table; write it to ``out``.

    Raises:
        InputError: The options are not those of voices of ``lite`` by corpus.
        MissingExtraError: What training needs is not installed.
        OutputError: The folder cannot be written.
    """
    if task != "voices" or protocol != _PROTOCOL or data is None or profile.decision != "lite":
        raise InputError(
            "--retrain trains the voice network of lite once without each corpus.",
            f"Add --task voices --protocol {_PROTOCOL} --profile lite --data FOLDER.",
        )
    try:
        training = importlib.import_module("sentistream.training.voice_task")
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    from sentistream.cli.live_training import LiveTraining

    with LiveTraining("voice") as live:
        left_out = training.leave_one_corpus_out(
            data, out / "runs", live.on_prepare, live.on_problem
        )
    rows = [row for corpus in left_out for row in _rows(corpus)]
    means = {kind: _mean(rows, kind) for kind in _KINDS}
    for row in rows:
        click.echo(_line(row))
    for kind, mean in means.items():
        click.echo(
            f"Mean average recall over {mean['corpora']} corpora with all three classes, "
            f"{kind}: {mean['uar']:.3f}"
        )
    _write(out, {"protocol": _PROTOCOL, "rows": rows, "means": means})
    click.echo(f"More in {out / 'results.json'} and {out / 'table.csv'}.")


def _rows(corpus: LeftOut) -> list[dict[str, Any]]:
    found = []
    for kind, chosen in zip(_KINDS, (corpus.heard == 0, corpus.heard > 0), strict=True):
        if not chosen.any():
            continue
        truth, answers = corpus.labels[chosen], corpus.answers[chosen]
        given = answers.argmax(axis=1)
        people = corpus.people[chosen].tolist()
        interval = people_bootstrap(truth, given, people)
        got = figures(truth, given, len(SENTIMENTS))
        recall = {
            name: round(float((given[truth == number] == number).mean()), 4)
            for number, name in enumerate(SENTIMENTS)
            if (truth == number).any()
        }
        found.append(
            {
                "corpus": corpus.corpus,
                "kind": kind,
                "n": len(truth),
                "people": len(set(people)),
                "uar": round(float(np.mean(list(recall.values()))), 4),
                "uar_ci95": list(interval.as_dict()["uar_ci95"]) if interval else None,
                "recall": recall,
                "accuracy": got.as_dict()["accuracy"],
                "ece": round(calibration_error(truth, answers), 4),
            }
        )
    return found


def _mean(rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    whole = [row for row in rows if row["kind"] == kind and len(row["recall"]) == len(SENTIMENTS)]
    return {
        "corpora": len(whole),
        "uar": round(float(np.mean([row["uar"] for row in whole])), 4) if whole else 0.0,
        "ece": round(float(np.mean([row["ece"] for row in whole])), 4) if whole else 0.0,
    }


def _line(row: dict[str, Any]) -> str:
    recall = ", ".join(f"{name} {value:.2f}" for name, value in row["recall"].items())
    return (
        f"{row['corpus']:<18} {row['kind']:<13} {row['n']:>5} of {row['people']:>3} people  "
        f"average recall {row['uar']:.3f} ({recall}), calibration error {row['ece']:.2f}"
    )


def _write(out: Path, facts: dict[str, Any]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        with (out / "table.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            head = ("corpus", "kind", "n", "people", "uar", "accuracy", "ece")
            table.writerow([*head, *SENTIMENTS])
            for row in facts["rows"]:
                recalls = [row["recall"].get(name, "") for name in SENTIMENTS]
                table.writerow([*(row[name] for name in head), *recalls])
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error}).") from error
