"""What the page and the API work with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from sentistream.monitor.configuration import Configuration
from sentistream.monitor.hub import Hub
from sentistream.monitor.interfaces import Cameras, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running monitor, as its page and its API see it.

    Attributes:
        configuration: The settings.
        hub: What happens now.
        cameras: The cameras.
        store: What was.
        engine: The database, for accounts, sessions and tokens.
    """

    configuration: Configuration
    hub: Hub
    cameras: Cameras
    store: Store
    engine: Engine
