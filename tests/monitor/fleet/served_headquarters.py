"""Headquarters pages, served with a synthetic chain and without a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.served_monitor import ServedMonitor, settings

from fleet.sample_chain import fill
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.settings import Settings

HEADQUARTERS = {
    "host": "broker.invalid",
    "name": "Example Ltd",
    "site_username": "shop",
    "site_password": "broker-word-9",
}


class ServedHeadquarters(ServedMonitor):
    """Five shops; no messages are received."""

    def __init__(
        self, folder: Path, *, filled: bool = True, custom_settings: Settings | None = None
    ) -> None:
        def parts(served: ServedMonitor) -> dict[str, Any]:
            hq = Headquarters(served.engine, served.configuration.settings.headquarters)
            if filled:
                fill(served.engine)
            self.headquarters = hq
            return {"headquarters": hq}

        super().__init__(
            folder, custom_settings or settings(headquarters=HEADQUARTERS, cameras={}), parts=parts
        )
