"""A worker process: its streams are decoded side by side and answered together.

Pictures never leave the process; only readings do.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from sentistream.analyzer import Analyzer
from sentistream.errors import SentistreamError
from sentistream.media import Faults, Source, open_source
from sentistream.media.pacing import PacedSource
from sentistream.profiles import Profile
from sentistream.runtime.asking import answer_together
from sentistream.streams.gathering import Gathering
from sentistream.streams.governor import Governor, told
from sentistream.streams.values import StreamEnd, StreamMoment

DEPTH = 4
"""Moments of each stream that may wait to be analyzed; each holds one picture."""


def work(
    streams: Mapping[int, str | Path | int],
    profile: Profile,
    max_faces: int,
    results: Connection,
    paced: bool = False,
    apart: float = 0.0,
) -> None:
    """Analyzes streams until all have ended, or nobody takes the results any more.

    Args:
        streams: What to open, by number.
        profile: Which networks and settings.
        max_faces: Faces followed at once in each.
        results: Takes lists of ``StreamMoment`` and ``StreamEnd``; None at the end.
        paced: Whether recordings are played at the pace of the clock.
        apart: Seconds between the beginnings of such recordings.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers
    try:
        sources = _open_all(streams, profile, results, apart if paced else None)
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
) -> dict[int, Source]:
    """Those that can be opened; recordings are paced unless ``apart`` is None."""
    opened: dict[int, Source] = {}
    for number, source in streams.items():
        try:
            one = open_source(
                source, tick=profile.tick, sound_window=profile.sound_window, threads=1
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
    governor = Governor(profile.tick)
    gathering = Gathering(sources, DEPTH, governor.admits)
    try:
        while True:
            ready, gone = gathering.take()
            if not ready and not gone:
                return
            live = {number for number in ready if sources[number].info.live}
            numbers = list(ready)
            begun = time.monotonic()
            answers = answer_together(
                [analyzers[number].ask(ready[number].moment) for number in numbers]
            )
            now = time.monotonic()
            waited = max((begun - ready[n].decoded_at for n in numbers if n in live), default=0.0)
            if live:
                dropped = sum(source.faults.dropped_moments for source in sources.values())
                governor.worked(waited=waited, dropped=dropped)
            events: list[StreamMoment | StreamEnd] = []
            for number, readings in zip(numbers, answers, strict=True):
                moment, decoded_at = ready[number]
                tick = governor.tick if number in live else profile.tick
                said = told(readings, governor) if number in live else readings
                events.append(StreamMoment(number, moment.time, said, now - decoded_at, tick))
            for number, error in gone.items():
                if error is not None and not isinstance(error, SentistreamError):
                    raise error
                events.append(StreamEnd(number, error, sources[number].faults))
                del analyzers[number]
                governor.forget(number)
            results.send(events)
    finally:
        gathering.close()
