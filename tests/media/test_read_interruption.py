"""The clock that interrupts one thread's reads, and no other thread's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import av.container.core
import pytest

from sentistream.media.read_interruption import ended, interrupt


def clock() -> float:
    """The clock that PyAV reads."""
    return float(vars(av.container.core)["time"].monotonic())


def test_uninterrupted_thread_sees_the_real_clock() -> None:
    assert clock() == pytest.approx(time.monotonic(), abs=1)


def test_interruption_ends_current_and_later_reads() -> None:
    start: list[float] = []
    started, interrupted = threading.Event(), threading.Event()

    def read() -> None:
        start.append(clock())  # a read in progress
        started.set()
        interrupted.wait(5)
        start.extend(clock() for _ in range(3))
        ended()

    thread = threading.Thread(target=read)
    thread.start()
    started.wait(5)
    interrupt(thread)
    interrupted.set()
    thread.join()
    first, *later = start
    assert first == pytest.approx(time.monotonic(), abs=5)
    for before, now in zip(start, later, strict=False):
        assert now > before + 3600  # beyond any timeout


def test_another_thread_with_the_same_id_is_not_interrupted() -> None:
    """A thread may be interrupted at the moment it ends anyway."""
    over, interrupted = threading.Event(), threading.Event()

    def end() -> None:
        ended()
        over.set()
        interrupted.wait(5)

    thread = threading.Thread(target=end)
    thread.start()
    over.wait(5)
    interrupt(thread)
    interrupted.set()
    thread.join()
    seen = dict[int, float]()

    def look() -> None:
        seen[threading.get_ident()] = clock()

    for _ in range(200):
        run(look)
        if thread.ident in seen:
            break
    else:
        pytest.skip("this system does not reuse thread IDs")
    assert seen[thread.ident] == pytest.approx(time.monotonic(), abs=5)


def run(target: Callable[[], None]) -> None:
    other = threading.Thread(target=target)
    other.start()
    other.join()
