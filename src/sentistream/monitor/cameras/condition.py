"""How a camera is, as far as its worker has told."""

from __future__ import annotations

import time

from sentistream.monitor.cameras.messages import Heartbeat
from sentistream.monitor.observations import CameraHealth, CameraState


class Condition:
    """A camera's state and what its workers, one after another, have counted.

    Args:
        camera: The camera's key.

    Attributes:
        state: What it is doing.
        reason: Why it does not run; empty where that is plain.
        restarts: How often a worker was started in place of another.
        beat: The worker's newest heartbeat; an empty one before the first.
        is_news: Whether the state or the reason changed; reset by whoever has told of it.
    """

    def __init__(self, camera: str) -> None:
        self.state = CameraState.STOPPED
        self.reason = ""
        self.restarts = 0
        self.beat = Heartbeat()
        self.is_news = True
        self._camera = camera
        self._since = time.time()
        self._dropped = self._damaged = 0
        self._last_picture: float | None = None
        self._remarks: tuple[str, ...] = ()

    def become(self, state: CameraState, reason: str = "") -> None:
        """Another state, or the same for another reason."""
        if state is not self.state:
            self.state, self._since = state, time.time()
            self.is_news = True
        if reason != self.reason:
            self.reason, self.is_news = reason, True

    def take(self, beat: Heartbeat) -> None:
        """The worker's heart beats."""
        self.beat = beat
        if beat.last_picture is not None:
            self._last_picture = beat.last_picture
            self._remarks = beat.remarks

    def lose(self) -> None:
        """The worker is gone, and what it counted is kept."""
        self._dropped += self.beat.dropped
        self._damaged += self.beat.damaged
        self.beat = Heartbeat()

    def health(self) -> CameraHealth:
        """All of it, to be told."""
        beat = self.beat
        return CameraHealth(
            camera=self._camera,
            state=self.state,
            since=self._since,
            reason=self.reason,
            restarts=self.restarts,
            moments_per_second=beat.moments_per_second,
            tick=beat.tick,
            latency=beat.latency,
            dropped=self._dropped + beat.dropped,
            damaged=self._damaged + beat.damaged,
            remarks=self._remarks,
            last_picture=self._last_picture,
        )
