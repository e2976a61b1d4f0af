"""A bar that counts things done, on the terminal's error stream."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


def counting(*, bytes_: bool = False) -> Progress:
    """A bar with the number of things (or bytes), time taken and time left; silent in pipes."""
    console = Console(stderr=True)
    told: list[ProgressColumn] = [MofNCompleteColumn()]
    if bytes_:
        told = [DownloadColumn(), TransferSpeedColumn()]
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *told,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
