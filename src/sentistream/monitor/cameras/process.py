"""A worker's process as the server holds it."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable

from sentistream.monitor.cameras.job import Job
from sentistream.monitor.cameras.messages import Command, Finish, Message
from sentistream.monitor.cameras.worker import work

PRELOAD = ["sentistream.monitor.cameras.frugal", "sentistream.monitor.cameras.preload"]


class WorkerProcess:
    """Starts a worker and hands over what it says, in a thread that only it can hold up.

    Args:
        job: What the worker is to do.
        told: Runs of seconds that were told before.
        received: Takes each message, in that thread.
        ended: Called once nothing more will come, in that thread.
    """

    def __init__(
        self,
        job: Job,
        told: Iterable[tuple[int, int]],
        *,
        received: Callable[[WorkerProcess, Message], None],
        ended: Callable[[WorkerProcess], None],
    ) -> None:
        # not forked from the server, which has threads and secrets of its own
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=work,
            args=(job, theirs, tuple(told)),
            name=f"camera {job.camera}",
            daemon=True,
        )
        self._received = received
        self._ended = ended
        self._sending = threading.Lock()
        self._over = threading.Event()
        try:
            self._process.start()
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()
        self._thread = threading.Thread(
            target=self._listen, name=f"camera {job.camera}", daemon=True
        )
        self._thread.start()

    @property
    def number(self) -> int:
        """The process's number."""
        return self._process.pid or 0

    @property
    def is_over(self) -> bool:
        """Whether all it said has been handed over, and no more will come."""
        return self._over.is_set()

    @property
    def signal(self) -> int | None:
        """The signal that killed it, once it is over; None where none did."""
        code = self._process.exitcode
        return -code if code is not None and code < 0 else None

    def send(self, command: Command) -> None:
        """Tells it something; a worker that is gone does not hear it."""
        try:
            with self._sending:
                self._connection.send(command)
        except OSError:
            pass  # it is over, which is noticed elsewhere

    def finish(self) -> None:
        """Asks it to tell the second under way and to end."""
        self.send(Finish())

    def kill(self) -> None:
        """Ends it at once, whatever it does."""
        self._process.kill()

    def join(self, timeout: float) -> bool:
        """Waits until it is over; False when it was not in time."""
        return self._over.wait(timeout)

    def _listen(self) -> None:
        try:
            while True:
                self._received(self, self._connection.recv())
        except (EOFError, OSError):
            pass
        finally:
            # whatever was wrong with what it said: nobody hears it any more
            self._process.kill()
            self._process.join(timeout=5)
            with self._sending:
                self._connection.close()
            self._over.set()
            self._ended(self)
