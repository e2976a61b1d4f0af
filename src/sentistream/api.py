"""From a path or a camera to readings, in three lines.

Example:
    >>> from sentistream import analyze
    >>> with analyze("clip.mp4") as analysis:  # doctest: +SKIP
    ...     for reading in analysis:
    ...         print(f"{reading.time:.2f} s, appearance {reading.track}: {reading.label}")
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sentistream import tables
from sentistream.analyzer import Analyzer
from sentistream.async_iteration import iterate_in_thread
from sentistream.decoder_names import AUTO
from sentistream.errors import InputError
from sentistream.media import Faults, MediaInfo, Source, open_source
from sentistream.media.prefetch import prefetch
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, Profile, get_profile
from sentistream.runtime import load_card
from sentistream.streams.rate_control import RateController, mark_slowed
from sentistream.types import Moment, Reading

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

READ_AHEAD = 8
"""Moments decoded ahead of the analysis; each holds one picture."""


def analyze(
    source: str | Path | int,
    *,
    profile: Profile | str = DEFAULT_PROFILE,
    max_faces: int | None = None,
    every: float | None = None,
    prior: Prior | str | None = None,
    analyzer: Analyzer | None = None,
    read_ahead: int = READ_AHEAD,
    video_track: int | None = None,
    audio_track: int | None = None,
    threads: int = 0,
    decoder: str = AUTO,
) -> Analysis:
    """Analyze a video, camera or stream.

    Args:
        source: A video file's path, a camera's number, or an address such as ``rtsp://...``.
        profile: Which networks and settings; a name or a ``Profile``.
        max_faces: Most faces tracked at once, at least 1; by default ``MAX_FACES``, or what
            ``analyzer`` was made for. If more are found, the largest are kept and the
            readings say ``more_faces``.
        every: Seconds between two moments; by default the profile's 0.03. Fewer moments take less
            time. Up to 0.2 s answers stay much the same; beyond that, most of the voice is
            missed, and a moving face counts as a new appearance.
        prior: How common the classes are assumed to be where people are watched: a name such as
            ``everyday``, three numbers as text, or a ``Prior``; by default the profile's.
        analyzer: An analyzer to reuse, which saves loading its networks; it is reset, and must
            have been made for the same profile and prior.
        read_ahead: Moments decoded ahead in the background, at least 1.
        video_track, audio_track: The track of its kind, from 1; None for one that can
            be decoded and is not empty. ``Analysis.info`` says which was chosen, and why.
        threads: Threads that decode a file; 0 to let the decoder decide.
        decoder: What decodes pictures: ``auto`` for hardware if it works, else software;
            ``software``; or a decoder's name, such as ``vaapi``, ``cuda`` or ``videotoolbox``.
            If that does not work, software decodes and ``Analysis.info`` says so.

    Returns:
        The analysis; nothing is decoded before iteration. Close it, or use it in ``with``.

    Raises:
        InputError: The source cannot be analyzed, or there is no such profile or prior.
        ModelError: A network's file is missing or altered.
        ValueError: ``max_faces`` is less than 1, ``every`` is not above 0, ``max_faces`` or
            ``prior`` is not what ``analyzer`` was made for, or there is no such decoder.

    Example:
        >>> for reading in analyze(0):  # the first camera  # doctest: +SKIP
        ...     print(reading.label, reading.smoothed)
    """
    chosen = get_profile(profile) if isinstance(profile, str) else profile
    chosen = chosen.with_prior(prior)
    if every is not None:
        if not (math.isfinite(every) and every > 0):
            raise ValueError(f"Moments are more than 0 seconds apart, not {every}.")
        chosen = dataclasses.replace(chosen, tick=every)
    if analyzer is not None and max_faces not in (None, analyzer.max_faces):
        raise ValueError(
            f"The analyzer was made for {analyzer.max_faces} faces at once, not {max_faces}."
        )
    if analyzer is not None and chosen.prior != analyzer.profile.prior:
        raise ValueError(
            f"The analyzer was made for the prior {analyzer.profile.prior.name}, "
            f"not {chosen.prior.name}."
        )
    cards = [dataclasses.asdict(load_card(name)) for name in dict.fromkeys(chosen.models)]
    opened = open_source(
        source,
        tick=chosen.tick,
        sound_window=chosen.sound_window,
        threads=threads,
        video_track=video_track,
        audio_track=audio_track,
        decoder=decoder,
    )
    try:
        if analyzer is None:
            analyzer = Analyzer(chosen, max_faces=MAX_FACES if max_faces is None else max_faces)
        else:
            analyzer.reset(renumber=True)
    except BaseException:
        opened.close()
        raise
    return Analysis(opened, analyzer, chosen, cards, read_ahead=read_ahead)


class Analysis:
    """Readings of one source, in order of time; can be iterated once.

    Decoding runs in a background thread; the networks run in the iterating thread. Memory does
    not grow with the length of the source.

    Args:
        source: Where moments come from; closed with the analysis.
        analyzer: Turns them into readings.
        profile: The settings both were made with.
        models: The networks' cards as plain values.
        read_ahead: Moments decoded ahead in the background, at least 1.
    """

    def __init__(
        self,
        source: Source,
        analyzer: Analyzer,
        profile: Profile,
        models: Sequence[dict[str, Any]] = (),
        *,
        read_ahead: int = READ_AHEAD,
    ) -> None:
        self._source = source
        self._analyzer = analyzer
        self._profile = profile
        self._models = models
        self._read_ahead = read_ahead
        self._ahead: prefetch[Moment] | None = None
        self._closed = False

    @property
    def info(self) -> MediaInfo:
        """Facts about the source."""
        return self._source.info

    @property
    def faults(self) -> Faults:
        """What could not be read so far."""
        return self._source.faults

    @property
    def profile(self) -> Profile:
        """The settings in use."""
        return self._profile

    @property
    def max_faces(self) -> int:
        """Most faces tracked at once."""
        return self._analyzer.max_faces

    @property
    def analyzer(self) -> Analyzer:
        """The analyzer; pass it to the next ``analyze`` to reuse it."""
        return self._analyzer

    @property
    def models(self) -> Sequence[dict[str, Any]]:
        """The card of each network in use, as plain values."""
        return self._models

    def __iter__(self) -> Iterator[Reading]:
        """Readings one by one: at each moment one per face, or one that says ``no_face``.

        Raises:
            InputError: The source broke off in a way that nothing more can be read.
        """
        for _, readings in self.moments():
            yield from readings

    def moments(self) -> Iterator[tuple[Moment, tuple[Reading, ...]]]:
        """Each moment (its picture and sound) with its readings.

        Moments of cameras and streams are skipped if the machine cannot keep up; their readings
        then say ``slowed``. A recording is always analyzed in full.

        Raises:
            InputError: The source broke off in a way that nothing more can be read.
        """
        if self._closed:
            return
        if self._ahead is None:
            self._ahead = prefetch(self._source, self._read_ahead)
        if not self.info.live:
            for moment in self._ahead:
                yield moment, self._analyzer.process(moment)
            return
        rate = RateController(self._profile.tick)
        for moment in self._ahead:
            if rate.admits(moment.time):
                thinned = rate.thin(moment, share=self._source.limit_decoding(rate.share))
                readings = self._analyzer.process(thinned)
                yield moment, mark_slowed(readings, rate)
                rate.update(dropped=self.faults.dropped_moments, lag=self._source.lag)

    async def __aiter__(self) -> AsyncIterator[Reading]:
        """The same as iteration, without blocking an event loop.

        Leave ``async with`` to stop early.

        Raises:
            InputError: The source broke off in a way that nothing more can be read.
        """
        async for reading in iterate_in_thread(iter(self)):
            yield reading

    def to_arrow(self) -> pyarrow.Table:
        """All remaining readings as an Arrow table, with the columns of ``readings.csv``.

        This closes the analysis. The table takes about 150 bytes per reading.

        Raises:
            MissingExtraError: pyarrow is not installed.
            InputError: The source broke off, or it is live and has no end.
        """
        return tables.to_arrow(self._all(), self._profile.mouth_threshold)

    def to_pandas(self) -> pandas.DataFrame:
        """All remaining readings as a pandas data frame; see ``to_arrow``.

        Raises:
            MissingExtraError: pandas is not installed.
            InputError: The source broke off, or it is live and has no end.
        """
        return tables.to_pandas(self._all(), self._profile.mouth_threshold)

    def to_polars(self) -> polars.DataFrame:
        """All remaining readings as a polars data frame; see ``to_arrow``.

        Raises:
            MissingExtraError: polars is not installed.
            InputError: The source broke off, or it is live and has no end.
        """
        return tables.to_polars(self._all(), self._profile.mouth_threshold)

    def _all(self) -> Iterator[Reading]:
        if self.info.live:
            raise InputError(
                f"{self.info.name} has no end, so no table of all its readings can be made.",
                "Take those that you want: tables.to_pandas(itertools.islice(analysis, 1000), 0.5) "
                "of sentistream.tables.",
            )
        with self:
            yield from self

    def close(self) -> None:
        """Stop decoding and release the source; safe to call twice."""
        self._closed = True
        if self._ahead is not None:
            self._ahead.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)
