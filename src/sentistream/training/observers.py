"""Who looks on while a network trains: the terminal, files, TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Step:
    """How a run stands after one step.

    Attributes:
        epoch, epochs: The pass under way, from 1, and how many there may be.
        step, steps: Finished steps of the whole run, and how many there may be.
        loss: Of this step.
        mean_loss, accuracy: Over the pass so far.
        rate: The learning rate of this step.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    mean_loss: float
    accuracy: float
    rate: float


class Observer:
    """Is told what happens; each method does nothing unless overridden."""

    def on_note(self, text: str) -> None:
        """A sentence that the user should read."""

    def on_resume(self, step: int) -> None:
        """The run begins, or goes on after so many steps."""

    def on_inputs(self, inputs: list[Tensor]) -> None:
        """The first batch of a new run, as the network sees it."""

    def on_step(self, step: Step) -> None:
        """A step is done."""

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """A pass is done, measured and kept: the last line of the history."""


class Observers(Observer):
    """Several as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_note(self, text: str) -> None:
        for observer in self._observers:
            observer.on_note(text)

    def on_resume(self, step: int) -> None:
        for observer in self._observers:
            observer.on_resume(step)

    def on_inputs(self, inputs: list[Tensor]) -> None:
        for observer in self._observers:
            observer.on_inputs(inputs)

    def on_step(self, step: Step) -> None:
        for observer in self._observers:
            observer.on_step(step)

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        for observer in self._observers:
            observer.on_epoch(history)
