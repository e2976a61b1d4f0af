"""A camera's worker process: its code, and how the server starts and controls it.

Pictures never leave it, except small ones with blurred people while somebody looks.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from sentistream.analyzer import Analyzer
from sentistream.errors import SentistreamError
from sentistream.media import Source
from sentistream.monitor.cameras.capture import Capture
from sentistream.monitor.cameras.pipeline import Pipeline
from sentistream.monitor.cameras.second_aggregator import EmittedSeconds
from sentistream.monitor.cameras.worker_protocol import (
    CameraJob,
    Command,
    Heartbeat,
    Message,
    PreviewRequest,
    SdpAnswer,
    Shutdown,
    WorkerExit,
)
from sentistream.operating_system import (
    disable_core_dumps,
    end_with_parent,
    ignore_stop_signals,
    return_freed_memory,
    worker_context,
)
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, Profile, get_profile
from sentistream.redaction import without_secrets
from sentistream.translatable import Translatable

HEARTBEAT_INTERVAL = 0.5
"""Seconds between heartbeats."""

TRIM_INTERVAL = 30.0
"""Seconds between two rounds of returning memory to the system: a few milliseconds each."""

PRELOAD = ["sentistream.monitor.cameras.forkserver"]
"""What the fork server imports before the first worker is forked from it."""

_READ_TIMEOUT = 0.1  # seconds the loop waits for a moment before its other tasks

_preloaded: list[Analyzer] = []


def preload_analyzer() -> None:
    """Builds an analyzer in the fork server: building one is most of a worker's start-up time.

    Raises:
        ModelError: A network is missing or altered.
    """
    _preloaded.append(Analyzer(DEFAULT_PROFILE, max_faces=MAX_FACES))


def make_analyzer(profile: Profile, max_faces: int) -> Analyzer:
    """The preloaded one if it fits, else a new one. Call it once in each process."""
    if _preloaded and (profile, max_faces) == (get_profile(DEFAULT_PROFILE), MAX_FACES):
        return _preloaded.pop()
    return Analyzer(profile, max_faces=max_faces)


class WorkerProcess:
    """The server's handle of a worker: starts it, and receives its messages in a thread.

    Args:
        job: What the worker is to do.
        emitted: Runs of seconds that earlier workers of this camera have sent.
        on_message: Called with each message, in that thread.
        on_end: Called once after the last message, in that thread.
    """

    def __init__(
        self,
        job: CameraJob,
        emitted: Iterable[tuple[int, int]],
        *,
        on_message: Callable[[WorkerProcess, Message], None],
        on_end: Callable[[], None],
    ) -> None:
        # not forked from the server, which has threads and secrets
        context = worker_context(PRELOAD)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=run_worker,
            args=(job, theirs, tuple(emitted)),
            name=f"camera {job.camera}",
            daemon=True,
        )
        self._on_message = on_message
        self._on_end = on_end
        self._send_lock = threading.Lock()
        self._ended = threading.Event()
        try:
            self._process.start()
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()
        threading.Thread(target=self._receive, name=f"camera {job.camera}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid or 0

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended and all of its messages have been handed over."""
        return self._ended.is_set()

    @property
    def killed_by(self) -> int | None:
        """The signal that killed it, once it has ended; None if none did."""
        code = self._process.exitcode
        return -code if code is not None and code < 0 else None

    def send(self, command: Command) -> None:
        """Sends a command; does nothing if the worker is gone."""
        with contextlib.suppress(OSError), self._send_lock:
            self._connection.send(command)

    def kill(self) -> None:
        """Kills the process at once."""
        self._process.kill()

    def _receive(self) -> None:
        try:
            while True:
                self._on_message(self, self._connection.recv())
        except (EOFError, OSError):
            pass
        finally:
            # also after an invalid message: nobody reads from it any more
            self._process.kill()
            self._process.join(timeout=5)
            with self._send_lock:
                self._connection.close()
            self._ended.set()
            self._on_end()


def run_worker(job: CameraJob, connection: Connection, emitted: Iterable[tuple[int, int]]) -> None:
    """The worker's main function: runs until a ``Shutdown``, the source's end or the server's.

    Args:
        job: What to do.
        connection: To the server; receives ``Command`` and sends ``Message``.
        emitted: Runs of seconds that earlier workers of this camera have sent.
    """
    die_with_server()
    disable_core_dumps()
    ignore_stop_signals()  # the server stops its workers
    try:
        _Worker(job, connection, EmittedSeconds(emitted)).run()
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        connection.close()
        # a source that hangs must not keep the process alive
        os._exit(0)


class _Worker:
    def __init__(self, job: CameraJob, connection: Connection, emitted: EmittedSeconds) -> None:
        self._job = job
        self._connection = connection
        self._emitted = emitted
        self._profile: Profile = get_profile(job.profile).with_prior(job.prior)
        self._shutdown = threading.Event()
        self._preview_wanted = threading.Event()
        self._preparing = job.opener.preparing
        self._last_heartbeat = float("-inf")
        self._last_trim = time.monotonic()
        self._answer_sent = False

    def run(self) -> None:
        """Everything up to and including the last message."""
        threading.Thread(target=self._receive_commands, name="commands", daemon=True).start()
        self._send(Heartbeat(preparing=self._preparing))
        pipeline: Pipeline | None = None
        try:
            if self._preparing:
                self._prepare()
                # memory left over from rendering the clip is not kept for the camera's lifetime
                self._send(WorkerExit(prepared=True))
                return
            analyzer = make_analyzer(self._profile, self._job.max_faces)
            pipeline = Pipeline(self._job, analyzer, self._send, emitted=self._emitted)
            self._process_camera(pipeline)
            exit_message = WorkerExit()
        except SentistreamError as error:
            exit_message = WorkerExit(self._redact(error.problem), self._redact(error.way_out))
        except EOFError:
            exit_message = WorkerExit()
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            exit_message = WorkerExit(
                Translatable("It failed unexpectedly ({kind}).", kind=type(error).__name__),
                "It will be restarted; if this continues, report it with the log.",
                _locations(error),
            )
        if pipeline is not None:
            pipeline.flush()
        self._send(exit_message)

    def _process_camera(self, pipeline: Pipeline) -> None:
        capture = Capture(self._open)
        try:
            while not self._shutdown.is_set():
                decoded = capture.read(_READ_TIMEOUT)
                if self._preview_wanted.is_set():
                    self._preview_wanted.clear()
                    pipeline.request_preview()
                if decoded is not None:
                    pipeline.process(
                        decoded,
                        dropped=capture.dropped,
                        lag=capture.lag,
                        share=capture.limit_decoding(pipeline.share),
                    )
                else:
                    pipeline.flush_overdue()
                self._send_answer(capture)
                now = time.monotonic()
                if now - self._last_trim >= TRIM_INTERVAL:
                    self._last_trim = now
                    _trim_memory()
                if now - self._last_heartbeat >= HEARTBEAT_INTERVAL:
                    self._last_heartbeat = now
                    heartbeat = pipeline.heartbeat(dropped=capture.dropped, damaged=capture.damaged)
                    self._send(replace(heartbeat, remarks=capture.remarks))
        finally:
            capture.close()

    def _prepare(self) -> None:
        """Prepares the source in a thread while heartbeats go on."""
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(self._job.opener.prepare)
            while not wait([done], HEARTBEAT_INTERVAL).done:
                if self._shutdown.is_set():
                    os._exit(0)
                self._send(Heartbeat(preparing=self._preparing))
            done.result()

    def _open(self) -> Source:
        return self._job.opener.open(
            tick=self._profile.tick, sound_window=self._profile.sound_window
        )

    def _send_answer(self, capture: Capture) -> None:
        """Sends the WebRTC answer that a browser waits for, as soon as there is one."""
        answer = getattr(capture.source, "answer", None)
        if not self._answer_sent and isinstance(answer, str):
            self._answer_sent = True
            self._send(SdpAnswer(answer))

    def _receive_commands(self) -> None:
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # the server is gone, and nobody is left to send to
            if isinstance(command, PreviewRequest):
                self._preview_wanted.set()
            elif isinstance(command, Shutdown):
                self._shutdown.set()

    def _send(self, message: Message) -> None:
        self._connection.send(message)

    def _redact(self, text: str) -> str:
        def redact(text: str) -> str:
            return without_secrets(text, self._job.secrets)

        return text.mapped(redact) if isinstance(text, Translatable) else redact(text)


def die_with_server() -> None:
    """Ends this process with its parent, even if it hangs in a decoder.

    The parent is the server, or the fork server, which ends with the server.
    """
    parent = os.getppid()
    end_with_parent(parent, at_once=True)
    # the fork server lives as long as anybody holds this pipe: a worker must not
    forkserver = sys.modules.get("multiprocessing.forkserver")  # Windows cannot load it
    server = getattr(forkserver, "_forkserver", None)
    alive_fd = getattr(server, "_forkserver_alive_fd", None)
    if server is not None and alive_fd is not None:
        os.close(alive_fd)
        server._forkserver_alive_fd = None
    if os.getppid() != parent or parent == 1:
        os._exit(0)


def _trim_memory() -> None:
    """Returns the memory of dropped pictures to the system: reference cycles and freed blocks."""
    gc.collect()
    return_freed_memory()


def _locations(error: BaseException) -> str:
    """Files, lines and functions of the traceback; no values, which may be secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return "; ".join(f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames)
