"""Progress bars: on the terminal's error stream, gone when they are done, silent in pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from tqdm import tqdm

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
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def start(self, name: str, seconds: float | None) -> None:
        """A clip of this many seconds (None where not known) begins."""
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


def counting(name: str, total: int | None = None, *, bytes_: bool = False) -> tqdm[Any]:
    """A bar that counts things or bytes done, with the time taken and left."""
    how: dict[str, Any] = {"unit": "B", "unit_scale": True} if bytes_ else {"unit": ""}
    return tqdm(desc=name, total=total, leave=False, disable=None, **how)


def move(bar: tqdm[Any], done: float) -> None:
    """Says how much is done in all."""
    bar.update(done - bar.n)


def say(text: str, *, err: bool = False) -> None:
    """Prints a line above the bar, where there is one."""
    tqdm.write(text, file=sys.stderr if err else sys.stdout)


def tracked(items: Sequence[T], name: str) -> Iterable[T]:
    """The items, with a bar where somebody watches."""
    shown: Iterable[T] = tqdm(items, desc=name, leave=False, disable=None)
    return shown


def status() -> tqdm[Any]:
    """A line that says what is being done; tell it with ``set_description_str``."""
    return tqdm(total=0, bar_format="{desc} {elapsed}", leave=False, disable=None)
