"""Training on the terminal: one live line, and a line for each finished epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from tqdm import tqdm

from sentistream.cli.progress import move, write_line
from sentistream.training.callbacks import Callback, Step


class LiveTraining(Callback):
    """A progress bar over the run with its figures; use it as a context manager.

    It is written to the error stream; without a terminal, only epochs are.

    Args:
        name: The network's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._epochs = 0
        self.problems: set[str] = set()
        """What could not be read and is skipped."""
        self._bar: tqdm[Any] = tqdm(
            desc=f"{name}: preparing", unit="", leave=False, disable=None, smoothing=0.02
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def on_prepare(self, what: str) -> None:
        """Another item of ``what`` is prepared."""
        self._bar.set_description_str(f"{self._name}: preparing {what}", refresh=False)
        self._bar.update()

    def on_problem(self, problem: str) -> None:
        """Reports something that cannot be read and is skipped."""
        if problem not in self.problems:
            self.problems.add(problem)
            self.on_note(f"{self._name}: left out: {problem}")

    def on_note(self, text: str) -> None:
        write_line(text, err=True)

    def on_resume(self, step: int) -> None:
        if step:
            self.on_note(f"{self._name}: resumes after step {step:,}.")

    def on_step(self, step: Step) -> None:
        if not self._epochs:
            # steps of an earlier process say nothing about the speed now
            self._bar.reset(total=step.steps)
            self._bar.initial = step.step
        self._epochs = step.epochs
        self._bar.set_description_str(
            f"{self._name} epoch {step.epoch} of {step.epochs}", refresh=False
        )
        figures = (
            f"loss {step.mean_loss:.3f}, accuracy {step.accuracy:.1%}, "
            f"rate {step.learning_rate:.2g}"
        )
        self._bar.set_postfix_str(figures, refresh=False)
        move(self._bar, step.step)

    def on_epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        entry = history[-1]
        parts = [
            f"{words} loss {entry[f'{side}_loss']:.3f}, accuracy {entry[f'{side}_accuracy']:.1%}"
            for side, words in (
                ("train", "training"),
                ("validation", "validation"),
                ("held_out", "held-out"),
            )
            if f"{side}_loss" in entry
        ]
        self.on_note(f"{self._name} epoch {entry['epoch']:.0f}: {'; '.join(parts)}")
