"""Work on many items in processes, a chunk at a time, each chunk kept once it is done."""

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
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentistream.errors import skip_failures
from sentistream.training.examples import save_arrays

Arrays: TypeAlias = dict[str, NDArray[Any]]

_LEFT_OUT, _PROBLEMS = "items left out", "problems"
"""Beside what was made of a chunk: which of its items could not be read, and why."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where and how preparation works.

    Attributes:
        folder: Where finished chunks are kept; None to keep none.
        jobs: Processes; 1 works in this one.
        on_item: Called once for each item done, or found done.
        on_problem: Told what is wrong with an item that cannot be read, which is left out; None
            to raise it.
    """

    folder: Path | None = None
    jobs: int = 1
    on_item: Callable[[], None] = lambda: None
    on_problem: Callable[[str], None] | None = None

    def within(self, name: str) -> Workshop:
        """The same with a folder of its own, for another kind of work."""
        folder = None if self.folder is None else self.folder / name
        return replace(self, folder=folder)

    def map(
        self, work: Callable[[Sequence[_T]], Arrays], items: Iterable[_T], size: int
    ) -> Iterator[tuple[Sequence[_T], Arrays]]:
        """Chunks of items with what ``work`` makes of them, in order; without those left out.

        A run killed in the middle loses no more than the chunks being worked on; the next one
        with the same items and folder finds the others done.

        Args:
            work: A function at the top of its module, for it runs in another process.
            size: Items in a chunk.
        """
        pool = None if self.jobs == 1 else _pool(self.jobs)
        kept = _kept if self.on_problem is None else _kept_of_the_readable
        waiting: deque[tuple[Sequence[_T], Future[Arrays] | Path]] = deque()
        try:
            for number, chunk in enumerate(_batches(items, size)):
                path = None if self.folder is None else self.folder / f"{number:05}.npz"
                if path is not None and path.exists():
                    waiting.append((chunk, path))
                elif pool is None:
                    waiting.append((chunk, _immediate(kept, work, chunk, path)))
                else:
                    waiting.append((chunk, pool.submit(kept, work, chunk, path)))
                # only a little is read ahead of what is worked on
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
        if isinstance(result, Path):
            with np.load(result, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        else:
            arrays = result.result()
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


def _kept(work: Callable[[Sequence[_T]], Arrays], chunk: Sequence[_T], path: Path | None) -> Arrays:
    arrays = work(chunk)
    if path is not None:
        save_arrays(path, arrays)
    return arrays


def _kept_of_the_readable(
    work: Callable[[Sequence[_T]], Arrays], chunk: Sequence[_T], path: Path | None
) -> Arrays:
    try:
        return _kept(work, chunk, path)
    except OSError:  # of the folder it is kept in
        raise
    except Exception:  # of an item, which is found by trying each alone
        left_out: dict[int, str] = {}
        for place, item in enumerate(chunk):
            problems: list[str] = []
            with skip_failures(_name(item), problems.append):
                work([item])
            left_out.update((place, problem) for problem in problems)
        others = [item for place, item in enumerate(chunk) if place not in left_out]
        arrays = work(others) if others else {}
        told = {
            _LEFT_OUT: np.array(list(left_out), np.int64),
            _PROBLEMS: np.array(list(left_out.values()), np.str_),
        }
        return _kept(lambda _: arrays | told, chunk, path)


def _name(item: object) -> str:
    """Of a recording or an image, alone or the first of several things."""
    named = item[0] if isinstance(item, tuple) and item else item
    return str(getattr(named, "path", None) or getattr(named, "name", None) or named)


def _immediate(function: Callable[..., Arrays], *arguments: Any) -> Future[Arrays]:
    future: Future[Arrays] = Future()
    future.set_result(function(*arguments))
    return future


def _pool(jobs: int) -> ProcessPoolExecutor:
    # a forked process would share locks with threads that it does not have
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    # Ctrl-C is for the main process, which then ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
