"""A visitor's own camera, sent by the browser over WebRTC; its worker ends when they leave."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from sentistream.errors import InputError, MissingExtraError
from sentistream.media import Source
from sentistream.monitor.camera_keys import BROWSER_CAMERA_PREFIX
from sentistream.monitor.cameras.camera_process import CameraProcess, Timeouts
from sentistream.monitor.cameras.worker_protocol import CameraJob, SourceOpener
from sentistream.monitor.event_bus import EventBus
from sentistream.translatable import Translatable

MAX_FACES = 4
"""Most faces tracked at once."""

MAX_OFFER = 64_000
"""Characters of an offer; a browser's has a few thousand."""

ANSWER_TIMEOUT = 20.0
"""Seconds in which a worker has to answer an offer."""


@dataclass(frozen=True, slots=True)
class BrowserOpener:
    """Receives a browser's camera by WebRTC, inside the worker.

    Attributes:
        offer: The browser's session description.
    """

    offer: str = field(repr=False)
    preparing: str = ""

    def prepare(self) -> None:
        """Does nothing: there is nothing to prepare."""

    def open(self, *, tick: float, sound_window: float) -> Source:
        try:
            browser = importlib.import_module("sentistream.media.browser_source")
        except ImportError:
            raise MissingExtraError("A visitor's camera", "monitor") from None
        source: Source = browser.BrowserSource(self.offer, tick=tick, sound_window=sound_window)
        return source


class BrowserCamera:
    """A browser's camera under supervision. Its seconds are not stored.

    Args:
        offer: The browser's session description.
        profile: Name of the profile.
        opener: Creates the camera's opener from an offer.
        bus: Takes the camera's events.
        timeouts: How long to wait for what.
        wake: Asks for a call of ``step`` soon.

    Attributes:
        key: Its random key.
        process: Its worker.

    Raises:
        InputError: The offer is invalid.
    """

    def __init__(
        self,
        offer: str,
        *,
        profile: str,
        opener: Callable[[str], SourceOpener],
        bus: EventBus,
        timeouts: Timeouts,
        wake: Callable[[], None],
    ) -> None:
        if not (offer.startswith("v=0") and len(offer) <= MAX_OFFER):
            raise InputError(
                "This is not a valid offer from a browser.", "Send the session description."
            )
        self.key: str = BROWSER_CAMERA_PREFIX + secrets.token_hex(8)
        self._answer: Future[str] = Future()
        job = CameraJob(
            camera=self.key,
            opener=opener(offer),
            profile=profile,
            max_faces=MAX_FACES,
            preview=False,
        )
        self.process: CameraProcess = CameraProcess(
            job, bus, timeouts, wake=wake, temporary=True, on_answer=self._answer.set_result
        )
        self.process.configure(job, None)

    def step(self) -> bool:
        """See ``CameraProcess.step``; False once the browser's camera has ended."""
        ended = self.process.last_exit
        if ended is None:
            self.process.step()
            ended = self.process.last_exit
        if ended is not None and not self._answer.done():
            problem = ended.problem or Translatable("The camera did not start.")
            self._answer.set_exception(InputError(problem, ended.way_out))
        return ended is None

    def answer(self) -> str:
        """Waits for the answer to the browser's offer.

        Raises:
            InputError: There is no answer.
        """
        try:
            return self._answer.result(ANSWER_TIMEOUT)
        except TimeoutError:
            raise InputError("The camera did not answer in time.", "Try again.") from None
