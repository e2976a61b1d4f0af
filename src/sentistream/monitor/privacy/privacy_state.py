"""The actual state, for everything that the monitor says about privacy.

The privacy page, the notice and the impact assessment derive their statements only from this, so
that they cannot differ.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from sentistream.monitor.cameras.capture import DEMO, is_webcam
from sentistream.monitor.display_names import camera_name
from sentistream.monitor.settings import CameraSettings, ServerSettings, Settings
from sentistream.monitor.site_link.link_state import LinkState
from sentistream.monitor.translation import N_, Translator
from sentistream.redaction import host_of


class InForce(StrEnum):
    """Whether a measure is in force."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Transport(StrEnum):
    """How data is transported to browsers."""

    TLS = "tls"
    """Encrypted by the monitor."""
    PROXY = "proxy"
    """Encrypted by a proxy on the same machine, through which alone the monitor can be reached."""
    PROXY_AND_PLAIN = "proxy_and_plain"
    """Encrypted by a proxy, but the monitor's own port is open to the network, unencrypted."""
    LOCAL = "local"
    """Not encrypted, but it does not leave the machine."""
    PLAIN = "plain"
    """Not encrypted, over the network."""


_RECIPIENTS = {
    "broker": N_("the MQTT broker {host}"),
    "mail_server": N_("the mail server {host} and those it delivers to"),
    "push_server": N_("the push service {host}"),
    "webhook": N_("the program at {host}"),
    "database": N_("the database at {host}"),
    "headquarters": N_("headquarters {name} by the broker {host}"),
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient of data, besides those who log in.

    Attributes:
        kind: What it is.
        host: Where it is: no path, no user, no password.
        name: A headquarters' own name.
    """

    kind: Literal["broker", "mail_server", "push_server", "webhook", "database", "headquarters"]
    host: str
    name: str = ""

    def in_words(self, tr: Translator) -> str:
        """Its kind and host."""
        return tr.gettext(_RECIPIENTS[self.kind], host=self.host, name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyState:
    """The current state.

    Attributes:
        settings: The current settings.
        cameras: The enabled cameras, by key: the configured ones, else the one that the monitor
            chose. Empty if none is configured and the monitor is not running.
        tokens: How many programs have an API token; None if unknown.
        headquarters: The headquarters that the site reports to; None if it reports to none.
    """

    settings: Settings
    cameras: tuple[tuple[str, CameraSettings], ...]
    tokens: int | None
    headquarters: LinkState | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        running: Mapping[str, CameraSettings] | None = None,
        tokens: int | None = None,
        headquarters: LinkState | None = None,
    ) -> PrivacyState:
        """From the settings, and from what they do not contain.

        Args:
            settings: The current settings.
            running: The cameras that run if none is configured.
            tokens: How many programs have an API token; None if unknown.
            headquarters: The headquarters that the site reports to; None if it reports to none.
        """
        cameras = settings.cameras or running or {}
        enabled = tuple((key, camera) for key, camera in cameras.items() if camera.enabled)
        return cls(settings=settings, cameras=enabled, tokens=tokens, headquarters=headquarters)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Who receives aggregates, states or alerts, or stores the readings."""
        settings = self.settings
        found: list[Recipient] = []
        if (link := self.headquarters) is not None:
            name = link.headquarters_name or link.broker.host
            found.append(Recipient("headquarters", link.broker.host, name))
        brokers = dict.fromkeys((settings.mqtt.host, settings.headquarters.host))
        found += [Recipient("broker", host) for host in brokers if host]
        if settings.email.host:
            found.append(Recipient("mail_server", settings.email.host))
        servers = sorted({host_of(topic.server) or "?" for topic in settings.ntfy})
        found += [Recipient("push_server", host) for host in servers]
        hosts = sorted({webhook.url.host or "?" for webhook in settings.webhooks})
        found += [Recipient("webhook", host) for host in hosts]
        if database := settings.storage.url.get_secret_value():
            found.append(Recipient("database", host_of(database) or "?"))
        return tuple(found)

    @property
    def is_reached_from_network(self) -> bool:
        """Whether browsers and programs on other machines can reach the monitor."""
        server = self.settings.server
        public = urlsplit(server.public_url).hostname or ""
        return not is_loopback(server.host) or bool(public and not is_loopback(public))

    @property
    def stays_on_machine(self) -> bool:
        """Whether no data gets to another program or machine."""
        return not (self.recipients or self.tokens != 0 or self.is_reached_from_network)

    @property
    def transport(self) -> Transport:
        """How data is transported to browsers."""
        return transport_of(self.settings.server)

    @property
    def hears(self) -> bool:
        """Whether the sound of any camera is analyzed."""
        return any(hears(camera) for _, camera in self.cameras)

    @property
    def masked(self) -> tuple[str, ...]:
        """Names of the cameras with a part that is masked, always or at times."""
        return self._names(has_masks)

    @property
    def unmasked(self) -> tuple[str, ...]:
        """Names of the cameras without."""
        return self._names(lambda camera: not has_masks(camera))

    @property
    def masks(self) -> InForce:
        """Whether all, some or none of the cameras have a part that is masked."""
        return _share(self.masked, self.unmasked)

    @property
    def scheduled(self) -> tuple[str, ...]:
        """Names of the cameras that have watching hours."""
        return self._names(lambda camera: bool(camera.hours))

    @property
    def unscheduled(self) -> tuple[str, ...]:
        """Names of the cameras that watch around the clock."""
        return self._names(lambda camera: not camera.hours)

    @property
    def hours(self) -> InForce:
        """Whether all, some or none of the cameras have watching hours."""
        return _share(self.scheduled, self.unscheduled)

    @property
    def overwrites(self) -> bool:
        """Whether deleted data is overwritten: in an SQLite file it is, PostgreSQL decides
        itself."""
        return not self.settings.storage.url.get_secret_value()

    @property
    def backups(self) -> int:
        """How many backups are kept, which contain data deleted since; 0 for none."""
        storage = self.settings.storage
        return storage.backups_kept if storage.backup_folder and self.overwrites else 0

    @property
    def hides_small_groups(self) -> bool:
        """Whether there are groups that are too small to be shown."""
        return self.settings.privacy.smallest_group > 1

    def _names(self, is_meant: Callable[[CameraSettings], bool]) -> tuple[str, ...]:
        return tuple(camera_name(key, camera) for key, camera in self.cameras if is_meant(camera))


def has_masks(camera: CameraSettings) -> bool:
    """Whether a part of its picture is masked, always or at times."""
    return any(zone.masked != "never" for zone in camera.zones)


def hears(camera: CameraSettings) -> bool:
    """Whether a camera's sound is analyzed: a webcam's only if its microphone is named."""
    source = camera.source.get_secret_value().strip()
    return camera.sound and (bool(camera.microphone) or not is_webcam(source))


def is_demonstration(camera: CameraSettings) -> bool:
    """Whether it is the drawn clip, in which nobody is real."""
    return camera.source.get_secret_value().strip() == DEMO


def transport_of(server: ServerSettings) -> Transport:
    """How data is transported to browsers."""
    is_local = is_loopback(server.host)
    if server.tls_certificate is not None:
        return Transport.TLS
    if server.public_url.startswith("https://"):
        return Transport.PROXY if is_local else Transport.PROXY_AND_PLAIN
    public = urlsplit(server.public_url).hostname or ""
    return Transport.LOCAL if is_local and (not public or is_loopback(public)) else Transport.PLAIN


def is_loopback(host: str) -> bool:
    """Whether an address is a loopback address of this machine."""
    name = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _share(having: Sequence[str], lacking: Sequence[str]) -> InForce:
    if not having:
        return InForce.NO
    return InForce.PARTLY if lacking else InForce.YES
