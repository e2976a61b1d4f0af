"""Workers on a Ray cluster: started, given clips, and replaced when they or their nodes die.

The only module that imports Ray. It uses neither Ray's retries nor its data sets: Ray Data
restarts work whose worker dies without limit, so one clip that crashes a decoder would keep an
archive from ever finishing.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

from sentistream import __version__
from sentistream.cli.archive.ledger import Waiting
from sentistream.cli.archive.storage import EXTRA
from sentistream.cli.archive.worker import MEMORY, ArchiveWorker, Hello, Outcome, Settings
from sentistream.errors import MissingExtraError, SentistreamError
from sentistream.operating_system import stop_signals
from sentistream.redaction import shown_object, without_secrets

LOCAL = "local"
"""The address for a cluster of this machine alone, made for the run."""

MAX_FAILED_STARTS = 3
"""Most workers in a row that may die while they start."""

START_TIMEOUT = 300.0
"""Most seconds for which the cluster may have no worker."""

CONNECT_TIMEOUT = 10.0
"""Seconds in which a cluster's head must answer."""

OBJECT_STORE = 100 * 1024 * 1024
"""Bytes of shared memory for a local cluster: clips and tables do not pass through it."""

PROGRESS_INTERVAL = 2.0
"""Seconds between two progress queries to a worker."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A try at a clip has ended."""

    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker or its node died; ``number`` is the clip it was working on."""

    number: int


@dataclass(frozen=True, slots=True)
class Reached:
    """A clip was analyzed up to this media time, out of its length if known; both in seconds."""

    number: int
    seconds: float
    length: float | None


Event: TypeAlias = Ended | Lost | Reached


@dataclass(slots=True, eq=False)
class _Worker:
    actor: Any
    ready: bool = False
    task: Waiting | None = None
    call: Any = None


class RayPool:
    """Actors on a Ray cluster that analyze clips; a context manager that removes all of them.

    Args:
        address: ``LOCAL``, ``auto``, or ``HOST:PORT`` of a cluster's head.
        workers: How many at most; None for one for each core of the cluster.
        settings: Those of the run.

    Raises:
        MissingExtraError: Ray is not installed.
        SentistreamError: The cluster cannot be reached.
    """

    def __init__(self, address: str, workers: int | None, settings: Settings) -> None:
        self._settings = settings
        self._ray = _load(local=address == LOCAL)
        self._exceptions = self._ray.exceptions
        self._workers: dict[Any, _Worker] = {}
        self._failed_starts = 0
        self._asked = time.monotonic()
        self._alone_since = time.monotonic()
        self._connect(address, workers)
        resources = self._ray.cluster_resources()
        self._count = workers or max(1, int(resources.get("CPU", 1)))
        if settings.gpus:
            room = int(resources.get("GPU", 0) / settings.gpus + 1e-9)
            if not room:
                self._ray.shutdown()
                raise SentistreamError(
                    f"The cluster has no {settings.gpus:g} of a GPU for a worker.",
                    "Leave --gpus out, or take a cluster whose nodes tell Ray of their GPUs.",
                )
            self._count = min(self._count, room)
        self._class = self._ray.remote(concurrency_groups={"progress": 1})(ArchiveWorker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            if kind is None and worker.ready:
                worker.actor.close.remote()
        if kind is None and self._workers:
            time.sleep(0.2)  # they tidy up
        for worker in self._workers.values():
            self._ray.kill(worker.actor)
        self._workers = {}
        self._ray.shutdown()

    def start(self, waiting: int) -> None:
        """Starts workers, as many as there is work for."""
        busy = sum(worker.task is not None for worker in self._workers.values())
        while len(self._workers) < min(self._count, busy + waiting):
            self._start_worker()

    @property
    def free(self) -> int:
        """How many workers are idle."""
        return sum(each.ready and each.task is None for each in self._workers.values())

    @property
    def busy(self) -> bool:
        """Whether any worker is busy."""
        return any(worker.task is not None for worker in self._workers.values())

    def give(self, task: Waiting) -> None:
        """Has a free worker analyze a clip."""
        ref, worker = next(
            (ref, each) for ref, each in self._workers.items() if each.ready and each.task is None
        )
        del self._workers[ref]
        worker.task = task
        self._workers[worker.actor.analyze.remote(task.clip)] = worker

    def wait(self, seconds: float) -> Iterator[Event]:
        """The next event, if there is one within some seconds.

        Raises:
            SentistreamError: No worker can start.
        """
        pending = [ref for ref, each in self._workers.items() if each.task or not each.ready]
        if pending:
            ready, _ = self._ray.wait(pending, num_returns=1, timeout=seconds)
            more, _ = self._ray.wait(pending, num_returns=len(pending), timeout=0)
            for ref in dict.fromkeys((*ready, *more)):
                yield from self._take(ref)
        yield from self._progress()
        if any(worker.ready for worker in self._workers.values()):
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > START_TIMEOUT:
            raise SentistreamError(
                f"The cluster had no worker to offer for {START_TIMEOUT:.0f} seconds.",
                f"Each takes a core and {MEMORY >> 20} MB of memory; see with: ray status.",
            )

    def _take(self, ref: Any) -> Iterator[Event]:
        worker = self._workers[ref]
        try:
            reply = self._ray.get(ref)
        except self._exceptions.RayError as error:
            del self._workers[ref]
            yield from self._lose(worker, error)
            return
        if isinstance(reply, Hello):
            _check(reply, self._settings)
            worker.ready = True
            self._failed_starts = 0
            return
        task, worker.task = worker.task, None
        if task is not None:
            yield Ended(task.number, reply)
        if reply.full:
            del self._workers[ref]
            self._ray.kill(worker.actor)

    def _lose(self, worker: _Worker, error: Exception) -> Iterator[Event]:
        if worker.task is not None:
            yield Lost(worker.task.number)
            return
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            reply = without_secrets(str(error).strip().splitlines()[-1])
            raise SentistreamError(
                f"Workers die before they can begin ({reply}).",
                f"Every node needs sentistream {__version__} with the extra {EXTRA}, and what the "
                "runtime needs; `sentistream doctor` on it says more.",
            )

    def _progress(self) -> Iterator[Event]:
        now = time.monotonic()
        ask = now - self._asked >= PROGRESS_INTERVAL
        for worker in self._workers.values():
            if worker.task is None:
                worker.call = None
                continue
            if worker.call is None:
                if ask:
                    number = worker.task.number
                    method = worker.actor.reached.options(concurrency_group="progress")
                    worker.call = (number, method.remote())
                continue
            number, ref = worker.call
            if not self._ray.wait([ref], timeout=0)[0]:
                continue
            worker.call = None
            try:
                seconds, length = self._ray.get(ref)
            except self._exceptions.RayError:
                continue
            if number == worker.task.number:
                yield Reached(number, seconds, length)
        if ask:
            self._asked = now

    def _start_worker(self) -> None:
        # Ray neither restarts an actor nor repeats its calls unless it is told to
        actor = self._class.options(
            num_cpus=1,
            num_gpus=self._settings.gpus,
            memory=MEMORY,
            scheduling_strategy="SPREAD",
        ).remote(self._settings)
        self._workers[actor.hello.remote()] = _Worker(actor)

    def _connect(self, address: str, workers: int | None) -> None:
        handlers = {each: signal.getsignal(each) for each in stop_signals()}
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if ":" in address:
                _reach(address)
            if address == LOCAL:
                self._ray.init(
                    "local",
                    num_cpus=workers,
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE,
                    **quiet,
                )
            else:
                self._ray.init(address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            reply = str(error).strip().splitlines() or [type(error).__name__]
            raise SentistreamError(
                f"The Ray cluster {without_secrets(address)} cannot be reached "
                f"({without_secrets(reply[0]).rstrip('.')}).",
                "Check its address, or leave it out for a cluster of this machine alone.",
            ) from error
        finally:
            for number, handler in handlers.items():  # Ray puts its own there
                if handler is not None:
                    signal.signal(number, handler)


def _load(*, local: bool) -> Any:
    """Ray, set up before it is loaded: no telemetry; a local cluster for this run alone."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray would print events of its nodes between our own lines, or those of --json
    os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = ".*"
    if local:
        # as on macOS and Windows: everything listens on the loopback address only
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError("Analyzing on Ray", EXTRA) from error
    return ray


def _reach(address: str) -> None:
    """Fails where nothing listens: Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT).close()


def _check(hello: Hello, settings: Settings) -> None:
    if hello.version != __version__:
        raise SentistreamError(
            f"The node {hello.host} has sentistream {hello.version}, not {__version__}.",
            "Install the same version on every node.",
        )
    if not hello.sees:
        raise SentistreamError(
            f"The node {hello.host} does not see the results' place {shown_object(settings.out)}.",
            "Name a folder that all nodes share, or an object store, with --out.",
        )
