"""What follows a training run: history.csv, the curves, TensorBoard; the terminal is the CLI's."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from torch import Tensor

from sentistream.errors import MissingExtraError
from sentistream.training.checkpoint import write_run_file

_COLOURS = {"train": "#4c72b0", "validation": "#dd8452", "held_out": "#55a868"}
_LABELS = {"train": "training", "held_out": "held out"}
_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Step:
    """A run after one step.

    Attributes:
        epoch, epochs: The current epoch, from 1, and the largest number of epochs.
        step, steps: Steps done in the whole run, and their largest number.
        loss: Of this step.
        mean_loss, accuracy: Over the epoch so far.
        learning_rate: Of this step.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    mean_loss: float
    accuracy: float
    learning_rate: float


class Callback:
    """Its methods are called during training; each does nothing unless overridden."""

    def on_note(self, text: str) -> None:
        """A message for the user."""

    def on_resume(self, step: int) -> None:
        """The run starts, or resumes after ``step`` steps."""

    def on_inputs(self, inputs: list[Tensor]) -> None:
        """The first batch of a new run, as the network sees it."""

    def on_step(self, step: Step) -> None:
        """A step is done."""

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """An epoch is done and saved; the last entry of the history is new."""


class Callbacks(Callback):
    """Several callbacks as one."""

    def __init__(self, *callbacks: Callback) -> None:
        self._callbacks = callbacks

    def on_note(self, text: str) -> None:
        for callback in self._callbacks:
            callback.on_note(text)

    def on_resume(self, step: int) -> None:
        for callback in self._callbacks:
            callback.on_resume(step)

    def on_inputs(self, inputs: list[Tensor]) -> None:
        for callback in self._callbacks:
            callback.on_inputs(inputs)

    def on_step(self, step: Step) -> None:
        for callback in self._callbacks:
            callback.on_step(step)

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        for callback in self._callbacks:
            callback.on_epoch(history)


class HistoryFile(Callback):
    """Keeps ``history.csv`` in ``folder`` up to date: one row per epoch."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.csv"

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(history[-1]), restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(history)
        write_run_file(self._path, text.getvalue().encode())


class TensorBoardLogs(Callback):
    """Writes below ``folder/tensorboard``; use it as a context manager.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("Writing logs for TensorBoard", "tensorboard") from error
        self._make_writer = SummaryWriter
        self._folder = folder / "tensorboard"
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def on_resume(self, step: int) -> None:
        # steps logged after the checkpoint are going to be logged again
        self._writer = self._make_writer(str(self._folder), purge_step=step + 1)

    def on_inputs(self, inputs: list[Tensor]) -> None:
        assert self._writer is not None  # noqa: S101
        for number, values in enumerate(inputs):
            if values.ndim == 4 and values.shape[1] in (1, 3):
                images = values[:_IMAGES].detach().cpu().clamp(0, 1)
                self._writer.add_images(f"input {number + 1}", images, 0)

    def on_step(self, step: Step) -> None:
        assert self._writer is not None  # noqa: S101
        self._writer.add_scalar("loss/step", step.loss, step.step)
        self._writer.add_scalar("rate", step.learning_rate, step.step)

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        assert self._writer is not None  # noqa: S101
        entry = history[-1]
        for figure in ("loss", "accuracy"):
            for split in _COLOURS:
                if f"{split}_{figure}" in entry:
                    value = entry[f"{split}_{figure}"]
                    self._writer.add_scalar(f"{figure}/{split}", value, int(entry["step"]))
        self._writer.flush()


def draw_curves(history: Sequence[Mapping[str, float]], path: Path) -> bool:
    """Draws losses and accuracies over epochs as a PNG.

    Args:
        history: One entry per epoch, as in ``Progress``.
        path: The file to write.

    Returns:
        False without matplotlib, or without an epoch.

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
        for split, colour in _COLOURS.items():
            points = [
                (entry["epoch"], entry[f"{split}_{name}"])
                for entry in history
                if f"{split}_{name}" in entry
            ]
            if points:
                epochs, values = zip(*points, strict=True)
                axes.plot(epochs, values, ".-", color=colour, label=_LABELS.get(split, split))
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_run_file(path, image.getvalue())
    return True
