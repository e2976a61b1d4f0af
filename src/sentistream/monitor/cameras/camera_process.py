"""One camera's worker process under supervision: started, checked, stopped and restarted."""

from __future__ import annotations

import logging
import re
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sentistream.backoff import DELAYS, RESET_AFTER, Backoff
from sentistream.monitor.cameras.second_aggregator import EmittedSeconds
from sentistream.monitor.cameras.worker import WorkerProcess
from sentistream.monitor.cameras.worker_protocol import (
    CameraJob,
    Heartbeat,
    Message,
    PreviewRequest,
    SdpAnswer,
    Shutdown,
    WorkerExit,
)
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import (
    CameraHealth,
    CameraState,
    Observation,
    Preview,
    Seconds,
)
from sentistream.operating_system import KILL
from sentistream.translatable import Translatable, sentences

_log = logging.getLogger(__name__)

HEALTH_INTERVAL = 1.0
"""Seconds between two publications of a camera's health."""

_REQUEST_INTERVAL = 1.0  # seconds between two preview requests that are passed on to the worker
_PREVIEW_LIFETIME = 6.0  # seconds after the last request at which the preview is dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for what, seconds.

    Attributes:
        backoff: Before the first restart, the second and so on; the last one repeats.
        reset_after: Running time after which earlier failures are forgotten.
        first_picture: For the first picture of a source, including the connection.
        next_picture: For each picture after it.
        heartbeat: For a heartbeat.
        shutdown: For a worker that was asked to stop, before it is killed.
    """

    backoff: Sequence[float] = DELAYS
    reset_after: float = RESET_AFTER
    first_picture: float = 30.0
    next_picture: float = 10.0
    heartbeat: float = 10.0
    shutdown: float = 3.0


class CameraProcess:
    """Keeps a camera's worker running, one after another; call ``step`` several times a second.

    Args:
        job: What the worker is to do.
        bus: Takes the events that the worker sends.
        timeouts: How long to wait for what.
        wake: Asks for a call of ``step`` soon.
        temporary: A browser's camera: not restarted, and its seconds are not published.
        on_answer: Called with the answer to a browser's WebRTC offer.
    """

    def __init__(
        self,
        job: CameraJob,
        bus: EventBus,
        timeouts: Timeouts,
        *,
        wake: Callable[[], None],
        temporary: bool = False,
        on_answer: Callable[[str], None] = lambda sdp: None,
    ) -> None:
        self._lock = threading.RLock()
        self._job = job
        self._bus = bus
        self._timeouts = timeouts
        self._wake = wake
        self._temporary = temporary
        self._on_answer = on_answer
        self._backoff = Backoff(timeouts.backoff, reset_after=timeouts.reset_after)
        self._emitted = EmittedSeconds()
        self._health = _Health(job.camera)
        self._worker: WorkerProcess | None = None
        self._worker_job = job
        self._exit: WorkerExit | None = None
        self._idle_state: CameraState | None = CameraState.STOPPED
        self._next_start = float("-inf")
        self._kill_at: float | None = None
        self._counts_as_restart = False
        self._running_since: float | None = None
        self._last_heartbeat = 0.0
        self._last_published = float("-inf")
        self._last_request = self._last_forwarded_request = float("-inf")
        self._has_preview = False
        self._logged: set[str] = set()

    @property
    def pid(self) -> int | None:
        """The worker's process id; None without one."""
        with self._lock:
            return None if self._worker is None else self._worker.pid

    @property
    def last_exit(self) -> WorkerExit | None:
        """The last worker's exit, once there is no worker; None before the first has ended."""
        with self._lock:
            if self._worker is not None:
                return None
            return self._exit if self._should_run else self._exit or WorkerExit()

    @property
    def _should_run(self) -> bool:
        return self._idle_state is None

    def configure(self, job: CameraJob, idle_state: CameraState | None) -> None:
        """Sets the job.

        Args:
            job: The worker's; if it has changed, the worker is replaced by a new one.
            idle_state: See ``set_idle_state``.
        """
        with self._lock:
            if job != self._job:
                self._job = job
                self._backoff.reset()
                self._next_start = float("-inf")
            self.set_idle_state(idle_state)

    def set_idle_state(self, idle_state: CameraState | None) -> None:
        """None to run; else the state to report while it does not."""
        with self._lock:
            self._idle_state = idle_state

    def restart(self) -> None:
        """Stops the worker and starts another at once."""
        with self._lock:
            self._backoff.reset()
            self._next_start = float("-inf")
            self._counts_as_restart = self._counts_as_restart or self._worker is not None
            self._stop_worker()

    def request_preview(self) -> None:
        """Asks for live pictures for the next seconds; ask again while somebody looks."""
        now = time.monotonic()
        with self._lock:
            self._last_request = now
            if self._worker is None or now - self._last_forwarded_request < _REQUEST_INTERVAL:
                return
            self._last_forwarded_request = now
            worker = self._worker
        worker.send(PreviewRequest())

    def step(self) -> None:
        """Starts, checks or stops the worker as needed, and publishes the camera's health."""
        now = time.monotonic()
        with self._lock:
            if self._worker is not None and self._worker.has_ended:
                self._handle_exit(now, self._worker)
            if self._worker is not None:
                self._check(self._worker, now)
            elif self._idle_state is not None:
                self._health.set_state(self._idle_state)
            is_due = self._worker is None and self._should_run and now >= self._next_start
        if is_due:
            self._start(now)
        with self._lock:
            if self._has_preview and now - self._last_request > _PREVIEW_LIFETIME:
                self._drop_preview()
            if self._health.has_changed or now - self._last_published >= HEALTH_INTERVAL:
                self._health.has_changed, self._last_published = False, now
                self._bus.publish(self._health.as_event())

    def stop(self) -> None:
        """Asks the worker to stop; ``step`` kills it if it takes too long."""
        with self._lock:
            self._idle_state = CameraState.STOPPED
            self._stop_worker()

    def kill(self) -> None:
        """Kills the worker at once."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()

    def _start(self, now: float) -> None:
        """Called without the lock: the very first start takes a second."""
        with self._lock:
            self._exit = self._kill_at = self._running_since = None
            self._health.heartbeat, self._last_heartbeat = Heartbeat(), now
            self._last_forwarded_request = float("-inf")
            self._health.restarts += self._counts_as_restart
            self._counts_as_restart = False
            self._worker_job = job = self._job
            self._health.set_state(CameraState.STARTING, self._health.reason)
        try:
            worker = WorkerProcess(
                job, self._emitted.runs, on_message=self._on_message, on_end=self._wake
            )
        except OSError as error:
            with self._lock:
                self._exit = WorkerExit(
                    Translatable(
                        "Its worker cannot be started ({words}).",
                        words=Translatable(str(error.strerror)),
                    )
                )
                self._schedule_restart(now, self._exit.problem)
            return
        with self._lock:
            self._worker = worker

    def _check(self, worker: WorkerProcess, now: float) -> None:
        if self._kill_at is not None:
            if now > self._kill_at:
                worker.kill()
            return
        if not self._should_run or self._worker_job != self._job:
            self._stop_worker()
            return
        timeouts, heartbeat = self._timeouts, self._health.heartbeat
        is_first = heartbeat.last_picture is None
        picture_timeout = timeouts.first_picture if is_first else timeouts.next_picture
        picture_age = heartbeat.picture_age + now - self._last_heartbeat
        # before the first picture it loads its networks, which is slow on a busy machine
        heartbeat_timeout = max(timeouts.heartbeat, timeouts.first_picture if is_first else 0)
        if now - self._last_heartbeat > heartbeat_timeout:
            self._give_up(worker, "Its worker hung and was killed.")
        elif not heartbeat.preparing and picture_age > picture_timeout:
            self._give_up(
                worker,
                Translatable(
                    "No picture came for {seconds} seconds.", seconds=f"{picture_timeout:.0f}"
                ),
            )

    def _give_up(self, worker: WorkerProcess, reason: str) -> None:
        worker.kill()
        self._exit = WorkerExit(reason)
        self._kill_at = float("inf")  # killed already

    def _handle_exit(self, now: float, worker: WorkerProcess) -> None:
        self._worker = None
        was_asked, self._kill_at = self._kill_at is not None, None
        was_asked = was_asked or (self._exit is not None and self._exit.prepared)
        self._publish_no_faces()
        self._health.add_up()
        if self._exit is None:
            self._exit = WorkerExit("" if was_asked else _cause_of_death(worker.killed_by))
        exit_message = self._exit
        if exit_message.trace:
            _log.error(
                "camera %s: %s (%s)", self._job.camera, exit_message.problem, exit_message.trace
            )
        if was_asked and not exit_message.problem:
            self._health.set_state(self._idle_state or CameraState.STARTING)
        else:
            problem = exit_message.problem or Translatable("It stopped sending.")
            self._schedule_restart(now, sentences(problem, exit_message.way_out))

    def _publish_no_faces(self) -> None:
        self._drop_preview()
        tick = self._health.heartbeat.tick
        if tick:
            self._bus.publish(
                Observation(
                    camera=self._job.camera,
                    time=time.time(),
                    faces=(),
                    tick=tick,
                    max_faces=self._job.max_faces,
                )
            )

    def _schedule_restart(self, now: float, reason: str) -> None:
        ran = 0.0 if self._running_since is None else now - self._running_since
        self._running_since = None
        delay = self._backoff.next_delay(ran=ran)
        self._next_start = now + delay
        self._counts_as_restart = True
        self._health.set_state(CameraState.WAITING, reason)
        if not self._temporary:
            _log.warning("camera %s: %s Restarting in %g s.", self._job.camera, reason, delay)

    def _stop_worker(self) -> None:
        if self._worker is not None and self._kill_at is None:
            self._kill_at = time.monotonic() + self._timeouts.shutdown
            self._worker.send(Shutdown())

    def _drop_preview(self) -> None:
        self._has_preview = False
        self._bus.set_preview(self._job.camera, None)

    def _on_message(self, worker: WorkerProcess, message: Message) -> None:
        """Called in the worker's receiving thread."""
        with self._lock:
            if worker is not self._worker and self._worker is not None:
                return
            match message:
                case Heartbeat():
                    self._on_heartbeat(message)
                case WorkerExit():
                    self._exit = self._exit or message
                case SdpAnswer():
                    self._on_answer(message.sdp)
                case Seconds():
                    self._emitted.add(message.second)
                case Preview():
                    self._has_preview = True
        match message:
            case Observation():
                self._bus.publish(message)
            case Seconds() if not self._temporary:
                self._bus.publish(message)
            case Preview():
                self._bus.set_preview(self._job.camera, message)

    def _on_heartbeat(self, heartbeat: Heartbeat) -> None:
        now = time.monotonic()
        self._last_heartbeat = now
        self._health.update(heartbeat)
        self._log_new(heartbeat.remarks)
        if heartbeat.last_picture is None:
            if heartbeat.preparing:
                self._health.set_state(CameraState.STARTING, heartbeat.preparing)
        elif self._health.state is CameraState.STARTING:
            self._running_since = now
            self._health.set_state(CameraState.RUNNING)
            self._wake()

    def _log_new(self, remarks: tuple[str, ...]) -> None:
        """Logs each kind of remark once: its numbers may rise with every picture."""
        for remark in () if self._temporary else remarks:
            kind = re.sub(r"[\d.,]+", "", remark)
            if kind not in self._logged:
                self._logged.add(kind)
                _log.info("camera %s: %s", self._job.camera, remark)


class _Health:
    """A camera's state, and what its workers, one after another, have counted.

    Attributes:
        state: What it is doing.
        reason: Why it does not run; empty if that is obvious.
        restarts: How often a worker was replaced.
        heartbeat: The worker's newest heartbeat; an empty one before the first.
        has_changed: Whether state or reason have changed; reset by whoever publishes them.
    """

    def __init__(self, camera: str) -> None:
        self.state = CameraState.STOPPED
        self.reason = ""
        self.restarts = 0
        self.heartbeat = Heartbeat()
        self.has_changed = True
        self._camera = camera
        self._since = time.time()
        self._dropped = self._damaged = 0
        self._last_picture: float | None = None
        self._remarks: tuple[str, ...] = ()

    def set_state(self, state: CameraState, reason: str = "") -> None:
        """Changes the state, or its reason."""
        if state is not self.state:
            self.state, self._since = state, time.time()
            self.has_changed = True
        if reason != self.reason:
            self.reason, self.has_changed = reason, True

    def update(self, heartbeat: Heartbeat) -> None:
        """Records the worker's newest heartbeat."""
        self.heartbeat = heartbeat
        if heartbeat.last_picture is not None:
            self._last_picture = heartbeat.last_picture
            self._remarks = heartbeat.remarks

    def add_up(self) -> None:
        """Adds the counts of a worker that has ended to those before."""
        self._dropped += self.heartbeat.dropped
        self._damaged += self.heartbeat.damaged
        self.heartbeat = Heartbeat()

    def as_event(self) -> CameraHealth:
        """The camera's health, to be published."""
        heartbeat = self.heartbeat
        return CameraHealth(
            camera=self._camera,
            state=self.state,
            since=self._since,
            reason=self.reason,
            restarts=self.restarts,
            moments_per_second=heartbeat.moments_per_second,
            tick=heartbeat.tick,
            latency=heartbeat.latency,
            dropped=self._dropped + heartbeat.dropped,
            damaged=self._damaged + heartbeat.damaged,
            remarks=self._remarks,
            last_picture=self._last_picture,
        )


def _cause_of_death(killed_by: int | None) -> str:
    if killed_by is None:
        return Translatable("Its worker ended unexpectedly.")
    name = signal.Signals(killed_by).name
    memory = Translatable("It may have run out of memory.") if killed_by == KILL else ""
    return sentences(Translatable("Its worker was killed ({signal}).", signal=name), memory)
