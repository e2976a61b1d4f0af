"""Live updates: each is rendered once and sent to all viewers."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import time
from collections.abc import Callable

from sentistream.monitor.display_names import display_names
from sentistream.monitor.services import Services
from sentistream.monitor.translation import translator
from sentistream.monitor.web.live_tiles import tiles
from sentistream.monitor.web.recent import NO_RECENT, RecentSentiment
from sentistream.monitor.web.rendering import fragment

_log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two updates."""

PREVIEWS_PER_SECOND = 60.0
"""Most pictures sent a second, over all viewers; more viewers get fewer each."""

SLOWEST_PREVIEW = 2.0
"""Most seconds between two pictures of a camera, however many viewers there are."""

HEARTBEAT = 3.0
"""Seconds after which something is sent even if nothing has changed."""


class LiveClient:
    """One open page.

    Attributes:
        language: Its language.
        watching: Keys of the cameras whose tiles are visible.
        fresh: Set when there is something new.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.watching: frozenset[str] = frozenset()
        self.fresh: asyncio.Event = asyncio.Event()


class Broadcast:
    """Renders the updates while there are viewers, in the server's event loop.

    Attributes:
        states: Each language's newest update.
        recent: Each language's newest last minutes.
        pictures: Each camera's newest live picture with its key in front.
    """

    def __init__(
        self, services: Services, recent: RecentSentiment, *, clock: Callable[[], float]
    ) -> None:
        self._services = services
        self._recent = recent
        self._clock = clock
        self._viewers: set[LiveClient] = set()
        self._task: asyncio.Task[None] | None = None
        self._taken: dict[str, tuple[float, float]] = {}
        self._sent: dict[str, tuple[float, str]] = {}
        self._rendered_from: object = None
        self.states: dict[str, str] = {}
        self.recent: dict[str, str] = {}
        self.pictures: dict[str, bytes] = {}

    @property
    def viewers(self) -> int:
        """The current number of viewers."""
        return len(self._viewers)

    def join(self, viewer: LiveClient) -> None:
        """Adds a viewer."""
        self._viewers.add(viewer)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="broadcast")
        viewer.fresh.set()

    def leave(self, viewer: LiveClient) -> None:
        """Removes a viewer; the last one stops the rendering."""
        self._viewers.discard(viewer)

    async def _run(self) -> None:
        while self._viewers:
            began = time.monotonic()
            try:
                self._update_states()
                self._update_pictures(began)
                if self._recent.stale:
                    await asyncio.to_thread(self._recent.now)
                self._update_recent()
            except Exception:
                # one bad update must not end all that follow
                _log.exception("A live update could not be made.")
            for viewer in self._viewers:
                viewer.fresh.set()
            await asyncio.sleep(max(TICK / 5, TICK - (time.monotonic() - began)))
        self.states.clear()
        self.recent.clear()
        self.pictures.clear()
        self._sent.clear()
        self._rendered_from = None
        self._taken.clear()

    def _update_states(self) -> None:
        now = self._clock()
        settings = self._services.configuration.settings
        for language in {viewer.language for viewer in self._viewers}:
            seen = tiles(settings, self._services.bus, now, translator(language))
            text = json.dumps(
                {"tiles": [dataclasses.asdict(each) for each in seen]}, separators=(",", ":")
            )
            sent_at, before = self._sent.get(language, (float("-inf"), ""))
            if text != before or not 0 <= now - sent_at < HEARTBEAT:
                self._sent[language] = (now, text)
                # a new object each time: viewers compare by identity
                self.states[language] = f"{text} "

    def _update_pictures(self, now: float) -> None:
        wanted: dict[str, int] = {}
        for viewer in self._viewers:
            for key in viewer.watching:
                wanted[key] = wanted.get(key, 0) + 1
        pause = min(SLOWEST_PREVIEW, sum(wanted.values()) / PREVIEWS_PER_SECOND)
        for key in wanted:
            self._services.cameras.request_preview(key)
            preview = self._services.bus.preview(key)
            taken, sent = self._taken.get(key, (0.0, float("-inf")))
            if preview is None or preview.time == taken or now - sent < pause - TICK / 2:
                continue
            self._taken[key] = (preview.time, now)
            name = key.encode()
            self.pictures[key] = bytes([len(name)]) + name + preview.jpeg
        for key in self.pictures.keys() - wanted.keys():
            del self.pictures[key]

    def _update_recent(self) -> None:
        known = self._recent.now()
        settings = self._services.configuration.settings
        languages = {viewer.language for viewer in self._viewers}
        if (known, settings, languages) == self._rendered_from:
            return
        self._rendered_from = (known, settings, languages)
        for language in languages:
            tr = translator(language)
            made = {
                key: fragment(
                    "shares.html.j2",
                    "recent_minutes",
                    tr,
                    minutes=NO_RECENT if known is None else known.get(key, NO_RECENT),
                    answered=known is not None,
                    smallest=settings.privacy.smallest_group,
                )
                for key in display_names(settings, self._services.bus).cameras
            }
            text = json.dumps({"recent": made})
            if self.recent.get(language) != text:
                self.recent[language] = text
