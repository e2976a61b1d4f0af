"""Looks at every second of every camera and says which rules are true."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sentistream.monitor.alerts.judge import Judge
from sentistream.monitor.alerts.window import Measure, SlidingWindow
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.house import is_of_the_house
from sentistream.monitor.hub import Event, Hub
from sentistream.monitor.listener import Listener
from sentistream.monitor.observations import EVERYWHERE, Alert, Seconds
from sentistream.monitor.settings import AlertRule, Settings

_log = logging.getLogger(__name__)

QUEUE = 4096
"""Events that wait to be judged."""

_Place = tuple[str, str, float]
"""A camera, a zone, and the seconds that are looked back; rules may share one."""


class AlertWatch(Listener):
    """Publishes an ``Alert`` on the hub when a rule comes true or is true no longer.

    Visitors' own cameras are not watched. Windows are kept when rules change, so that another
    limit is judged at once.

    Args:
        hub: Where seconds come from and alerts go to.
        configuration: The settings, which may change while it runs.
        clock: Seconds on a clock that nobody sets.
    """

    def __init__(
        self,
        hub: Hub,
        configuration: Configuration,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(hub, [Seconds], name="alerts", depth=QUEUE)
        self._configuration = configuration
        self._clock = clock
        self._settings: Settings = configuration.settings
        self._windows: dict[_Place, SlidingWindow] = {}
        self._judges: dict[tuple[str, str], Judge] = {}

    def handle(self, event: Event) -> None:
        """Takes in one second of one camera."""
        self._keep_up()
        if not isinstance(event, Seconds) or not self._is_watched(event.camera):
            return
        rules = [rule for rule in self._settings.alerts if rule.camera in ("", event.camera)]
        measures = {
            place: self._look(place, event)
            for place in {_place(rule, event.camera) for rule in rules}
        }
        for rule in rules:
            judge = self._judges.setdefault((rule.key, event.camera), Judge(rule, event.camera))
            self._tell(
                judge.look(
                    measures[_place(rule, event.camera)],
                    smallest_group=self._settings.privacy.smallest_group,
                    wall=event.second + 1.0,
                    now=self._clock(),
                )
            )

    def tick(self) -> None:
        """Ends alerts of cameras that have long been silent."""
        self._keep_up()
        now, wall = self._clock(), time.time()
        for judge in self._judges.values():
            self._tell(judge.silence(wall=wall, now=now))

    def finish(self) -> None:
        """Leaves no alert begun that nobody watches any more."""
        for judge in self._judges.values():
            self._tell(judge.withdraw(wall=time.time()))

    def _is_watched(self, camera: str) -> bool:
        return is_of_the_house(camera, self._settings)

    def _keep_up(self) -> None:
        """Takes changed settings in: what is watched no longer is forgotten."""
        settings = self._configuration.settings
        if settings is self._settings:
            return
        self._settings = settings
        rules = {rule.key: rule for rule in settings.alerts}
        for key, judge in list(self._judges.items()):
            if rules.get(judge.rule.key) != judge.rule or not self._is_watched(judge.camera):
                self._tell(judge.withdraw(wall=time.time()))
                del self._judges[key]
        lengths = {(rule.zone, rule.minutes * 60) for rule in settings.alerts}
        for place in list(self._windows):
            if place[1:] not in lengths or not self._is_watched(place[0]):
                del self._windows[place]

    def _look(self, place: _Place, event: Seconds) -> Measure:
        """Takes a second into a window."""
        window = self._windows.setdefault(place, SlidingWindow(place[2]))
        everywhere = place[1] == EVERYWHERE
        window.add(
            event.second,
            [each for each in event.readings if everywhere or each.zone == place[1]],
        )
        return window.measure()

    def _tell(self, alert: Alert | None) -> None:
        if alert is None:
            return
        _log.info(
            "alert %s", "began" if alert.active else "ended",
            extra={"rule": alert.rule, "camera": alert.camera, "share": round(alert.share, 3)},
        )  # fmt: skip
        self.hub.publish(alert)


def _place(rule: AlertRule, camera: str) -> _Place:
    return camera, rule.zone, rule.minutes * 60
