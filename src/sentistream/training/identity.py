"""What makes a training run this one and no other."""

from __future__ import annotations

import zlib
from dataclasses import asdict, is_dataclass
from typing import Any

from torch import nn

from sentistream.training.examples import Examples
from sentistream.training.recipes import Recipe


def run_settings(
    recipe: Recipe, train: Examples, held_out: Examples, network: nn.Module, **parts: object
) -> dict[str, Any]:
    """For JSON: everything that must be the same for a run to be gone on with.

    Args:
        recipe: Each of its fields counts, save for more epochs where they change nothing
            that came before.
        train, held_out: Their sizes and the labels count.
        network: Its class and size count.
        parts: Functions that take part in training, by what they do; their names count, and
            the fields of those that are dataclasses.
    """
    settings = asdict(recipe)
    if recipe.schedule != "cosine":
        del settings["epochs"]
    return {
        **settings,
        "training examples": len(train),
        "held-out examples": len(held_out),
        "labels": zlib.crc32(train.labels.tobytes()),
        "network": type(network).__name__,
        "parameters": sum(value.numel() for value in network.parameters()),
        **{name.replace("_", " "): _name(part) for name, part in parts.items()},
    }


def _name(part: object) -> str | None:
    """The same in every process, unlike ``repr`` of a function."""
    if part is None:
        return None
    if is_dataclass(part) and not isinstance(part, type):
        return repr(part)
    named: Any = part if hasattr(part, "__qualname__") else type(part)
    return f"{named.__module__}.{named.__qualname__}"
