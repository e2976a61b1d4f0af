"""What the page and the API depend on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.interfaces import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of the running monitor that its page and its API use.

    Attributes:
        configuration: The settings.
        bus: Current events.
        cameras: The cameras.
        store: The stored readings.
        engine: The database, for accounts, sessions and tokens.
    """

    configuration: Configuration
    bus: EventBus
    cameras: Supervisor
    store: Store
    engine: Engine
