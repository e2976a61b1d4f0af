"""Live updates: each is made once and sent to all who look, however many they are."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import time
from collections.abc import Callable

from sentistream.monitor.page.moods import NO_MOOD, Moods
from sentistream.monitor.page.rendering import fragment
from sentistream.monitor.page.tiles import shown_cameras, tiles
from sentistream.monitor.page.words import words
from sentistream.monitor.services import Services

_log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two updates."""

PICTURES = 60.0
"""Most pictures sent a second, over everybody; more viewers get fewer each."""

SLOWEST = 2.0
"""Most seconds between two pictures of a camera, however many look."""

HEARTBEAT = 3.0
"""Seconds after which something is sent even if nothing has changed."""


class Viewer:
    """One open page.

    Attributes:
        language: What it is told in.
        watching: Keys of the cameras whose tiles are in sight.
        fresh: Set when there is something new.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.watching: frozenset[str] = frozenset()
        self.fresh = asyncio.Event()


class Broadcast:
    """Makes the updates while anybody looks, in the server's event loop.

    Attributes:
        states: Each language's newest update.
        moods: Each language's newest last minutes.
        pictures: Each camera's newest live picture with its key in front.
    """

    def __init__(self, services: Services, moods: Moods, *, clock: Callable[[], float]) -> None:
        self._services = services
        self._moods = moods
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._taken: dict[str, tuple[float, float]] = {}
        self._spoken: dict[str, tuple[float, str]] = {}
        self._made_of: object = None
        self.states: dict[str, str] = {}
        self.moods: dict[str, str] = {}
        self.pictures: dict[str, bytes] = {}

    @property
    def viewers(self) -> int:
        """How many look now."""
        return len(self._viewers)

    def join(self, viewer: Viewer) -> None:
        """Somebody begins to look."""
        self._viewers.add(viewer)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="broadcast")
        viewer.fresh.set()

    def leave(self, viewer: Viewer) -> None:
        """And ends; the last one to leave ends the work."""
        self._viewers.discard(viewer)

    async def _run(self) -> None:
        while self._viewers:
            began = time.monotonic()
            try:
                self._update_states()
                self._update_pictures(began)
                if self._moods.stale:
                    await asyncio.to_thread(self._moods.now)
                self._update_moods()
            except Exception:
                # one bad update must not end all that follow
                _log.exception("A live update could not be made.")
            for viewer in self._viewers:
                viewer.fresh.set()
            await asyncio.sleep(max(TICK / 5, TICK - (time.monotonic() - began)))
        self.states.clear()
        self.moods.clear()
        self.pictures.clear()
        self._spoken.clear()
        self._made_of = None
        self._taken.clear()

    def _update_states(self) -> None:
        now = self._clock()
        settings = self._services.configuration.settings
        for language in {viewer.language for viewer in self._viewers}:
            seen = tiles(settings, self._services.bus, now, words(language))
            text = json.dumps(
                {"tiles": [dataclasses.asdict(each) for each in seen]}, separators=(",", ":")
            )
            said, before = self._spoken.get(language, (float("-inf"), ""))
            if text != before or not 0 <= now - said < HEARTBEAT:
                self._spoken[language] = (now, text)
                # a new object each time: viewers compare by identity
                self.states[language] = f"{text} "

    def _update_pictures(self, now: float) -> None:
        wanted: dict[str, int] = {}
        for viewer in self._viewers:
            for key in viewer.watching:
                wanted[key] = wanted.get(key, 0) + 1
        pause = min(SLOWEST, sum(wanted.values()) / PICTURES)
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

    def _update_moods(self) -> None:
        known = self._moods.now()
        settings = self._services.configuration.settings
        languages = {viewer.language for viewer in self._viewers}
        if (known, settings, languages) == self._made_of:
            return
        self._made_of = (known, settings, languages)
        for language in languages:
            say = words(language)
            made = {
                key: fragment(
                    "mood.html.j2",
                    "mood",
                    say,
                    mood=NO_MOOD if known is None else known.get(key, NO_MOOD),
                    answered=known is not None,
                    smallest=settings.privacy.smallest_group,
                )
                for key in shown_cameras(settings, self._services.bus)
            }
            text = json.dumps({"moods": made})
            if self.moods.get(language) != text:
                self.moods[language] = text
