"""A worker process for several streams: decoded side by side, analyzed in one thread.

Pictures never leave the process; only readings do.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from sentistream.analyzer import Analyzer
from sentistream.decoder_names import AUTO
from sentistream.errors import SentistreamError
from sentistream.media import Faults, Source, open_source
from sentistream.media.simulated_camera import PacedSource
from sentistream.profiles import Profile
from sentistream.streams.multi_source import MultiSource
from sentistream.streams.rate_control import RateController, mark_slowed
from sentistream.types import Reading

DEPTH = 2
"""Moments of each stream that may wait to be analyzed; each holds one picture."""


@dataclass(frozen=True, slots=True)
class StreamMoment:
    """A moment of one stream.

    Attributes:
        stream: The source's index among those given, from 0.
        time: Seconds on that stream's own media clock.
        readings: As ``Analyzer.process`` returns them.
        latency: Seconds from the end of decoding to these readings.
        tick: Seconds between its analyzed moments now; more than the profile's where a live
            stream is more than the machine can keep up with.
    """

    stream: int
    time: float
    readings: tuple[Reading, ...]
    latency: float
    tick: float


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of one stream; the others go on.

    Attributes:
        stream: The source's index among those given, from 0.
        problem: Why, if it did not simply end.
        faults: What could not be read.
    """

    stream: int
    problem: SentistreamError | None
    faults: Faults


def run_stream_worker(
    streams: Mapping[int, str | Path | int],
    profile: Profile,
    max_faces: int,
    results: Connection,
    paced: bool = False,
    apart: float = 0.0,
    decoder: str = AUTO,
) -> None:
    """Analyzes streams until all have ended, or nobody reads the results any more.

    Args:
        streams: What to open, by number.
        profile: Which networks and settings.
        max_faces: Most faces tracked at once in each.
        results: Takes lists of ``StreamMoment`` and ``StreamEnd``; None at the end.
        paced: Whether recordings are played in real time.
        apart: Seconds between the starts of such recordings.
        decoder: What decodes pictures.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    try:
        sources = _open_all(streams, profile, results, apart if paced else None, decoder)
        _analyze(sources, profile, max_faces, results)
        results.send(None)
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        results.close()


def _open_all(
    streams: Mapping[int, str | Path | int],
    profile: Profile,
    results: Connection,
    apart: float | None,
    decoder: str,
) -> dict[int, Source]:
    """Those that can be opened; recordings are paced unless ``apart`` is None."""
    opened: dict[int, Source] = {}
    for number, source in streams.items():
        try:
            one = open_source(
                source,
                tick=profile.tick,
                sound_window=profile.sound_window,
                threads=1,
                decoder=decoder,
            )
            if apart is not None and not one.info.live:
                one = PacedSource(one, delay=number * apart)
            opened[number] = one
        except SentistreamError as problem:
            results.send([StreamEnd(number, problem, Faults())])
    return opened


def _analyze(
    sources: dict[int, Source], profile: Profile, max_faces: int, results: Connection
) -> None:
    analyzers = {number: Analyzer(profile, max_faces=max_faces) for number in sources}
    rate = RateController(profile.tick)
    reader = MultiSource(sources, DEPTH, rate.admits)
    try:
        while True:
            ready, ended = reader.take()
            if not ready and not ended:
                return
            live = {number for number in ready if sources[number].info.live}
            started = time.monotonic()
            events: list[StreamMoment | StreamEnd] = []
            for number, (moment, decoded_at) in ready.items():
                tick = profile.tick
                if number in live:
                    share = sources[number].limit_decoding(rate.share)
                    moment = rate.thin(moment, number, share)
                readings = analyzers[number].process(moment)
                if number in live:
                    readings, tick = mark_slowed(readings, rate), rate.tick
                latency = time.monotonic() - decoded_at
                events.append(StreamMoment(number, moment.time, readings, latency, tick))
            if live:
                rate.update(
                    moments=len(live),
                    waited=max(started - ready[number].decoded_at for number in live),
                    dropped=sum(source.faults.dropped_moments for source in sources.values()),
                    lag=max(sources[number].lag for number in live),
                )
            for number, error in ended.items():
                if error is not None and not isinstance(error, SentistreamError):
                    raise error
                events.append(StreamEnd(number, error, sources[number].faults))
                del analyzers[number]
                rate.forget(number)
            results.send(events)
    finally:
        reader.close()
