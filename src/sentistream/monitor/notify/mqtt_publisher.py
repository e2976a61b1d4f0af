"""Publishes every camera's state, health and alerts by MQTT."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from sentistream.monitor.alerts.sliding_window import SlidingWindow
from sentistream.monitor.camera_keys import is_own_camera
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import Event, EventBus
from sentistream.monitor.notify.home_assistant import discovery_configs, rules_of
from sentistream.monitor.notify.mqtt_client import OFFLINE, ONLINE, MqttClient, Topics
from sentistream.monitor.notify.payloads import alert_payload, health_payload, state_payload
from sentistream.monitor.observations import Alert, CameraHealth, CameraState, Seconds
from sentistream.monitor.settings import MqttSettings, Settings
from sentistream.monitor.subscriber import Subscriber

MINUTES = 5
"""Length of the window over which the shares in a camera's state are taken."""

TOPICS_FILE = "mqtt-topics.json"
"""The file in the state folder that lists the topics we published."""

QUEUE = 4096
"""Events that wait to be published."""

INTERVAL = 0.5
"""Seconds between two rounds of publishing."""


class MqttPublisher(Subscriber):
    """Publishes to the broker of the settings, in a form that Home Assistant discovers.

    Cameras of visitors' browsers are not published.

    Args:
        bus: Where events come from.
        configuration: The settings, which may change while it runs.
        state: The state folder; without one, topics of earlier runs are not cleared.
        clock: Seconds of a clock that is never set.
    """

    def __init__(
        self,
        bus: EventBus,
        configuration: Configuration,
        *,
        state: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            bus, [Seconds, CameraHealth, Alert], name="mqtt", depth=QUEUE, interval=INTERVAL
        )
        self._configuration = configuration
        self._topics_file = None if state is None else state / TOPICS_FILE
        self._clock = clock
        self._settings = configuration.settings
        self._client: MqttClient | None = None
        self._windows: dict[str, SlidingWindow] = {}
        self._faces: dict[str, int] = {}
        self._health: dict[str, CameraHealth] = {}
        self._alerts: dict[tuple[str, str], Alert] = {}
        self._payloads: dict[str, tuple[float, object, str]] = {}
        self._last_round = float("-inf")
        self._discovery: tuple[object, dict[str, str]] = (None, {})

    def start(self) -> None:
        """Subscribes, and connects to the broker."""
        self._connect()
        super().start()

    def handle(self, event: Event) -> None:
        """Remembers the newest state."""
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
            self._apply(settings)
        now = self._clock()
        if now - self._last_round < INTERVAL:
            return
        self._last_round = now
        cameras = self._cameras()
        self._forget_removed(cameras)
        if self._client is not None:
            self._client.sync(self._wanted(sorted(cameras)))

    def finish(self) -> None:
        """Publishes that the monitor is offline."""
        if self._client is not None:
            self._client.close()

    def _connect(self) -> None:
        mqtt = self._settings.mqtt
        self._client = MqttClient(mqtt, self._topics_file) if mqtt.host else None

    def _apply(self, settings: Settings) -> None:
        before, self._settings = self._settings.mqtt, settings
        if _connection(before) == _connection(settings.mqtt):
            return
        if self._client is not None:
            moved = not settings.mqtt.host or settings.mqtt.topic != before.topic
            self._client.close(clear=moved)
        self._connect()

    def _cameras(self) -> set[str]:
        known = {health.camera for health in self.bus.health()} | set(self._settings.cameras)
        return {camera for camera in known if is_own_camera(camera, self._settings)}

    def _forget_removed(self, cameras: set[str]) -> None:
        """Forgets cameras and rules that were removed."""
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
        """All messages that the broker should retain now, by topic."""
        topics = Topics.of(self._settings.mqtt)
        discovery_key = (self._settings, cameras)
        if self._discovery[0] != discovery_key:
            configs = discovery_configs(self._settings, cameras)
            self._discovery = (
                discovery_key,
                {topic: json.dumps(each) for topic, each in configs.items()},
            )
        wanted = {topics.status: ONLINE, **self._discovery[1]}
        for camera in cameras:
            wanted |= self._camera_messages(topics, camera)
        self._payloads = {topic: each for topic, each in self._payloads.items() if topic in wanted}
        return wanted

    def _camera_messages(self, topics: Topics, camera: str) -> dict[str, str]:
        health = self._health.get(camera) or self._default_health(camera)
        running = health.state is CameraState.RUNNING
        messages = {
            topics.availability(camera): ONLINE if running else OFFLINE,
            topics.health(camera): self._throttled(
                topics.health(camera),
                (health.state, health.reason),
                lambda: health_payload(health),
            ),
        }
        if camera in self._windows:
            messages[topics.state(camera)] = self._throttled(
                topics.state(camera), None, lambda: self._state(camera)
            )
        for rule in rules_of(self._settings, camera):
            alert = self._alerts.get((camera, rule.key))
            message = {"active": False} if alert is None else alert_payload(alert)
            messages[topics.alert(camera, rule.key)] = json.dumps(message)
        return messages

    def _throttled(self, topic: str, urgent: object, make: Callable[[], dict[str, object]]) -> str:
        """A payload, rebuilt at the interval of the settings and whenever ``urgent`` changes."""
        now = self._clock()
        made = self._payloads.get(topic)
        if made is None or made[1] != urgent or now - made[0] >= self._settings.mqtt.every:
            made = self._payloads[topic] = (now, urgent, json.dumps(make()))
        return made[2]

    def _state(self, camera: str) -> dict[str, object]:
        return state_payload(
            self._windows[camera].stats(),
            faces=self._faces.get(camera, 0),
            time=time.time(),
            minutes=MINUTES,
            smallest_group=self._settings.privacy.smallest_group,
        )

    def _default_health(self, camera: str) -> CameraHealth:
        """The health of a camera that has not published any."""
        for health in self.bus.health():
            if health.camera == camera:
                self._health[camera] = health
                return health
        camera_settings = self._settings.cameras.get(camera)
        enabled = camera_settings is None or camera_settings.enabled
        state = CameraState.STARTING if enabled else CameraState.STOPPED
        self._health[camera] = CameraHealth(camera=camera, state=state, since=time.time())
        return self._health[camera]


def _connection(settings: MqttSettings) -> MqttSettings:
    """The settings that need a new connection when they change."""
    return settings.model_copy(update={"every": 5, "discovery": ""})
