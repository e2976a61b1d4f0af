"""A trained network as people use it: an ONNX file and its card, with figures."""

from __future__ import annotations

import datetime
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from sentistream.networks.cost import multiply_adds
from sentistream.networks.export import export_onnx
from sentistream.networks.layers import parameter_count
from sentistream.runtime.model_card import ModelCard
from sentistream.training.card_texts import CardText, data_of, permitted, unwritten
from sentistream.training.examples import Examples
from sentistream.training.measuring import probabilities, values
from sentistream.training.parts import Part
from sentistream.training.provenance import source_version
from sentistream.training.quantization import publish_int8
from sentistream.training.run import Run
from sentistream.types import SENTIMENTS


def publish(run: Run, folder: Path) -> ModelCard:
    """Writes ``NAME.onnx`` and ``NAME.json`` and returns the card.

    Args:
        run: A finished one.
        folder: Made if need be.
    """
    part = run.part
    text = run.card_text or unwritten(run.name)
    convert = part.convert
    held_out, network = _in_classes(run.sides.held_out, part), part.finish(run.network)
    shapes = {name: values.shape[1:] for name, values in held_out.inputs.items()}
    outputs = list(part.outputs or SENTIMENTS)
    path = folder / f"{run.name}.onnx"
    free = dict(shapes)
    if part.any_size:
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
        convert,
        types,
        as_values=part.as_values,
        multiple=max(1, part.any_size),
    )
    answer = values if part.as_values else probabilities
    answers = answer(network, held_out, convert=convert)
    card = ModelCard(
        name=f"{run.profile}/{run.name}",
        version=f"{datetime.datetime.now(datetime.UTC):%Y.%m.%d}",
        task=text.task,
        file=path.name,
        sha256=checksum,
        parameters=parameter_count(network),
        multiply_adds=multiply_adds(network, shapes, convert),
        inputs={name: list(shape) for name, shape in free.items()},
        input_types=types,
        outputs=outputs,
        licence=text.licence,
        data=_data(text, run.sides.train),
        recipe=_recipe(run, text),
        figures=part.figures(answers, held_out),
        weaknesses=list(text.weaknesses),
        intended_use=text.intended_use,
        forbidden_use=text.forbidden_use,
        seed=run.recipe.seed,
        commit=source_version(),
    )
    if part.int8_from is not None:
        int8 = publish_int8(path, run.sides.train, held_out, part.int8_from)
        card = replace(card, int8=int8)
    card.write(path.with_suffix(".json"))
    return card


def _in_classes(examples: Examples, part: Part) -> Examples:
    """With the labels of what is published."""
    if part.classes is None:
        return examples
    labels = np.array(part.classes)[examples.labels]
    return replace(examples, labels=labels).take(labels >= 0)


def _data(text: CardText, train: Examples) -> list[dict[str, Any]]:
    """What it learned from: as the text says, or by the sources of the examples."""
    sources = [entry.split("+") for entry in train.sources.tolist()]
    data = text.data or data_of({name for names in sources for name in names})
    return [
        {
            **entry,
            "permits": permitted(entry["terms"]),
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
