"""Visitors who try it with their own camera: each has a worker that ends when they leave."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from sentistream.errors import InputError, MissingExtraError
from sentistream.media import Source
from sentistream.monitor.cameras.backoff import Patience
from sentistream.monitor.cameras.job import Job, Opener
from sentistream.monitor.cameras.supervised import Supervised
from sentistream.monitor.house import VISITORS
from sentistream.monitor.hub import Hub
from sentistream.translatable import Translatable

MOST_FACES = 4

LONGEST_OFFER = 64_000
"""Characters; a browser's offer has a few thousand."""

ANSWER_WITHIN = 20.0
"""Seconds in which a worker has to answer an offer."""


@dataclass(frozen=True, slots=True)
class BrowserOpener:
    """Takes a visitor's camera by WebRTC, inside the worker.

    Attributes:
        offer: The browser's session description.
    """

    offer: str = field(repr=False)
    preparing: str = ""

    def prepare(self) -> None:
        """Nothing has to be done."""

    def open(self, *, tick: float, sound_window: float) -> Source:
        try:
            browser = importlib.import_module("sentistream.media.browser")
        except ImportError:
            raise MissingExtraError("A visitor's camera", "monitor") from None
        source: Source = browser.BrowserSource(self.offer, tick=tick, sound_window=sound_window)
        return source


class Visitor:
    """A visitor's camera under supervision.

    Args:
        offer: The browser's session description.
        profile: Name of the profile.
        opener: Makes of an offer what opens the camera.
        hub: Takes what is told of it; its readings are not stored.
        patience: How long is waited for what.
        wake: Asks for a step soon.

    Attributes:
        key: Its random key.
        camera: Its worker.

    Raises:
        InputError: The offer is none.
    """

    def __init__(
        self,
        offer: str,
        *,
        profile: str,
        opener: Callable[[str], Opener],
        hub: Hub,
        patience: Patience,
        wake: Callable[[], None],
    ) -> None:
        if not (offer.startswith("v=0") and len(offer) <= LONGEST_OFFER):
            raise InputError("This is no offer of a browser.", "Send the session description.")
        self.key = VISITORS + secrets.token_hex(8)
        self._answer: Future[str] = Future()
        job = Job(
            camera=self.key,
            opener=opener(offer),
            profile=profile,
            max_faces=MOST_FACES,
            preview=False,
        )
        self.camera = Supervised(
            job, hub, patience, wake=wake, once=True, answered=self._answer.set_result
        )
        self.camera.want(job, None)

    def step(self) -> bool:
        """Does what is due; False once the visitor is gone."""
        over = self.camera.over
        if over is None:
            self.camera.step()
            over = self.camera.over
        if over is not None and not self._answer.done():
            problem = over.problem or Translatable("The camera did not start.")
            self._answer.set_exception(InputError(problem, over.way_out))
        return over is None

    def answer(self) -> str:
        """What the browser is told; waits for it.

        Raises:
            InputError: There is no answer.
        """
        try:
            return self._answer.result(ANSWER_WITHIN)
        except TimeoutError:
            raise InputError("The camera did not answer in time.", "Try again.") from None
