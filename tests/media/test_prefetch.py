"""Prefetching: order, bounds, errors, and a prompt end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from sentistream.media.prefetch import prefetch


def test_order_is_kept() -> None:
    assert list(prefetch(range(1000), 3)) == list(range(1000))


def test_prefetch_stays_within_its_depth() -> None:
    contexts: list[int] = []
    waiting = threading.Event()

    def items() -> Iterator[int]:
        for item in range(100):
            contexts.append(item)
            if item == 4:
                waiting.set()
            yield item

    with prefetch(items(), 4) as ahead:
        assert waiting.wait(10)
        assert next(ahead) == 0
    # one consumed, four queued, one held by the thread
    assert len(contexts) <= 6


def test_errors_follow_the_items_before_them() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("disk gone")

    ahead = prefetch(items(), 8)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(OSError, match="disk gone"):
        next(ahead)
    assert list(ahead) == []


def test_close_ends_the_thread_and_the_generator() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    ahead = prefetch(items(), 2)
    assert next(ahead) == 1
    ahead.close()
    assert ended.is_set()
    assert list(ahead) == []


def test_abandoned_threads_end() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.set()

    ahead = prefetch(items(), 2)
    next(ahead)
    del ahead
    gc.collect()
    assert ended.wait(10)


def test_depth_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        prefetch([1], 0)
