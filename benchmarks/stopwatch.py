"""Measures stages from outside: product code carries no timers."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


class Stopwatch:
    """Adds up the seconds spent in wrapped functions; a nested one's are its own, not its
    caller's. For one thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inner = [0.0]

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed as ``stage``."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                passed = time.perf_counter() - start
                self.seconds[stage] += passed - self._inner.pop()
                self.calls[stage] += 1
                self._inner[-1] += passed

        return timed

    @contextmanager
    def watching(self, *places: tuple[str, Any, str]) -> Iterator[Stopwatch]:
        """Times attributes of classes or modules for a while: (stage, owner, name) each."""
        with ExitStack() as stack:
            for stage, owner, name in places:
                original = getattr(owner, name)
                stack.callback(setattr, owner, name, original)
                setattr(owner, name, self.wrap(stage, original))
            yield self
