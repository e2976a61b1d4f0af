"""The worker process that analyzes clips, one after the other.

It communicates with its parent command over a pipe and ends with it, whatever happens.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

from sentistream.cli.clip_analysis import ClipAnalyzer, Failure, Options, failure_of
from sentistream.cli.inputs import Clip
from sentistream.cli.interruption import StopRequest
from sentistream.errors import SentistreamError
from sentistream.operating_system import ignore_stop_signals
from sentistream.values import ByValue

REPORT_INTERVAL = 0.25
"""Seconds between two progress reports of a clip."""


@dataclass(frozen=True, slots=True)
class Task:
    """A clip to analyze.

    Attributes:
        number: Its index among the clips, from 0.
        clip: The clip.
        folder: Where its results go.
        name: Its name in the progress display.
    """

    number: int
    clip: Clip
    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The results of a clip are begun; ``seconds`` is its length, None if not known."""

    number: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Reached:
    """A clip was analyzed up to this media time, in seconds."""

    number: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Ended(ByValue):
    """A clip has ended.

    Attributes:
        number: Its place.
        facts: Its summary; None if no results were begun.
        stopped: Whether it was stopped early.
        failure: Why it could not be analyzed.
    """

    number: int
    facts: dict[str, Any] | None = None
    stopped: bool = False
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Fatal:
    """An error that would affect every clip; the worker ends.

    Attributes:
        error: The error; None with ``--debug`` for a bug in the program.
        trace: The traceback of that.
    """

    error: SentistreamError | None
    trace: str = ""


Message: TypeAlias = Ready | Begun | Reached | Ended | Fatal


def run_worker(connection: Connection, options: Options, debug: bool) -> None:
    """The main function of the process: takes ``Task`` and None for the end, sends ``Message``.

    Args:
        connection: To the command.
        options: What the user asked for.
        debug: Whether a bug in the program is reported with its traceback and ends everything.
    """
    # Ctrl-C and kill are meant for the command, which then stops its workers
    ignore_stop_signals()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded
    tasks: SimpleQueue[Task | None] = SimpleQueue()
    stop = StopRequest()
    threading.Thread(target=_receive, args=(connection, tasks, stop), daemon=True).start()
    code = 1
    try:
        _work(connection, options, tasks, stop, debug)
        code = 0
    except (BrokenPipeError, ConnectionResetError):
        pass
    except Exception:
        traceback.print_exc()
    finally:
        connection.close()
        os._exit(code)  # a decoder that hangs does not keep the process alive


def _receive(connection: Connection, tasks: SimpleQueue[Task | None], stop: StopRequest) -> None:
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            os._exit(1)  # nobody is left to work for
        if task is None:
            stop.ask()
        tasks.put(task)


def _work(
    connection: Connection,
    options: Options,
    tasks: SimpleQueue[Task | None],
    stop: StopRequest,
    debug: bool,
) -> None:
    import sentistream.api  # noqa: F401 - what may fail in loading it is not the clip's fault

    analyzer = ClipAnalyzer(options, stop, threads=1)
    connection.send(Ready())
    while (task := tasks.get()) is not None:
        try:
            attempt = analyzer.analyze(
                task.clip, task.folder, task.name, _Reporter(connection, task.number)
            )
        except SentistreamError as error:
            connection.send(Fatal(error))
            return
        failure = None
        if attempt.error is not None:
            failure = failure_of(task.clip, attempt.error)
            if failure.broken and debug:
                connection.send(Fatal(None, "".join(traceback.format_exception(attempt.error))))
                return
        connection.send(Ended(task.number, attempt.facts, attempt.stopped, failure))


class _Reporter:
    """Sends how far a clip is."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._last = time.monotonic()

    def start(self, name: str, seconds: float | None) -> None:
        self._connection.send(Begun(self._number, seconds))

    def reach(self, seconds: float, moments: int) -> None:
        now = time.monotonic()
        if now - self._last >= REPORT_INTERVAL:
            self._last = now
            self._connection.send(Reached(self._number, seconds))
