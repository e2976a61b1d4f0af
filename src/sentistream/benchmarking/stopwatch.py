"""Measures stages from outside: product code carries no timers."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


class Stopwatch:
    """Adds up the processor seconds spent in wrapped functions, in whatever thread; a nested
    one's are its own, not its caller's."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._threads = threading.local()

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, timed as ``stage``."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            inner = self._inner()
            inner.append(0.0)
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                passed = time.thread_time() - start
                self.seconds[stage] += passed - inner.pop()
                self.calls[stage] += 1
                inner[-1] += passed

        return timed

    def _inner(self) -> list[float]:
        """Of the stages under way in this thread, what was spent in stages within them."""
        if not hasattr(self._threads, "inner"):
            self._threads.inner = [0.0]
        inner: list[float] = self._threads.inner
        return inner

    @contextmanager
    def watching(self, *places: tuple[str, Any, str]) -> Iterator[Stopwatch]:
        """Times attributes of classes or modules for a while: (stage, owner, name) each."""
        with ExitStack() as stack:
            for stage, owner, name in places:
                original = getattr(owner, name)
                stack.callback(setattr, owner, name, original)
                setattr(owner, name, self.wrap(stage, original))
            yield self
