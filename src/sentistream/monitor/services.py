"""What the page and the API depend on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.interfaces import Store
from sentistream.monitor.site_link.site_link import SiteLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of the running monitor that its page and its API use.

    Attributes:
        configuration: The settings.
        bus: Current events.
        cameras: The cameras.
        store: The stored readings.
        engine: The database, for accounts, sessions and tokens.
        site_link: Reports to a headquarters, where the site has joined one; None in tests.
        headquarters: Takes the reports of sites; None if this is no headquarters.
    """

    configuration: Configuration
    bus: EventBus
    cameras: Supervisor
    store: Store
    engine: Engine
    site_link: SiteLink | None = None
    headquarters: Headquarters | None = None
