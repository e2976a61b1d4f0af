"""Names of topics, and of ourselves on the broker."""

from __future__ import annotations

from dataclasses import dataclass

from sentistream.monitor.settings import MqttSettings

ONLINE, OFFLINE = "online", "offline"

OWN = "sentistream"
"""A topic with this word in it is no other device's."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Where everything is published.

    Attributes:
        root: What every topic begins with; has ``OWN`` in it.
        discovery: Home Assistant's prefix; empty for none.
    """

    root: str
    discovery: str

    @classmethod
    def of(cls, settings: MqttSettings) -> Topics:
        """As the settings say, below a level that is ours alone where others share the topic."""
        shared = OWN not in settings.topic.lower()
        root = f"{settings.topic}/{OWN}" if shared else settings.topic
        return cls(root=root, discovery=settings.discovery)

    @property
    def node(self) -> str:
        """Names this installation in unique ids; two on one broker need different topics."""
        return self.root.replace("/", "_")

    @property
    def status(self) -> str:
        """Whether the monitor is there at all."""
        return f"{self.root}/status"

    def availability(self, camera: str) -> str:
        """Whether the camera's readings are of now."""
        return f"{self.root}/{camera}/availability"

    def state(self, camera: str) -> str:
        """What the camera sees."""
        return f"{self.root}/{camera}/state"

    def health(self, camera: str) -> str:
        """How the camera does."""
        return f"{self.root}/{camera}/health"

    def alert(self, camera: str, rule: str) -> str:
        """Whether a rule is true of the camera."""
        return f"{self.root}/{camera}/alert/{rule}"

    def config(self, component: str, unique: str) -> str:
        """Where Home Assistant reads of one entity."""
        return f"{self.discovery}/{component}/{self.node}/{unique}/config"

    def unique(self, camera: str, entity: str) -> str:
        """An entity's unique id."""
        return f"{self.node}_{camera}_{entity}"
