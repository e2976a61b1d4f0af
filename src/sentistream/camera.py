"""A camera that is read in a loop, and reopened when its stream breaks off.

Example:
    >>> from sentistream import Camera
    >>> with Camera("rtsp://10.0.0.5/door") as camera:  # doctest: +SKIP
    ...     for reading in camera:
    ...         print(reading.time, reading.label)
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Self

from sentistream.api import Analysis, analyze
from sentistream.async_iteration import iterate_in_thread
from sentistream.backoff import Backoff
from sentistream.decoder_names import AUTO
from sentistream.errors import InputError
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, Profile
from sentistream.types import Moment, Reading


class Camera:
    """Endless readings of a live source; can be iterated once.

    If the stream breaks off, it is reopened after 1, 5, 10 and then every 60 seconds. Time keeps
    running meanwhile, and track numbers are not reused.

    Args:
        source: A camera's number or path, or an address such as ``rtsp://...``.
        profile, max_faces, every, prior, decoder: As for ``analyze``.
        patience: How long to try to reopen the source, seconds, at least 0; None to try
            forever. The first opening is tried only once.

    Attributes:
        problem: Why it is not being read right now; None while it is.

    Raises:
        ValueError: ``patience`` is below 0.
    """

    def __init__(
        self,
        source: str | int,
        *,
        profile: Profile | str = DEFAULT_PROFILE,
        max_faces: int | None = None,
        every: float | None = None,
        prior: Prior | str | None = None,
        decoder: str = AUTO,
        patience: float | None = None,
    ) -> None:
        if patience is not None and not patience >= 0:
            raise ValueError(f"Patience is at least 0 seconds, not {patience}.")
        self._source = source
        self._profile = profile
        self._max_faces = max_faces
        self._every = every
        self._prior = prior
        self._decoder = decoder
        self._patience = patience
        self._closed = threading.Event()
        self._analysis: Analysis | None = None
        self._newest: tuple[Reading, ...] = ()
        self.problem: str | None = None

    @property
    def newest(self) -> tuple[Reading, ...]:
        """The readings of the newest moment iterated over; empty before the first.

        May be read from a thread other than the iterating one.
        """
        return self._newest

    def __iter__(self) -> Iterator[Reading]:
        """Readings one by one: at each moment one per face, or one that says ``no_face``.

        Raises:
            InputError: The source cannot be opened, or not again within ``patience``.
        """
        for _, readings in self.moments():
            yield from readings

    def moments(self) -> Iterator[tuple[Moment, tuple[Reading, ...]]]:
        """Each moment (its picture and sound) with its readings.

        Raises:
            InputError: The source cannot be opened, or not again within ``patience``.
        """
        first_opened: float | None = None
        broken = time.monotonic()
        backoff = Backoff()
        tracks, reached = 0, 0.0
        while not self._closed.is_set():
            opened = time.monotonic()
            ran = 0.0
            try:
                with self._open() as analysis:
                    opened = last = time.monotonic()
                    first_opened = opened if first_opened is None else first_opened
                    # a stream may have sent more seconds than have passed
                    by = max(opened - first_opened, reached)
                    before = tracks
                    for moment, readings in analysis.moments():
                        self.problem = None
                        moment, readings = _moved(moment, readings, by, before)
                        tracks = max([tracks, *(one.track or 0 for one in readings)])
                        self._newest, reached = readings, moment.time + analysis.profile.tick
                        last = time.monotonic()
                        yield moment, readings
                    ran = last - opened
                    broken = time.monotonic()
                    self.problem = f"{analysis.info.name} has ended."
            except InputError as error:
                if first_opened is None:
                    raise
                self.problem = str(error)
                waited = time.monotonic() - broken
                if self._patience is not None and waited >= self._patience:
                    raise
            self._closed.wait(backoff.next_delay(ran=ran))

    def _open(self) -> Analysis:
        analysis = analyze(
            self._source,
            profile=self._profile,
            max_faces=self._max_faces,
            every=self._every,
            prior=self._prior,
            decoder=self._decoder,
            analyzer=None if self._analysis is None else self._analysis.analyzer,
        )
        if not analysis.info.live:
            analysis.close()
            raise InputError(
                f"{analysis.info.name} is a recording, no camera.", "Use analyze() for it."
            )
        self._analysis = analysis
        if self._closed.is_set():  # closed meanwhile, by another thread
            analysis.close()
        return analysis

    async def __aiter__(self) -> AsyncIterator[Reading]:
        """The same as iteration, for programs with an event loop: nothing blocks it.

        Raises:
            InputError: The source cannot be opened, or not again within ``patience``.
        """
        async for reading in iterate_in_thread(iter(self)):
            yield reading

    def close(self) -> None:
        """Stop reading and end iteration; safe to call twice, and from another thread."""
        self._closed.set()
        if self._analysis is not None:
            self._analysis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)


def _moved(
    moment: Moment, readings: tuple[Reading, ...], by: float, tracks: int
) -> tuple[Moment, tuple[Reading, ...]]:
    """The same on the first opening's clock, with track numbers after those already used."""
    if not by and not tracks:
        return moment, readings
    moved = dataclasses.replace(
        moment, time=moment.time + by, picture_time=moment.picture_time + by
    )
    return moved, tuple(
        dataclasses.replace(
            reading,
            time=reading.time + by,
            face=reading.face
            and dataclasses.replace(reading.face, track=reading.face.track + tracks),
        )
        for reading in readings
    )
