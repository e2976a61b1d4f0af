"""What all pages share: services, clock, translator and templates."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.requests import HTTPConnection

from sentistream.monitor.accounts import User
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.services import Services
from sentistream.monitor.settings import Settings, build_settings
from sentistream.monitor.site_link.link_state import LinkState
from sentistream.monitor.translation import Translator, language_of, translator
from sentistream.monitor.web.alert_banner import banner_items
from sentistream.monitor.web.live_broadcast import Broadcast
from sentistream.monitor.web.live_tiles import tile
from sentistream.monitor.web.recent import RecentSentiment
from sentistream.monitor.web.rendering import render, render_plain
from sentistream.percentages import whole_percentages


def joined_headquarters(services: Services) -> LinkState | None:
    """The headquarters that this site reports to; None if it reports to none."""
    link = None if services.site_link is None else services.site_link.link
    return link if link is not None and link.joined is not None else None


class Site:
    """The pages of one monitor.

    Args:
        services: What it shows.
        clock: Wall-clock seconds.

    Attributes:
        settings_lock: Held from reading the settings to saving them changed, so that two managers
            do not undo each other's changes.
    """

    def __init__(
        self,
        services: Services,
        *,
        clock: Callable[[], float] = time.time,
        settings_lock: threading.Lock | None = None,
    ) -> None:
        self.services = services
        self.clock = clock
        self.recent: RecentSentiment = RecentSentiment(services.store, clock)
        self.broadcast: Broadcast = Broadcast(services, self.recent, clock=clock)
        self.settings_lock: threading.Lock = (
            threading.Lock() if settings_lock is None else settings_lock
        )

    @property
    def headquarters(self) -> Headquarters:
        """What receives the shops' reports.

        Raises:
            HTTPException: 404, if this is no headquarters.
        """
        if self.services.headquarters is None:
            raise HTTPException(404)
        return self.services.headquarters

    def translator(self, request: Request) -> Translator:
        """The visitor's translator."""
        return translator(language_of(request, self.services.configuration.settings.language))

    def render(
        self, request: Request, name: str, *, user: User, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page, in the visitor's language."""
        services, tr = self.services, self.translator(request)
        return render(
            request,
            name,
            user=user,
            tr=tr,
            status=status,
            banner=banner_items(services, tr),
            is_headquarters=services.headquarters is not None,
            reports_to=joined_headquarters(services),
            **values,
        )

    def render_plain(
        self,
        request: Request,
        template: str,
        /,
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A page without navigation, in the visitor's language: before the login, and errors."""
        tr = self.translator(request)
        return render_plain(request, template, tr=tr, status=status, headers=headers, **values)

    def browser_camera_state(self, camera: str, tr: Translator) -> str:
        """A visitor's own camera as JSON for its overlay, with probabilities and a timeline.

        ``shares`` has a list for each face, in the order of ``faces``: whole percentages of
        ``SENTIMENTS`` that add up to 100; null where its expression is not read.
        """
        settings, bus = self.services.configuration.settings, self.services.bus
        health = {each.camera: each for each in bus.health()}
        observation = bus.observation(camera)
        made = tile(
            camera,
            "",
            settings,
            health=health.get(camera),
            observation=observation,
            preview=None,
            now=self.clock(),
            tr=tr,
        )
        shares: dict[str, tuple[int, ...] | None] = {}
        for face in observation.faces if observation is not None else ():
            known = face.smoothed
            shares[face.track] = (
                None
                if known is None
                else whole_percentages([known.positive, known.neutral, known.negative])
            )
        values = dataclasses.asdict(made) | {
            "shares": [shares.get(face.track) for face in made.faces],
            "time": 0.0 if observation is None else observation.time,
        }
        return json.dumps(values, separators=(",", ":"))

    def save(self, change: Callable[[Settings], dict[str, Any]]) -> None:
        """Changes some of the settings: validated as a whole, then applied.

        Args:
            change: Given the current settings, returns the new values by field.

        Raises:
            ValidationError: They do not fit together.
            OutputError: Their file cannot be written; nothing changes.
        """
        with self.settings_lock:
            now = self.services.configuration.settings
            kept = {name: getattr(now, name) for name in Settings.model_fields}
            self.services.configuration.change(build_settings(kept | change(now)))


async def _site(connection: HTTPConnection) -> Site:
    site: Site = connection.app.state.site
    return site


SiteDep = Annotated[Site, Depends(_site)]


async def headquarters_only(site: SiteDep) -> None:
    """Its router's pages are not found if this is no headquarters."""
    _ = site.headquarters
