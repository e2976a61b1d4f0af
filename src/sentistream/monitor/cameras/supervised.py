"""One camera under supervision: started, watched, ended, and started again."""

from __future__ import annotations

import logging
import re
import signal
import threading
import time
from collections.abc import Callable

from sentistream.monitor.cameras.backoff import BackOff, Patience
from sentistream.monitor.cameras.condition import Condition
from sentistream.monitor.cameras.job import Job
from sentistream.monitor.cameras.messages import Answered, Heartbeat, Look, Message, Over, Shown
from sentistream.monitor.cameras.process import WorkerProcess
from sentistream.monitor.cameras.seconds import Told
from sentistream.monitor.hub import Hub, Preview
from sentistream.monitor.observations import CameraState, Observation, Seconds

LOGGER = logging.getLogger(__name__)

PUBLISHED_EVERY = 1.0
"""Seconds between two publications of a camera's health."""

_LOOKS_EVERY = 1.0  # seconds between two requests of live pictures that are passed on
_LOOKED_AT_FOR = 6.0  # seconds after the last request at which its live picture is dropped


class Supervised:
    """A camera's worker, one after another. ``step`` is called several times a second.

    Args:
        job: What the worker is to do.
        hub: Takes what the worker tells.
        patience: How long is waited for what.
        wake: Asks for a step soon.
        once: A visitor's: not started again, and nothing of it is stored.
        answered: Takes what a visitor's browser is told.
    """

    def __init__(
        self,
        job: Job,
        hub: Hub,
        patience: Patience,
        *,
        wake: Callable[[], None],
        once: bool = False,
        answered: Callable[[str], None] = lambda sdp: None,
    ) -> None:
        self._lock = threading.RLock()
        self._job = job
        self._hub = hub
        self._patience = patience
        self._wake = wake
        self._once = once
        self._answered = answered
        self._backoff = BackOff(patience)
        self._told = Told()
        self._worker: WorkerProcess | None = None
        self._finish_by: float | None = None
        self._condition = Condition(job.camera)
        self._rest = CameraState.STOPPED  # what it is while it is not to run
        self._wanted = False
        self._next_try = float("-inf")
        self._is_again = False
        self._at_work_on = job
        self._well_since: float | None = None
        self._beaten = 0.0
        self._over: Over | None = None
        self._published = float("-inf")
        self._looked_at = self._look_passed_on = float("-inf")
        self._showing = False
        self._logged: set[str] = set()

    @property
    def over(self) -> Over | None:
        """The last worker's last word once nothing more comes of it; None before."""
        with self._lock:
            if self._worker is not None:
                return None
            return self._over if self._wanted else self._over or Over()

    @property
    def process(self) -> int | None:
        """The worker's process number; None without one."""
        with self._lock:
            return None if self._worker is None else self._worker.number

    def want(self, job: Job, rest: CameraState | None) -> None:
        """What it is to do from now on.

        Args:
            job: The worker's; another than before ends the worker and starts a new one.
            rest: None to run; or what it is called while it does not.
        """
        with self._lock:
            if job != self._job:
                self._job = job
                self._backoff.forget()
                self._next_try = float("-inf")
            self.rest(rest)

    def rest(self, rest: CameraState | None) -> None:
        """None to run; or what it is called while it does not."""
        with self._lock:
            self._wanted = rest is None
            self._rest = rest or CameraState.STOPPED

    def restart(self) -> None:
        """Ends the worker and starts another at once."""
        with self._lock:
            self._backoff.forget()
            self._next_try = float("-inf")
            self._is_again = self._is_again or self._worker is not None
            self._end_soon()

    def look(self) -> None:
        """Somebody looks."""
        now = time.monotonic()
        with self._lock:
            self._looked_at = now
            if self._worker is None or now - self._look_passed_on < _LOOKS_EVERY:
                return
            self._look_passed_on = now
            worker = self._worker
        worker.send(Look())

    def step(self) -> None:
        """Does what is due."""
        now = time.monotonic()
        with self._lock:
            if self._worker is not None and self._worker.is_over:
                self._lose(now, self._worker)
            if self._worker is not None:
                self._check(self._worker, now)
            elif not self._wanted:
                self._condition.become(self._rest)
            is_to_start = self._worker is None and self._wanted and now >= self._next_try
        if is_to_start:
            self._start(now)
        with self._lock:
            if self._showing and now - self._looked_at > _LOOKED_AT_FOR:
                self._hide()
            if self._condition.is_news or now - self._published >= PUBLISHED_EVERY:
                self._condition.is_news, self._published = False, now
                self._hub.publish(self._condition.health())

    def finish(self) -> None:
        """Asks the worker to end; ``step`` kills it when it takes too long."""
        with self._lock:
            self._wanted = False
            self._rest = CameraState.STOPPED
            self._end_soon()

    def kill(self) -> None:
        """Ends the worker at once."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()

    def _start(self, now: float) -> None:
        """Without the lock: the first start of all takes a second."""
        with self._lock:
            self._over = self._finish_by = self._well_since = None
            self._condition.beat, self._beaten = Heartbeat(), now
            self._look_passed_on = float("-inf")
            self._condition.restarts += self._is_again
            self._is_again = False
            self._at_work_on = job = self._job
            self._condition.become(CameraState.STARTING, self._condition.reason)
        try:
            worker = WorkerProcess(
                job, self._told.runs, received=self._received, ended=lambda _: self._wake()
            )
        except OSError as error:
            with self._lock:
                self._over = Over(f"Its worker cannot be started ({error.strerror}).")
                self._fail(now, self._over.problem)
            return
        with self._lock:
            self._worker = worker

    def _check(self, worker: WorkerProcess, now: float) -> None:
        if self._finish_by is not None:
            if now > self._finish_by:
                worker.kill()
            return
        if not self._wanted or self._at_work_on != self._job:
            self._end_soon()
            return
        patience, beat = self._patience, self._condition.beat
        first = beat.last_picture is None
        most = patience.first_picture if first else patience.next_picture
        waited = beat.picture_age + now - self._beaten
        # until then it loads what it needs, which takes long where others take all the time
        if now - self._beaten > max(patience.heartbeat, patience.first_picture if first else 0):
            self._give_up(worker, "Its worker hung and was ended.")
        elif not beat.preparing and waited > most:
            self._give_up(worker, f"No picture came for {most:.0f} seconds.")

    def _give_up(self, worker: WorkerProcess, reason: str) -> None:
        worker.kill()
        self._over = Over(reason)
        self._finish_by = float("inf")  # nothing more is asked of it

    def _lose(self, now: float, worker: WorkerProcess) -> None:
        """The worker is gone."""
        self._worker = None
        asked, self._finish_by = self._finish_by is not None, None
        asked = asked or (self._over is not None and self._over.again)
        self._show_nobody()
        self._condition.lose()
        over = self._over
        if over is None:
            over = Over() if asked else Over(_of_death(worker.signal))
        self._over = over
        if over.trace:
            LOGGER.error("camera %s: %s (%s)", self._job.camera, over.problem, over.trace)
        if asked and not over.problem:
            self._condition.become(CameraState.STARTING if self._wanted else self._rest)
        else:
            self._fail(now, f"{over.problem or 'It stopped sending.'} {over.way_out}".strip())

    def _show_nobody(self) -> None:
        self._hide()
        tick = self._condition.beat.tick
        if tick:
            self._hub.publish(
                Observation(
                    camera=self._job.camera,
                    time=time.time(),
                    faces=(),
                    tick=tick,
                    max_faces=self._job.max_faces,
                )
            )

    def _fail(self, now: float, reason: str) -> None:
        ran = 0.0 if self._well_since is None else now - self._well_since
        self._well_since = None
        pause = self._backoff.failed(ran=ran)
        self._next_try = now + pause
        self._is_again = True
        self._condition.become(CameraState.WAITING, reason)
        if not self._once:
            LOGGER.warning("camera %s: %s Tried again in %g s.", self._job.camera, reason, pause)

    def _end_soon(self) -> None:
        if self._worker is not None and self._finish_by is None:
            self._finish_by = time.monotonic() + self._patience.finish
            self._worker.finish()

    def _hide(self) -> None:
        self._showing = False
        self._hub.show(self._job.camera, None)

    def _received(self, worker: WorkerProcess, message: Message) -> None:
        """In the worker's own thread."""
        with self._lock:
            if worker is not self._worker and self._worker is not None:
                return
            match message:
                case Heartbeat():
                    self._take(message)
                case Over():
                    self._over = self._over or message
                case Answered():
                    self._answered(message.sdp)
                case Seconds():
                    self._told.add(message.second)
                case Shown():
                    self._showing = True
        match message:
            case Observation():
                self._hub.publish(message)
            case Seconds() if not self._once:
                self._hub.publish(message)
            case Shown():
                self._hub.show(self._job.camera, Preview(message.jpeg, message.time))

    def _take(self, beat: Heartbeat) -> None:
        now = time.monotonic()
        self._beaten = now
        self._condition.take(beat)
        self._log(beat.remarks)
        if beat.last_picture is None:
            if beat.preparing:
                self._condition.become(CameraState.STARTING, beat.preparing)
        elif self._condition.state is CameraState.STARTING:
            self._well_since = now
            self._condition.become(CameraState.RUNNING)
            self._wake()

    def _log(self, remarks: tuple[str, ...]) -> None:
        """Each kind of remark once: the numbers in it may rise with every picture."""
        for remark in () if self._once else remarks:
            kind = re.sub(r"[\d.,]+", "", remark)
            if kind not in self._logged:
                self._logged.add(kind)
                LOGGER.info("camera %s: %s", self._job.camera, remark)


def _of_death(killed: int | None) -> str:
    if killed is None:
        return "Its worker ended unexpectedly."
    name = signal.Signals(killed).name
    memory = " Perhaps memory ran out." if killed == signal.SIGKILL else ""
    return f"Its worker was killed ({name}).{memory}"
