"""Publishing a trained network: an ONNX file and its model card."""

from __future__ import annotations

import datetime
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import sentistream
from sentistream.networks.cost import multiply_adds
from sentistream.networks.export import export_onnx
from sentistream.networks.layers import parameter_count
from sentistream.runtime.model_card import ModelCard
from sentistream.training.examples import Examples
from sentistream.training.inference import probabilities, raw_outputs
from sentistream.training.model_cards import (
    CardText,
    data_sets,
    default_card_text,
    permitted_use,
)
from sentistream.training.quantization import calibration_examples, publish_int8
from sentistream.training.run import Run
from sentistream.training.task import Task


def publish(run: Run, folder: Path) -> ModelCard:
    """Writes ``NAME.onnx`` and ``NAME.json`` and returns the model card.

    Args:
        run: Finished.
        folder: Created if missing.
    """
    task = run.task
    text = task.card_text or default_card_text(task.name)
    held_out, network = _published_labels(run.splits.held_out, task), task.exported(run.network)
    shapes = {name: values.shape[1:] for name, values in held_out.inputs.items()}
    outputs = list(task.outputs)
    path = folder / f"{task.name}.onnx"
    free = dict(shapes)
    counted = dict(shapes)
    if task.counted_size:
        size = task.counted_size
        counted = {name: (size, size, *shape[2:]) for name, shape in shapes.items()}
    if task.size_multiple:
        free = {name: (-1, -1, *shape[2:]) for name, shape in shapes.items()}
    types = {
        name: str(values.dtype)
        for name, values in held_out.inputs.items()
        if values.dtype != np.uint8
    }
    checksum = export_onnx(
        network,
        free,
        len(outputs),
        path,
        task.convert,
        types,
        raw_outputs=task.raw_outputs,
        multiple=max(1, task.size_multiple),
    )
    answer = raw_outputs if task.raw_outputs else probabilities
    answers = answer(network, held_out, task.convert)
    card = ModelCard(
        name=f"{task.profile}/{task.name}",
        version=f"{datetime.datetime.now(datetime.UTC):%Y.%m.%d}",
        task=text.task,
        file=path.name,
        sha256=checksum,
        parameters=parameter_count(network),
        multiply_adds=multiply_adds(network, counted, task.convert),
        inputs={name: list(shape) for name, shape in free.items()},
        input_types=types,
        outputs=outputs,
        licence=text.licence,
        data=_data(text, run.splits.train),
        recipe=_recipe(run, text),
        figures=task.figures(answers, held_out),
        weaknesses=list(text.weaknesses),
        intended_use=text.intended_use,
        forbidden_use=text.forbidden_use,
        seed=run.recipe.seed,
        commit=source_version(),
    )
    if task.int8_input is not None:
        shown = task.as_shown(calibration_examples(run.splits.train))
        int8 = publish_int8(path, shown, held_out, task)
        card = replace(card, int8=int8)
    card.write(path.with_suffix(".json"))
    return card


def _published_labels(examples: Examples, task: Task) -> Examples:
    """Examples with published classes as labels, without those of no published class."""
    if task.published_classes is None:
        return examples
    labels = np.array(task.published_classes)[examples.labels]
    return replace(examples, labels=labels).take(labels >= 0)


def _data(text: CardText, train: Examples) -> list[dict[str, Any]]:
    """The data sets of a card: those in the text, or the sources of the examples."""
    sources = [entry.split("+") for entry in train.sources.tolist()]
    data = text.data or data_sets(*sorted({name for names in sources for name in names}))
    return [
        {
            **entry,
            "permits": permitted_use(entry["terms"]),
            "examples": sum(entry["source"] in names for names in sources),
        }
        for entry in data
    ]


def _recipe(run: Run, text: CardText) -> dict[str, Any]:
    progress = run.progress
    chosen = progress.history[(progress.best_epoch or progress.epoch) - 1]
    recipe = {
        **asdict(run.recipe),
        "trained_epochs": progress.epoch,
        "steps": progress.step,
        "note": text.recipe_note,
        "training_accuracy": round(chosen["train_accuracy"], 4),
    }
    if not run.recipe.patience:
        del recipe["validation"]
    if progress.best_epoch:
        recipe["best_epoch"] = progress.best_epoch
    return recipe


def source_version(package: Path | None = None) -> str:
    """The Git commit of the source, with ``-dirty`` if files have changed since.

    Without a checkout, or without Git, the version of the package.

    Args:
        package: Folder of the source; of this package by default.
    """
    folder = package or Path(sentistream.__file__).resolve().parent
    try:
        # a virtual environment inside somebody's checkout is not that checkout
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return sentistream.__version__
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()
