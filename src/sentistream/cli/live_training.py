"""Training on the terminal: one live line, and a line for each finished epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sentistream.training.observers import Observer, Step


class LiveTraining(Observer):
    """A bar over the whole run with its figures and the time left; use it as a context.

    Args:
        name: The network's.
        console: Where it is drawn; without a terminal only epochs are written.
    """

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._epochs = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            speed_estimate_period=120,
        )
        self._task = self._progress.add_task(f"{name}: preparing", total=None, figures="", left="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_prepare(self, what: str) -> None:
        """Something more of ``what`` is prepared."""
        self._progress.update(self._task, description=f"{self._name}: preparing {what}", advance=1)

    def on_note(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, soft_wrap=True)

    def on_resume(self, step: int) -> None:
        if step:
            self.on_note(f"{self._name}: goes on after step {step:,}.")

    def on_step(self, step: Step) -> None:
        if not self._epochs:
            # what was done before a kill says nothing about the speed now
            self._progress.reset(self._task, total=step.steps, completed=step.step)
        self._epochs = step.epochs
        self._progress.update(
            self._task,
            completed=step.step,
            description=f"{self._name} epoch {step.epoch} of {step.epochs}",
            figures=f"loss {step.mean_loss:.3f}, accuracy {step.accuracy:.1%}, "
            f"rate {step.rate:.2g}",
            left="left",
        )

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
