"""Tells a broker of every camera: what it sees, how it does, which alerts are true."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from sentistream.monitor.alerts.window import SlidingWindow
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.house import is_of_the_house
from sentistream.monitor.hub import Event, Hub
from sentistream.monitor.listener import Listener
from sentistream.monitor.notify.broker import Broker
from sentistream.monitor.notify.discovery import discovery, rules_of
from sentistream.monitor.notify.messages import alert_message, health_message, state_message
from sentistream.monitor.notify.topics import OFFLINE, ONLINE, Topics
from sentistream.monitor.observations import Alert, CameraHealth, CameraState, Seconds
from sentistream.monitor.settings import MqttSettings, Settings

MINUTES = 5
"""Over which the shares in a camera's state are taken, up to now."""

MEMORY = "mqtt-topics.json"
"""The file, in the folder of the database, that remembers which topics are ours."""

QUEUE = 4096
"""Events that wait to be told of."""

PAUSE = 0.5
"""Seconds between two looks at what has changed."""


class MqttPublisher(Listener):
    """Keeps the broker of the settings informed, and Home Assistant with it.

    Visitors' own cameras are not told of.

    Args:
        hub: Where everything comes from.
        configuration: The settings, which may change while it runs.
        state: The folder that remembers which topics are ours; None for none: then nothing that
            an earlier run left is cleared.
        clock: Seconds on a clock that nobody sets.
    """

    def __init__(
        self,
        hub: Hub,
        configuration: Configuration,
        *,
        state: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(hub, [Seconds, CameraHealth, Alert], name="mqtt", depth=QUEUE, pause=PAUSE)
        self._configuration = configuration
        self._memory = None if state is None else state / MEMORY
        self._clock = clock
        self._settings = configuration.settings
        self._broker: Broker | None = None
        self._windows: dict[str, SlidingWindow] = {}
        self._faces: dict[str, int] = {}
        self._health: dict[str, CameraHealth] = {}
        self._alerts: dict[tuple[str, str], Alert] = {}
        self._made: dict[str, tuple[float, object, str]] = {}
        self._held = float("-inf")
        self._discovered: tuple[object, dict[str, str]] = (None, {})

    def start(self) -> None:
        """Begins to listen and to connect."""
        self._connect()
        super().start()

    def handle(self, event: Event) -> None:
        """Remembers the newest."""
        if isinstance(event, Seconds):
            window = self._windows.setdefault(event.camera, SlidingWindow(MINUTES * 60))
            window.add(event.second, event.readings)
            self._faces[event.camera] = len({reading.track for reading in event.readings})
        elif isinstance(event, CameraHealth):
            self._health[event.camera] = event
        elif isinstance(event, Alert):
            self._alerts[event.camera, event.rule] = event

    def tick(self) -> None:
        """Publishes what has changed."""
        settings = self._configuration.settings
        if settings is not self._settings:
            self._change(settings)
        now = self._clock()
        if now - self._held < PAUSE:
            return
        self._held = now
        cameras = self._cameras()
        self._forget_others(cameras)
        if self._broker is not None:
            self._broker.hold(self._wanted(sorted(cameras)))

    def finish(self) -> None:
        """Says that we are gone."""
        if self._broker is not None:
            self._broker.close()

    def _connect(self) -> None:
        mqtt = self._settings.mqtt
        self._broker = Broker(mqtt, self._memory) if mqtt.host else None

    def _change(self, settings: Settings) -> None:
        before, self._settings = self._settings.mqtt, settings
        if _connection(before) == _connection(settings.mqtt):
            return
        if self._broker is not None:
            moved = not settings.mqtt.host or settings.mqtt.topic != before.topic
            self._broker.close(clear=moved)
        self._connect()

    def _cameras(self) -> set[str]:
        known = {health.camera for health in self.hub.health()} | set(self._settings.cameras)
        return {camera for camera in known if is_of_the_house(camera, self._settings)}

    def _forget_others(self, cameras: set[str]) -> None:
        """What is known of cameras and rules that are no more."""
        self._windows = {key: each for key, each in self._windows.items() if key in cameras}
        self._faces = {key: each for key, each in self._faces.items() if key in cameras}
        self._health = {key: each for key, each in self._health.items() if key in cameras}
        rules = {rule.key for rule in self._settings.alerts}
        self._alerts = {
            (camera, rule): each
            for (camera, rule), each in self._alerts.items()
            if camera in cameras and rule in rules
        }

    def _wanted(self, cameras: list[str]) -> dict[str, str]:
        """All that should be retained at the broker now."""
        topics = Topics.of(self._settings.mqtt)
        made_for = (self._settings, cameras)
        if self._discovered[0] != made_for:
            found = discovery(self._settings, cameras)
            self._discovered = made_for, {topic: json.dumps(each) for topic, each in found.items()}
        wanted = {topics.status: ONLINE, **self._discovered[1]}
        for camera in cameras:
            wanted |= self._of_camera(topics, camera)
        self._made = {topic: each for topic, each in self._made.items() if topic in wanted}
        return wanted

    def _of_camera(self, topics: Topics, camera: str) -> dict[str, str]:
        health = self._health.get(camera) or self._unheard(camera)
        running = health.state is CameraState.RUNNING
        told = {
            topics.availability(camera): ONLINE if running else OFFLINE,
            topics.health(camera): self._paced(
                topics.health(camera),
                (health.state, health.reason),
                lambda: health_message(health),
            ),
        }
        if camera in self._windows:
            told[topics.state(camera)] = self._paced(
                topics.state(camera), None, lambda: self._state(camera)
            )
        for rule in rules_of(self._settings, camera):
            alert = self._alerts.get((camera, rule.key))
            message = {"active": False} if alert is None else alert_message(alert)
            told[topics.alert(camera, rule.key)] = json.dumps(message)
        return told

    def _paced(self, topic: str, urgent: object, make: Callable[[], dict[str, object]]) -> str:
        """A message made anew as often as the settings say, and whenever ``urgent`` changes."""
        now = self._clock()
        made = self._made.get(topic)
        if made is None or made[1] != urgent or now - made[0] >= self._settings.mqtt.every:
            made = self._made[topic] = (now, urgent, json.dumps(make()))
        return made[2]

    def _state(self, camera: str) -> dict[str, object]:
        return state_message(
            self._windows[camera].measure(),
            faces=self._faces.get(camera, 0),
            time=time.time(),
            minutes=MINUTES,
            smallest_group=self._settings.privacy.smallest_group,
        )

    def _unheard(self, camera: str) -> CameraHealth:
        """How a camera does that has not said so."""
        for health in self.hub.health():
            if health.camera == camera:
                self._health[camera] = health
                return health
        camera_settings = self._settings.cameras.get(camera)
        enabled = camera_settings is None or camera_settings.enabled
        state = CameraState.STARTING if enabled else CameraState.STOPPED
        self._health[camera] = CameraHealth(camera=camera, state=state, since=time.time())
        return self._health[camera]


def _connection(settings: MqttSettings) -> MqttSettings:
    """What needs a new connection when it changes."""
    return settings.model_copy(update={"every": 5, "discovery": ""})
