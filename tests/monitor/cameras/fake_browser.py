"""A fake browser source, importable by a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sentistream.errors import InputError
from sentistream.media import Source, open_source
from sentistream.media.simulated_camera import PacedSource
from sentistream.types import Moment


class AnsweringSource(Source):
    """A recording, with an answer to an offer."""

    def __init__(self, source: Source, answer: str) -> None:
        self._source = source
        self.answer = answer
        self.info, self.faults = source.info, source.faults

    def __next__(self) -> Moment:
        return next(self._source)

    def close(self) -> None:
        self._source.close()


@dataclass(frozen=True)
class FakeBrowser:
    """Opens the file that the offer names, or fails."""

    offer: str
    preparing: str = ""

    def prepare(self) -> None:
        """Nothing to prepare."""

    def open(self, *, tick: float, sound_window: float) -> Source:
        path = self.offer.removeprefix("v=0 ")
        if not Path(path).exists():
            raise InputError("The offer cannot be read.", "Try another browser.")
        source = PacedSource(open_source(path, tick=tick, sound_window=sound_window))
        return AnsweringSource(source, f"answer to {self.offer}")
