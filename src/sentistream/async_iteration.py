"""Iterating in a thread what blocks, for programs with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


async def iterate_in_thread(iterator: Iterator[T]) -> AsyncIterator[T]:
    """The items of an iterator; each is waited for in a thread, so that the loop goes on.

    Raises:
        Exception: Whatever the iterator raises.
    """
    end = object()
    while True:
        item = await asyncio.to_thread(next, iterator, end)
        if item is end:
            return
        yield item  # type: ignore[misc]
