"""Display names of cameras and zones, for everything that people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sentistream.monitor.camera_keys import own_cameras
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.settings import CameraSettings, Settings
from sentistream.monitor.translation import Translator
from sentistream.values import ByValue


@dataclass(frozen=True, slots=True, eq=False)
class DisplayNames(ByValue):
    """Names by key; a key that is no longer in the settings is its own name.

    Attributes:
        cameras: Names of the cameras to show, by key, in the settings' order.
        zones: Names of zones, by the keys of camera and zone.
    """

    cameras: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, running: Iterable[str] = ()) -> DisplayNames:
        """The names in the settings.

        Args:
            settings: The current settings.
            running: Keys of the running cameras, used if none is configured.
        """
        known = settings.cameras
        return cls(
            {key: camera_name(key, known.get(key)) for key in own_cameras(settings, running)},
            {
                (key, zone.name): zone.shown_name
                for key, camera in known.items()
                for zone in camera.zones
            },
        )

    def camera(self, camera: str) -> str:
        """What people call a camera."""
        return self.cameras.get(camera, camera)

    def zone(self, camera: str, zone: str) -> str:
        """A zone's display name; without a camera, all of its names."""
        if camera:
            return self.zones.get((camera, zone), zone)
        found = dict.fromkeys(name for (_, key), name in self.zones.items() if key == zone)
        return " / ".join(found) or zone

    def place(self, camera: str, zone: str, tr: Translator) -> str:
        """The name of a camera, or of its zone; of all cameras without one."""
        name = self.camera(camera) if camera else tr.gettext("all cameras")
        if not zone:
            return name
        return tr.gettext("{camera}, zone {zone}", camera=name, zone=self.zone(camera, zone))


def camera_name(key: str, camera: CameraSettings | None) -> str:
    """A camera's display name; its key if it has none."""
    if camera is None or camera.name == CameraSettings.model_fields["name"].default:
        return key.capitalize()
    return camera.name


def display_names(settings: Settings, bus: EventBus) -> DisplayNames:
    """The names of the cameras that are currently shown."""
    return DisplayNames.of(settings, (health.camera for health in bus.health()))
