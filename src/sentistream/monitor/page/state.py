"""What all routes of the page share."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from sentistream.monitor.accounts import User
from sentistream.monitor.api.words import language_of
from sentistream.monitor.page.broadcast import Broadcast
from sentistream.monitor.page.moods import Moods
from sentistream.monitor.page.rendering import render
from sentistream.monitor.page.tiles import tile
from sentistream.monitor.page.words import Words, words
from sentistream.monitor.services import Services


class PageState:
    """One page of one monitor.

    Args:
        services: What it shows.
        clock: Wall-clock seconds.

    Attributes:
        saving: Held from reading the settings to saving them changed, so that two managers
            do not undo each other's changes.
    """

    def __init__(
        self,
        services: Services,
        *,
        clock: Callable[[], float] = time.time,
        saving: threading.Lock | None = None,
    ) -> None:
        self.services = services
        self.clock = clock
        self.moods = Moods(services.store, clock)
        self.broadcast = Broadcast(services, self.moods, clock=clock)
        self.saving = threading.Lock() if saving is None else saving

    def say(self, request: Request) -> Words:
        """The words of who asks."""
        return words(language_of(request, self.services.configuration.settings.language))

    def render(
        self, request: Request, name: str, *, user: User, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page, in the visitor's language."""
        return render(request, name, user=user, say=self.say(request), status=status, **values)

    def own_camera(self, camera: str, say: Words) -> str:
        """A visitor's own camera as JSON for its overlay."""
        settings, bus = self.services.configuration.settings, self.services.bus
        health = {each.camera: each for each in bus.health()}
        made = tile(
            camera,
            "",
            settings,
            health=health.get(camera),
            observation=bus.observation(camera),
            preview=None,
            now=self.clock(),
            say=say,
        )
        return json.dumps(dataclasses.asdict(made), separators=(",", ":"))
