"""Progress bars: on the terminal's error stream, gone when they are done, silent in pipes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self, TypeVar

import click
from tqdm import tqdm

T = TypeVar("T")


class Shown(Protocol):
    """Where progress is reported."""

    def start(self, name: str, seconds: float | None) -> None: ...

    def reach(self, seconds: float, moments: int) -> None: ...


class Silence:
    """Reports nothing; for quiet runs and without a terminal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def start(self, name: str, seconds: float | None) -> None:
        """A clip begins."""

    def reach(self, seconds: float, moments: int) -> None:
        """Its progress."""


class Bar:
    """One bar per clip, removed once the clip is done."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self, name: str, seconds: float | None) -> None:
        """A clip of this many seconds (None if not known) begins."""
        self._end()
        part = "{l_bar}{bar}| " if seconds else "{desc}: "
        left = " left {remaining}" if seconds else ""
        self._bar = tqdm(
            desc=name,
            total=seconds,
            bar_format=f"{part}{{elapsed}}{left}{{postfix}}",
            leave=False,
            disable=None,
        )

    def reach(self, seconds: float, moments: int) -> None:
        """It has come to this media time and number of moments."""
        bar = self._bar
        if bar is None or bar.disable:
            return
        elapsed = bar.format_dict["elapsed"]
        if elapsed > 0.5:
            bar.set_postfix_str(f"{moments / elapsed:.0f} frames/s", refresh=False)
        move(bar, seconds)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Clips:
    """Progress of several clips analyzed at once; does not display anything.

    Args:
        total: How many there are.
    """

    def __init__(self, total: int) -> None:
        self.total: int = total
        self.done: int = 0
        self._running: dict[int, tuple[str, float | None, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, number: int, name: str, seconds: float | None) -> None:
        """A clip of this many seconds (None if not known) begins."""
        self._running[number] = (name, seconds, 0.0)
        self.show()

    def reach(self, number: int, seconds: float, length: float | None = None) -> None:
        """It has come to this media time; ``length`` where that was not known at its start."""
        if number in self._running:
            name, total, _ = self._running[number]
            self._running[number] = (name, length or total, seconds)
            self.show()

    def grow(self, total: int) -> None:
        """There are more clips than was known."""
        self.total = total
        self.show()

    def end(self, number: int, *, done: bool = True) -> None:
        """It is done, or (``done`` False) will be restarted later."""
        self._running.pop(number, None)
        self.done += done
        self.show()

    def show(self) -> None:
        """Something has changed."""

    def close(self) -> None:
        """Ends the display."""

    @property
    def amount(self) -> float:
        """Clips done, with the shares of those that are running."""
        shares = (
            min(1.0, reached / seconds) for _, seconds, reached in self._running.values() if seconds
        )
        return self.done + sum(shares)

    @property
    def running(self) -> str:
        """The first few running clips and their progress."""
        shown = [
            f"{name} {min(1.0, reached / seconds):.0%}" if seconds else name
            for name, seconds, reached in list(self._running.values())[:_NAMED]
        ]
        more = len(self._running) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


_NAMED = 3
"""Most clips named in the progress display."""

LINE_INTERVAL = 60.0
"""Seconds between two lines of progress where there is no terminal."""


class ClipsBar(Clips):
    """One bar for all of them."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._bar: tqdm[Any] = tqdm(
            total=total,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed} left {remaining}{postfix}",
            leave=False,
            disable=None,
        )
        self.show()

    def show(self) -> None:
        self._bar.total = self.total
        self._bar.set_description_str(f"{self.done} of {self.total} clips", refresh=False)
        self._bar.set_postfix_str(self.running, refresh=False)
        move(self._bar, self.amount)

    def close(self) -> None:
        self._bar.close()


class ClipsLines(Clips):
    """Occasional lines, for logs."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._last = time.monotonic()

    def show(self) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_INTERVAL:
            self._last = now
            running = f"; running: {self.running}" if self.running else ""
            click.echo(f"{self.done} of {self.total} clips are done{running}", err=True)


def clips_shown(total: int, *, quiet: bool) -> Clips:
    """A display for several clips that fits the output: a bar, lines, or nothing."""
    if quiet:
        return Clips(total)
    return ClipsBar(total) if sys.stderr.isatty() else ClipsLines(total)


def shortened(name: str, most: int = 28) -> str:
    """A name that leaves room for the bar."""
    return name if len(name) <= most else f"...{name[3 - most :]}"


def echo(text: str, *, err: bool = False) -> None:
    """Prints a line, above the bar if there is one."""
    with tqdm.external_write_mode(sys.stderr if err else sys.stdout):
        click.echo(text, err=err)


def counting(name: str, total: int | None = None, *, bytes_: bool = False) -> tqdm[Any]:
    """A bar that counts things or bytes done, with the time taken and left."""
    how: dict[str, Any] = {"unit": "B", "unit_scale": True} if bytes_ else {"unit": ""}
    return tqdm(desc=name, total=total, leave=False, disable=None, **how)


def move(bar: tqdm[Any], done: float) -> None:
    """Sets a bar to the total done so far."""
    bar.update(done - bar.n)


def write_line(text: str, *, err: bool = False) -> None:
    """Prints a line above the bar, where there is one."""
    tqdm.write(text, file=sys.stderr if err else sys.stdout)


def tracked(items: Sequence[T], name: str) -> Iterable[T]:
    """The items, with a bar on a terminal."""
    shown: Iterable[T] = tqdm(items, desc=name, leave=False, disable=None)
    return shown


def status() -> tqdm[Any]:
    """A status line; set it with ``set_description_str``."""
    return tqdm(total=0, bar_format="{desc} {elapsed}", leave=False, disable=None)
