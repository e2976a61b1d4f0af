"""A run's losses and accuracies drawn over its epochs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from sentistream.training.files import replace_file

_COLOURS = {"train": "#4c72b0", "validation": "#dd8452", "held_out": "#55a868"}


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> bool:
    """Writes a PNG; says whether it could: not without matplotlib, nor without an epoch.

    Args:
        history: One entry an epoch, as ``Progress`` has it.
        path: Where to.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    if not history:
        return False
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for side, colour in _COLOURS.items():
            points = [
                (entry["epoch"], entry[f"{side}_{name}"])
                for entry in history
                if f"{side}_{name}" in entry
            ]
            if points:
                epochs, values = zip(*points, strict=True)
                label = {"train": "training", "held_out": "held out"}.get(side, side)
                axes.plot(epochs, values, ".-", color=colour, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    replace_file(path, image.getvalue())
    return True
