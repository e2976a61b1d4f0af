"""A camera's worker: the process in which it is decoded, looked at and forgotten.

Pictures never leave it, except small ones with blurred people while somebody looks.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from sentistream.errors import SentistreamError
from sentistream.media import Source
from sentistream.monitor.cameras import ready
from sentistream.monitor.cameras.intake import Intake
from sentistream.monitor.cameras.job import Job
from sentistream.monitor.cameras.messages import Answered, Finish, Heartbeat, Look, Message, Over
from sentistream.monitor.cameras.seconds import Told
from sentistream.monitor.cameras.watcher import Watcher
from sentistream.profiles import Profile, get_profile
from sentistream.redaction import without_secrets

BEAT = 0.5
"""Seconds between heartbeats."""

TIDY = 30.0
"""Seconds between two givings back of memory: a few milliseconds each."""

_PATIENCE = 0.1  # seconds the loop waits for a moment before it looks about
_PR_SET_PDEATHSIG = 1


def work(job: Job, connection: Connection, told: Iterable[tuple[int, int]]) -> None:
    """Watches a camera until told to finish, until it ends, or until the server is gone.

    Args:
        job: What to do.
        connection: To the server; takes ``Command`` and gives ``Message``.
        told: Runs of seconds that were told before.
    """
    _die_with_the_server()
    _leave_no_pictures()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        _Worker(job, connection, Told(told)).run()
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        connection.close()
        # a source that hangs must not keep the process
        os._exit(0)


class _Worker:
    def __init__(self, job: Job, connection: Connection, told: Told) -> None:
        self._job = job
        self._connection = connection
        self._told = told
        self._profile: Profile = get_profile(job.profile).with_prior(job.prior)
        self._finishing = threading.Event()
        self._looked = threading.Event()
        self._preparing = job.opener.preparing
        self._beaten = float("-inf")
        self._tidied = time.monotonic()
        self._answered = False

    def run(self) -> None:
        """To the last word."""
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        self._tell(Heartbeat(preparing=self._preparing))
        watcher: Watcher | None = None
        try:
            if self._preparing:
                self._prepare()
                self._tell(Over(again=True))
                return
            analyzer = ready.take(self._profile, self._job.max_faces)
            watcher = Watcher(self._job, analyzer, self._tell, told=self._told)
            self._watch(watcher)
            last = Over()
        except SentistreamError as problem:
            last = Over(self._told_plainly(problem.problem), self._told_plainly(problem.way_out))
        except EOFError:
            last = Over()
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            last = Over(
                f"It failed in a way that was not foreseen ({type(error).__name__}).",
                "It is started again; if this goes on, report it with the log.",
                _places(error),
            )
        if watcher is not None:
            watcher.finish()
        self._tell(last)

    def _watch(self, watcher: Watcher) -> None:
        intake = Intake(self._open)
        try:
            while not self._finishing.is_set():
                taken = intake.take(_PATIENCE)
                if self._looked.is_set():
                    self._looked.clear()
                    watcher.look()
                if taken is not None:
                    watcher.take(taken, dropped=intake.dropped)
                else:
                    watcher.idle()
                self._answer(intake)
                now = time.monotonic()
                if now - self._tidied >= TIDY:
                    self._tidied = now
                    _tidy()
                if now - self._beaten >= BEAT:
                    self._beaten = now
                    beat = watcher.heartbeat(dropped=intake.dropped, damaged=intake.damaged)
                    self._tell(replace(beat, remarks=intake.remarks))
        finally:
            intake.close()

    def _prepare(self) -> None:
        """Does what has to be done first, and goes on beating."""
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(self._job.opener.prepare)
            while not wait([done], BEAT).done:
                if self._finishing.is_set():
                    os._exit(0)
                self._tell(Heartbeat(preparing=self._preparing))
            done.result()

    def _open(self) -> Source:
        return self._job.opener.open(
            tick=self._profile.tick, sound_window=self._profile.sound_window
        )

    def _answer(self, intake: Intake) -> None:
        """A visitor's browser waits for an answer."""
        answer = getattr(intake.source, "answer", None)
        if not self._answered and isinstance(answer, str):
            self._answered = True
            self._tell(Answered(answer))

    def _listen(self) -> None:
        """The thread that hears the server."""
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # the server is gone, and nobody is left to tell
            if isinstance(command, Look):
                self._looked.set()
            elif isinstance(command, Finish):
                self._finishing.set()

    def _tell(self, message: Message) -> None:
        self._connection.send(message)

    def _told_plainly(self, text: str) -> str:
        return without_secrets(text, self._job.secrets)


def _die_with_the_server() -> None:
    """The fork server ends with the server, and by that the kernel ends this process.

    So it ends even where it hangs in a decoder.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # each worker holds the pipe by which the fork server knows that it is needed
    alive = getattr(forkserver, "_forkserver", None)
    held = getattr(alive, "_forkserver_alive_fd", None)
    if alive is not None and held is not None:
        os.close(held)
        alive._forkserver_alive_fd = None
    if os.getppid() != parent or parent == 1:
        os._exit(0)


def _leave_no_pictures() -> None:
    """No memory, and so no picture, is written to disk if the process crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/coredump_filter").write_text("0", encoding="ascii")


def _tidy() -> None:
    """Gives memory back that pictures held: objects that know each other, and freed pieces."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _places(error: BaseException) -> str:
    """Where in the program it happened; no values, which may be secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return "; ".join(f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames)
