"""A run's figures and some of its pictures as TensorBoard shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from torch import Tensor

from sentistream.errors import MissingExtraError
from sentistream.training.observers import Observer, Step

_PICTURES = 16
_SIDES = ("train", "validation", "held_out")


class TensorBoardLogs(Observer):
    """Writes below ``folder/tensorboard``; use it as a context.

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def on_resume(self, step: int) -> None:
        # what was logged after the checkpoint will be logged again
        self._writer = self._make_writer(str(self._folder), purge_step=step + 1)

    def on_inputs(self, inputs: list[Tensor]) -> None:
        assert self._writer is not None  # noqa: S101
        for number, values in enumerate(inputs):
            if values.ndim == 4 and values.shape[1] in (1, 3):
                pictures = values[:_PICTURES].detach().cpu().clamp(0, 1)
                self._writer.add_images(f"input {number + 1}", pictures, 0)

    def on_step(self, step: Step) -> None:
        assert self._writer is not None  # noqa: S101
        self._writer.add_scalar("loss/step", step.loss, step.step)
        self._writer.add_scalar("rate", step.rate, step.step)

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        assert self._writer is not None  # noqa: S101
        entry = history[-1]
        for figure in ("loss", "accuracy"):
            for side in _SIDES:
                if f"{side}_{figure}" in entry:
                    value = entry[f"{side}_{figure}"]
                    self._writer.add_scalar(f"{figure}/{side}", value, int(entry["step"]))
        self._writer.flush()
