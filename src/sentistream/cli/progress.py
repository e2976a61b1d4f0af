"""The progress bar: on the terminal's error stream, with the time left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    track,
)

T = TypeVar("T")


class Shown(Protocol):
    """Where progress is told."""

    def start(self, name: str, seconds: float | None) -> None: ...

    def reach(self, seconds: float, moments: int) -> None: ...


class Silence:
    """Tells nobody; for quiet runs and where nobody watches."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def start(self, name: str, seconds: float | None) -> None:
        """A clip begins."""

    def reach(self, seconds: float, moments: int) -> None:
        """It has come this far."""


class Bar:
    """One bar a clip; gone once the clip is done."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(show_speed=False),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

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

    def start(self, name: str, seconds: float | None) -> None:
        """A clip of this many seconds (None where not known) begins."""
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        self._task = self._progress.add_task(escape(name), total=seconds, rate="")

    def reach(self, seconds: float, moments: int) -> None:
        """It has come to this media time and number of moments."""
        elapsed = self._progress.tasks[0].elapsed
        rate = f"{moments / elapsed:.0f} frames/s" if elapsed and elapsed > 0.5 else ""
        self._progress.update(self._task, completed=seconds, rate=rate)


def tracked(items: Sequence[T], name: str) -> Iterable[T]:
    """The items, with a bar where somebody watches."""
    console = Console(stderr=True)
    return track(items, name, console=console, transient=True, disable=not console.is_terminal)
