"""Worker processes that analyze clips side by side: started, given work, and replaced if killed."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self, TypeAlias

from sentistream.cli.clip_analysis import Failure, Options
from sentistream.cli.worker import Begun, Ended, Fatal, Message, Reached, Ready, Task, run_worker
from sentistream.errors import SentistreamError
from sentistream.operating_system import KILL, stop_signals_held_back
from sentistream.reports.output_files import RESERVE_NAME

MAX_TRIES = 2
"""Times a clip is tried whose worker dies."""

MAX_FAILED_STARTS = 3
"""Workers in a row that may die while they start."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker died; its clip is tried again later.

    Attributes:
        number: The clip's place.
        message: What happened, for the terminal.
    """

    number: int
    message: str


Event: TypeAlias = Begun | Reached | Ended | Died


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    task: Task | None
    ready: bool = False


class WorkerPool:
    """Analyzes clips in processes; leaves none behind when it is left.

    Where a worker dies (killed, out of memory, a crash in a decoder), another takes its place;
    its clip is tried once more after all others and then given up.

    Args:
        tasks: What to analyze, in the order in which it is begun.
        options: What the user asked for.
        workers: Processes, at least 1.
        debug: Whether a fault of the program in one clip ends all.
    """

    def __init__(
        self, tasks: Sequence[Task], options: Options, workers: int, *, debug: bool = False
    ) -> None:
        self._waiting = deque(tasks)
        self._options = options
        self._debug = debug
        self._count = workers
        self._workers: dict[Connection, _Worker] = {}
        self._deaths: Counter[int] = Counter()
        self._failed_starts = 0
        self._stopping = False
        # spawned: a fork would copy locks of threads that it does not have
        self._context = multiprocessing.get_context("spawn")

    def start(self) -> None:
        """Starts the first workers."""
        while self._waiting and len(self._workers) < self._count:
            self._start_worker()

    @property
    def busy(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self._workers)

    @property
    def not_begun(self) -> int:
        """How many clips wait for a worker."""
        return len(self._waiting)

    def wait(self) -> Sequence[Connection]:
        """Waits until a worker has something to say; for ``take``."""
        return wait(list(self._workers))  # type: ignore[return-value]

    def take(self, ready: Sequence[Connection]) -> Iterator[Event]:
        """What they say; gives them more to do.

        Raises:
            SentistreamError: All clips would meet the same.
        """
        for connection in ready:
            yield from self._take(connection)

    def stop(self) -> Iterator[Event]:
        """Has all workers close their files, and waits for it: what becomes of their clips."""
        self._stopping = True
        for connection in self._workers:
            with suppress(OSError):
                connection.send(None)
        while self._workers:
            for connection in self.wait():
                with suppress(SentistreamError):
                    yield from self._take(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection, worker in self._workers.items():
            connection.close()
            worker.process.kill()
            worker.process.join()
        self._workers = {}

    def _take(self, connection: Connection) -> Iterator[Event]:
        worker = self._workers[connection]
        try:
            message: Message = connection.recv()
        except (EOFError, OSError):
            yield from self._lose(connection, worker)
            return
        if isinstance(message, Ready):
            worker.ready = True
            self._failed_starts = 0
            return
        if isinstance(message, Fatal):
            worker.task = None
            if message.error is not None:
                raise message.error
            raise RuntimeError(f"A worker process met this:\n\n{message.trace}")
        if isinstance(message, Ended):
            worker.task = None
            if not self._stopping:
                self._give(connection, worker)
        yield message

    def _give(self, connection: Connection, worker: _Worker) -> None:
        """The next clip, or the end."""
        task = self._waiting.popleft() if self._waiting else None
        try:
            connection.send(task)
        except OSError:  # it has died, which is heard of next
            if task is not None:
                self._waiting.appendleft(task)
            return
        worker.task = task

    def _lose(self, connection: Connection, worker: _Worker) -> Iterator[Event]:
        """A worker has ended, or died."""
        connection.close()
        worker.process.join()
        del self._workers[connection]
        task = worker.task
        if task is not None:
            with suppress(OSError):  # it could not do so itself
                (task.folder / RESERVE_NAME).unlink(missing_ok=True)
            yield self._judge(task, worker)
        if not self._stopping:
            self.start()

    def _judge(self, task: Task, worker: _Worker) -> Event:
        """What becomes of a clip whose worker has died."""
        how = _how_it_ended(worker.process.exitcode)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise SentistreamError(
                    f"Worker processes {how} before they could begin.",
                    "Try --workers 1, which works without.",
                )
        self._deaths[task.number] += 1
        if self._deaths[task.number] < MAX_TRIES and not self._stopping:
            self._waiting.append(task)
            message = (
                f"{task.clip}: the process that analyzed it {how}; it is tried once more later."
            )
            return Died(task.number, message)
        often = " twice" if self._deaths[task.number] > 1 else ""
        problem = (
            f"The process that analyzed it {how}{often}. See whether memory ran out; fewer "
            "--workers take less."
        )
        killed = worker.process.exitcode == -KILL
        failure = Failure(problem, f"{task.clip}: {problem}", broken=not killed)
        return Ended(task.number, failure=failure)

    def _start_worker(self) -> None:
        task = self._waiting.popleft()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=run_worker,
            args=(theirs, self._options, self._debug),
            name="analysis worker",
            daemon=True,
        )
        try:
            with stop_signals_held_back():
                process.start()
        except BaseException:
            self._waiting.appendleft(task)
            ours.close()
            raise
        finally:
            theirs.close()
        self._workers[ours] = _Worker(process, task)
        with suppress(OSError):  # it has died, which is heard of next
            ours.send(task)


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"was ended by the signal {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by the signal {-code}"
    return f"ended unexpectedly with code {code}"
