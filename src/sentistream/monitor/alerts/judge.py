"""When one rule is true of one camera, without flapping."""

from __future__ import annotations

from dataclasses import replace

from sentistream.monitor.alerts.window import Measure
from sentistream.monitor.observations import Alert
from sentistream.monitor.settings import AlertRule

COVERED = 0.8
"""At least this share of the rule's minutes must have been watched before it is told."""

MARGIN = 0.05
"""By how much the share must come back over the limit before the alert ends."""


class Judge:
    """Follows one rule on one camera.

    An alert begins when the share is beyond the limit, enough of the window was watched and
    it has enough appearances. It ends when the share has come back by ``MARGIN`` (by half the
    way to 0 or 1 where the limit lies nearer), or when for the length of the rule's minutes
    nothing could be said any more. Begun alerts are told at most once in the quiet minutes;
    ends are told whenever the beginning was.

    Args:
        rule: The rule.
        camera: The camera's key.
    """

    def __init__(self, rule: AlertRule, camera: str) -> None:
        self.rule = rule
        self.camera = camera
        self._told: Alert | None = None
        self._quiet_since: float | None = None
        self._known: float | None = None

    @property
    def active(self) -> Alert | None:
        """What was told and has not ended."""
        return self._told

    def look(
        self, measure: Measure, *, smallest_group: int, wall: float, now: float
    ) -> Alert | None:
        """What is to be told now, if anything.

        Args:
            measure: The rule's minutes up to now.
            smallest_group: How many appearances there must be.
            wall: Wall-clock seconds (UTC), for the message alone.
            now: Seconds on a clock that nobody sets.
        """
        share = measure.shares[self.rule.sentiment] if measure.shares else None
        if share is None or measure.appearances < smallest_group or measure.covered < COVERED:
            return self.silence(wall=wall, now=now)
        self._known = now
        if self._told is None:
            if not self._is_beyond(share) or self._is_quiet(now):
                return None
            self._quiet_since = now
            self._told = self._alert(share, wall)
            return self._told
        return self._end(share, wall) if self._is_back(share) else None

    def silence(self, *, wall: float, now: float) -> Alert | None:
        """The end of an alert of which nothing is known for the rule's minutes."""
        if self._told is None:
            return None
        if self._known is not None and now - self._known < self.rule.minutes * 60:
            return None
        return self._end(self._told.share, wall)

    def withdraw(self, *, wall: float) -> Alert | None:
        """The end of an alert whose rule or camera is no more."""
        return None if self._told is None else self._end(self._told.share, wall)

    def _is_beyond(self, share: float) -> bool:
        if self.rule.direction == "above":
            return share > self.rule.limit
        return share < self.rule.limit

    def _is_back(self, share: float) -> bool:
        limit = self.rule.limit
        if self.rule.direction == "above":
            return share <= max(limit - MARGIN, limit / 2)
        return share >= min(limit + MARGIN, (1 + limit) / 2)

    def _is_quiet(self, now: float) -> bool:
        if self._quiet_since is None:
            return False
        return now - self._quiet_since < self.rule.quiet_minutes * 60

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
        )

    def _end(self, share: float, wall: float) -> Alert:
        assert self._told is not None  # noqa: S101
        ended = replace(self._told, active=False, share=share, time=wall)
        self._told = None
        return ended
