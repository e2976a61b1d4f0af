"""Processes that work through many items in chunks; finished chunks are kept on disk."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sentistream.errors import skip_failures
from sentistream.training.examples import Arrays, load_arrays, save_arrays

_LEFT_OUT, _PROBLEMS = "items left out", "problems"
"""Arrays beside a chunk's results: which of its items could not be read, and why."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Maps a function over chunks of items, in several processes.

    Attributes:
        folder: Where finished chunks are kept; None to keep none.
        jobs: Number of processes; 1 works in this one.
        on_item: Called once for each item done, or found done.
        on_problem: Called with a sentence for each item that cannot be read, which is then left
            out; None to raise the error.
    """

    folder: Path | None = None
    jobs: int = 1
    on_item: Callable[[], None] = lambda: None
    on_problem: Callable[[str], None] | None = None

    def subfolder(self, name: str) -> WorkerPool:
        """The same pool with a folder of its own, for another function."""
        folder = None if self.folder is None else self.folder / name
        return replace(self, folder=folder)

    def map(
        self, work: Callable[[Sequence[_T]], Arrays], items: Iterable[_T], size: int
    ) -> Iterator[tuple[Sequence[_T], Arrays]]:
        """Yields chunks of items, without those left out, with their results, in order.

        A killed run loses only the chunks in progress; the next one with the same items and
        folder finds the others done.

        Args:
            work: A function at the top level of its module, as it runs in another process.
            items: What to work on.
            size: Items in a chunk.
        """
        pool = None if self.jobs == 1 else _pool(self.jobs)
        work_and_save = _work_and_save if self.on_problem is None else _work_and_save_readable
        waiting: deque[tuple[Sequence[_T], Future[Arrays] | Path]] = deque()
        try:
            for number, chunk in enumerate(_batches(items, size)):
                path = None if self.folder is None else self.folder / f"{number:05}.npz"
                if path is not None and path.exists():
                    waiting.append((chunk, path))
                elif pool is None:
                    waiting.append((chunk, _immediate(work_and_save, work, chunk, path)))
                else:
                    waiting.append((chunk, pool.submit(work_and_save, work, chunk, path)))
                # items are read only a little ahead of the work
                while len(waiting) > 2 * self.jobs or (waiting and pool is None):
                    yield from self._finished(*waiting.popleft())
            while waiting:
                yield from self._finished(*waiting.popleft())
        finally:
            if pool is not None:
                pool.shutdown(cancel_futures=True)

    def _finished(
        self, chunk: Sequence[_T], result: Future[Arrays] | Path
    ) -> Iterator[tuple[Sequence[_T], Arrays]]:
        arrays = load_arrays(result) if isinstance(result, Path) else result.result()
        for _ in chunk:
            self.on_item()
        places = arrays.pop(_LEFT_OUT, np.zeros(0, np.int64)).tolist()
        problems = arrays.pop(_PROBLEMS, np.zeros(0, np.str_)).tolist()
        if self.on_problem is not None:
            for problem in problems:
                self.on_problem(problem)
        if len(places) < len(chunk):
            yield [item for place, item in enumerate(chunk) if place not in places], arrays


def _batches(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    iterator = iter(items)
    while chunk := tuple(islice(iterator, size)):
        yield chunk


def _work_and_save(
    work: Callable[[Sequence[_T]], Arrays], chunk: Sequence[_T], path: Path | None
) -> Arrays:
    arrays = work(chunk)
    if path is not None:
        save_arrays(path, arrays)
    return arrays


def _work_and_save_readable(
    work: Callable[[Sequence[_T]], Arrays], chunk: Sequence[_T], path: Path | None
) -> Arrays:
    try:
        return _work_and_save(work, chunk, path)
    except OSError:  # of the folder for finished chunks
        raise
    except Exception:  # of an item: try each alone to find which
        left_out: dict[int, str] = {}
        for place, item in enumerate(chunk):
            problems: list[str] = []
            with skip_failures(_name(item), problems.append):
                work([item])
            left_out.update((place, problem) for problem in problems)
        others = [item for place, item in enumerate(chunk) if place not in left_out]
        arrays = work(others) if others else {}
        problem_arrays = {
            _LEFT_OUT: np.array(list(left_out), np.int64),
            _PROBLEMS: np.array(list(left_out.values()), np.str_),
        }
        return _work_and_save(lambda _: arrays | problem_arrays, chunk, path)


def _name(item: object) -> str:
    """The name of a recording or an image, or of the first one in a tuple."""
    first = item[0] if isinstance(item, tuple) and item else item
    return str(getattr(first, "path", None) or getattr(first, "name", None) or first)


def _immediate(function: Callable[..., Arrays], *arguments: Any) -> Future[Arrays]:
    future: Future[Arrays] = Future()
    future.set_result(function(*arguments))
    return future


def _pool(jobs: int) -> ProcessPoolExecutor:
    # a forked process could inherit locks held by threads it does not have
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    # Ctrl-C is for the main process, which then stops its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
