"""A trained network as people use it: an ONNX file and its card, with figures."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sentistream.evaluation.metrics import figures
from sentistream.networks.cost import multiply_adds
from sentistream.networks.export import export_onnx
from sentistream.networks.layers import parameter_count
from sentistream.runtime.cards import ModelCard
from sentistream.training.card_texts import CARD_TEXTS
from sentistream.training.examples import Examples
from sentistream.training.loop import probabilities
from sentistream.training.run import Run
from sentistream.types import SENTIMENTS


def publish(run: Run, folder: Path) -> ModelCard:
    """Writes ``NAME.onnx`` and ``NAME.json`` and returns the card."""
    text = CARD_TEXTS[run.name]
    held_out = run.sides.held_out
    shapes = {name: values.shape[1:] for name, values in held_out.inputs.items()}
    outputs = ["open"] if run.name == "mouth" else list(SENTIMENTS)
    path = folder / f"{run.name}.onnx"
    checksum = export_onnx(run.network, shapes, len(outputs), path)
    card = ModelCard(
        name=f"paper/{run.name}",
        version=f"{datetime.datetime.now(datetime.UTC):%Y.%m.%d}",
        task=text.task,
        file=path.name,
        sha256=checksum,
        parameters=parameter_count(run.network),
        multiply_adds=multiply_adds(run.network, shapes),
        inputs={name: list(shape) for name, shape in shapes.items()},
        outputs=outputs,
        licence=text.licence,
        data=[{**data, "examples": _count(run.sides.train, data["source"])} for data in text.data],
        recipe={
            **asdict(run.recipe),
            "steps": run.progress.step,
            "note": text.recipe_note,
            "training_accuracy": round(run.progress.history[-1]["train_accuracy"], 4),
        },
        figures=measured(run.network, held_out, max(len(outputs), 2)),
        weaknesses=list(text.weaknesses),
        intended_use=text.intended_use,
        forbidden_use=text.forbidden_use,
    )
    card.write(path.with_suffix(".json"))
    return card


def measured(network: nn.Module, held_out: Examples, classes: int) -> list[dict[str, Any]]:
    """Figures on held-out examples, for each source apart."""
    answers = probabilities(network, held_out)
    chosen = (answers[:, 0] >= 0.5).astype(int) if answers.shape[1] == 1 else answers.argmax(1)
    rows = []
    for source in sorted(set(held_out.sources.tolist())):
        mask = held_out.sources == source
        entries = held_out.people[mask].tolist()
        people = sorted({person for entry in entries for person in entry.split("+")} - {""})
        rows.append(
            {
                "source": source,
                "people": people if len(people) <= 8 else len(people),
                "split": "people not trained on" if people else "the set's own validation part",
                **figures(held_out.labels[mask], np.asarray(chosen)[mask], classes).as_dict(),
            }
        )
    return rows


def _count(examples: Examples, source: str) -> int:
    return int(sum(source in entry.split("+") for entry in examples.sources.tolist()))
