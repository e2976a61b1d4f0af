"""Asynchronous iteration over a blocking iterator, in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


async def iterate_in_thread(iterator: Iterator[T]) -> AsyncIterator[T]:
    """The items of an iterator; a thread waits for each, so that the event loop is not blocked.

    Raises:
        Exception: Whatever the iterator raises.
    """
    end = object()
    while True:
        item = await asyncio.to_thread(next, iterator, end)
        if item is end:
            return
        yield item  # type: ignore[misc]
