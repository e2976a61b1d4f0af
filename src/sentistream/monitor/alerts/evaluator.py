"""Evaluates alert rules against every second of every camera."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from sentistream.monitor.alerts.sliding_window import SlidingWindow, WindowStats
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.observations import EVERYWHERE, Alert, Seconds
from sentistream.monitor.settings import AlertRule, Settings
from sentistream.monitor.subscriber import Subscriber
from sentistream.translatable import Translatable

_log = logging.getLogger(__name__)

QUEUE = 4096
"""Events that wait to be evaluated."""

MIN_COVERAGE = 0.8
"""Share of a rule's minutes that must have been watched before an alert starts."""

HYSTERESIS = 0.05
"""By how much the share must come back past the limit before an alert ends, unless the rule has
its own end limit."""

NOT_KNOWN = Translatable("Too little has been seen since to know more.")
WITHDRAWN = Translatable("The rule or the camera was changed or removed.")
STOPPED = Translatable("The monitor was stopped.")

_WindowKey = tuple[str, str, float]
"""Camera, zone and length in seconds; rules may share a window."""


class AlertEvaluator(Subscriber):
    """Publishes an ``Alert`` when a rule becomes true for a camera, and when it no longer is.

    Cameras of visitors' browsers are ignored. Windows are kept when rules change, so that a new
    limit is evaluated at once.

    Args:
        bus: Where seconds come from and alerts go to.
        configuration: The settings, which may change while it runs.
        clock: Seconds of a clock that is never set.
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(bus, [Seconds], name="alerts", depth=QUEUE)
        self._configuration = configuration
        self._clock = clock
        self._settings: Settings = configuration.settings
        self._windows: dict[_WindowKey, SlidingWindow] = {}
        self._states: dict[tuple[str, str], RuleState] = {}

    def handle(self, event: Event) -> None:
        """Evaluates the rules of one camera after one of its seconds."""
        self._reload_settings()
        if not isinstance(event, Seconds) or not is_own_camera(event.camera, self._settings):
            return
        rules = [rule for rule in self._settings.alerts if rule.camera in ("", event.camera)]
        stats = {
            key: self._add(key, event)
            for key in {_window_key(rule, event.camera) for rule in rules}
        }
        for rule in rules:
            state = self._states.setdefault((rule.key, event.camera), RuleState(rule, event.camera))
            self._publish(
                state.update(
                    stats[_window_key(rule, event.camera)],
                    smallest_group=self._settings.privacy.smallest_group,
                    wall=event.second + 1.0,
                    now=self._clock(),
                )
            )

    def tick(self) -> None:
        """Ends alerts of cameras that have sent nothing for long."""
        self._reload_settings()
        now, wall = self._clock(), time.time()
        for state in self._states.values():
            self._publish(state.expire(wall=wall, now=now))

    def finish(self) -> None:
        """Ends all alerts, because they are no longer evaluated."""
        for state in self._states.values():
            self._publish(state.withdraw(wall=time.time(), reason=STOPPED))

    def _reload_settings(self) -> None:
        """Adopts changed settings and forgets rules and windows that are no longer needed."""
        settings = self._configuration.settings
        if settings is self._settings:
            return
        self._settings = settings
        rules = {rule.key: rule for rule in settings.alerts}
        for key, state in list(self._states.items()):
            is_kept = rules.get(state.rule.key) == state.rule
            if not is_kept or not is_own_camera(state.camera, settings):
                self._publish(state.withdraw(wall=time.time(), reason=WITHDRAWN))
                del self._states[key]
        needed = {_window_key(rule, "")[1:] for rule in settings.alerts}
        for window_key in list(self._windows):
            if window_key[1:] not in needed or not is_own_camera(window_key[0], settings):
                del self._windows[window_key]

    def _add(self, key: _WindowKey, event: Seconds) -> WindowStats:
        """Adds a second to a window."""
        _, zone, seconds = key
        window = self._windows.setdefault(key, SlidingWindow(seconds))
        window.add(
            event.second,
            [each for each in event.readings if zone in (EVERYWHERE, each.zone)],
        )
        return window.stats()

    def _publish(self, alert: Alert | None) -> None:
        if alert is None:
            return
        _log.info(
            "alert %s", "started" if alert.active else "ended",
            extra={"rule": alert.rule, "camera": alert.camera, "share": round(alert.share, 3)},
        )  # fmt: skip
        self.bus.publish(alert)


class RuleState:
    """The state of one rule on one camera.

    An alert starts when the share is beyond the limit, enough of the window was watched and it
    has enough appearances. It ends when the share has come back to the rule's end limit (without
    one: by ``HYSTERESIS``, or half the way to 0 or 1 where the limit is nearer), or when nothing
    could be said for the length of the rule's minutes. A start is reported at most once in the
    rule's quiet minutes; an end is reported whenever its start was.

    Args:
        rule: The rule.
        camera: The camera's key.
    """

    def __init__(self, rule: AlertRule, camera: str) -> None:
        self.rule = rule
        self.camera = camera
        self._active: Alert | None = None
        self._last_start: float | None = None
        self._last_known: float | None = None

    @property
    def active(self) -> Alert | None:
        """The alert that has started and not ended."""
        return self._active

    def update(
        self, stats: WindowStats, *, smallest_group: int, wall: float, now: float
    ) -> Alert | None:
        """The alert to publish now, if any.

        Args:
            stats: The rule's minutes up to now.
            smallest_group: How many appearances there must be.
            wall: Wall-clock seconds (UTC), for the alert's time alone.
            now: Seconds of a clock that is never set.
        """
        share = stats.shares[self.rule.sentiment] if stats.shares else None
        is_enough = stats.appearances >= smallest_group and stats.covered >= MIN_COVERAGE
        if share is None or not is_enough:
            return self.expire(wall=wall, now=now)
        self._last_known = now
        if self._active is None:
            if not self._is_beyond(share) or self._is_quiet(now):
                return None
            self._last_start = now
            self._active = self._alert(share, wall)
            return self._active
        return self._end(share, wall) if self._is_back(share) else None

    def expire(self, *, wall: float, now: float) -> Alert | None:
        """The end of an alert of which nothing is known for the rule's minutes."""
        if self._active is None:
            return None
        if self._last_known is not None and now - self._last_known < self.rule.minutes * 60:
            return None
        return self._end(self._active.share, wall, NOT_KNOWN)

    def withdraw(self, *, wall: float, reason: str) -> Alert | None:
        """The end of an alert that is not evaluated any more, and why it is not."""
        return None if self._active is None else self._end(self._active.share, wall, reason)

    def _is_beyond(self, share: float) -> bool:
        if self.rule.direction == "above":
            return share > self.rule.limit
        return share < self.rule.limit

    def _is_back(self, share: float) -> bool:
        limit, end = self.rule.limit, self.rule.end_limit
        if self.rule.direction == "above":
            return share <= (max(limit - HYSTERESIS, limit / 2) if end is None else end)
        return share >= (min(limit + HYSTERESIS, (1 + limit) / 2) if end is None else end)

    def _is_quiet(self, now: float) -> bool:
        if self._last_start is None:
            return False
        return now - self._last_start < self.rule.quiet_minutes * 60

    def _alert(self, share: float, wall: float) -> Alert:
        return Alert(
            rule=self.rule.key,
            name=self.rule.name,
            camera=self.camera,
            zone=self.rule.zone,
            time=wall,
            active=True,
            sentiment=self.rule.sentiment,
            share=share,
            limit=self.rule.limit,
            minutes=self.rule.minutes,
            incident=new_incident(),
        )

    def _end(self, share: float, wall: float, reason: str = "") -> Alert:
        assert self._active is not None  # noqa: S101
        ended = replace(self._active, active=False, share=share, time=wall, reason=reason)
        self._active = None
        return ended


def new_incident() -> str:
    """A random id for one alert, from its start to its end."""
    return secrets.token_hex(8)


def _window_key(rule: AlertRule, camera: str) -> _WindowKey:
    return camera, rule.zone, rule.minutes * 60
