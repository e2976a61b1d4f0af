"""A recording played like a live camera: once at a given pace, or in an endless loop."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sentistream.decoder_names import SOFTWARE
from sentistream.media.audio_window import AudioWindow
from sentistream.media.bounded_queue import BoundedQueue, QueuedSource
from sentistream.media.file_source import FileSource
from sentistream.media.frame_reader import nanosecond
from sentistream.media.receive_clock import MAX_BEHIND
from sentistream.media.source import Faults, MediaInfo, Source
from sentistream.types import FloatArray, Moment

QUEUE = 16
"""Moments that wait to be taken; when there are more the oldest are dropped."""


class LoopingSource(QueuedSource):
    """A file played like a camera: in real time, without waiting, in an endless loop.

    Its clock runs ``pace`` times as fast as the wall clock and continues across the file's end,
    where sound and pictures join. Moments that are not read in time are dropped, the oldest
    first, and counted; if the file cannot be read at that pace, the clock jumps ahead, which
    counts as skipped seconds. It needs as much memory as reading the file once.

    Args:
        path: The file.
        tick: Seconds of it between moments.
        sound_window: Seconds of sound that each moment carries.
        pace: Seconds of the file played per second; 1 is real time.
        sound: Whether its sound is decoded at all.
        video_track, audio_track: Numbers within their kind, from 1; None to choose.
        decoder: What decodes pictures, one of ``decoder_names.DECODERS``.

    Raises:
        InputError: The file cannot be analyzed; or, later, cannot be read again.
        ValueError: The pace is not positive.
    """

    def __init__(
        self,
        path: Path,
        *,
        tick: float,
        sound_window: float,
        pace: float = 1.0,
        sound: bool = True,
        video_track: int | None = None,
        audio_track: int | None = None,
        decoder: str = SOFTWARE,
    ) -> None:
        if not pace > 0:
            raise ValueError(f"A pace is positive, not {pace}.")
        self.faults: Faults = Faults()
        self._path = path
        self._tracks = video_track, audio_track
        self._decoder = decoder
        self._share = 1.0
        self._tick = tick
        self._pace = pace
        self._listens = sound
        self._joined = AudioWindow(sound_window)
        self._closed = threading.Event()
        self._file = file = self._open()
        self.info: MediaInfo = dataclasses.replace(file.info, live=True, duration=None)
        self._queue: BoundedQueue[Moment] = BoundedQueue(QUEUE, drop_oldest=True)
        self._thread = threading.Thread(
            target=self._fill, args=(file,), name=f"source {path.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._queue.stop()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)

    def limit_decoding(self, share: float) -> float:
        self._share = share
        return self._file.limit_decoding(share)

    def _open(self) -> FileSource:
        # a single thread: decoding is a small, steady load next to the analysis
        return FileSource(
            self._path,
            tick=self._tick,
            sound_window=self._tick,
            threads=1,
            sound=self._listens,
            video_track=self._tracks[0],
            audio_track=self._tracks[1],
            decoder=self._decoder,
        )

    def _fill(self, file: FileSource) -> None:
        """The thread: plays the file over and over, each moment when it is due."""
        error: BaseException | None = None
        try:
            begun: float | None = None
            late = 0.0
            for moment in self._endless(file):
                begun = time.monotonic() if begun is None else begun
                due = begun + (moment.time + late) / self._pace
                wait = due - time.monotonic()
                self.lag: float = max(0.0, -wait)
                if wait < -MAX_BEHIND:
                    leap = nanosecond(round(-wait * self._pace / self._tick) * self._tick)
                    late = nanosecond(late + leap)
                    self.faults.skipped_seconds += leap
                elif self._closed.wait(max(0.0, wait)):
                    return
                if not self._queue.put(self._later(moment, late)):
                    return
        except BaseException as failed:
            error = failed
        finally:
            self._queue.end(error)

    @staticmethod
    def _later(moment: Moment, late: float) -> Moment:
        if not late:
            return moment
        return dataclasses.replace(
            moment,
            time=nanosecond(moment.time + late),
            picture_time=nanosecond(moment.picture_time + late),
        )

    def _endless(self, file: FileSource) -> Iterator[Moment]:
        """The file's moments from 0 on, one tick between the last and the first again."""
        ticks = 0
        ending: FloatArray | None = None
        while True:
            with file:
                first: float | None = None
                begin, last = ticks, 0.0
                for moment in file:
                    if first is None:
                        first = moment.time
                        # the sound between the last moment and the end belongs to this one
                        moment = dataclasses.replace(
                            moment, sound=moment.sound if ending is None else ending
                        )
                    last = moment.time
                    ticks = begin + round((moment.time - first) / self._tick)
                    shift = nanosecond(begin * self._tick - first)
                    yield self._joined.join(
                        Moment(
                            nanosecond(ticks * self._tick),
                            moment.picture,
                            nanosecond(moment.picture_time + shift),
                            moment.sound,
                        )
                    )
                ticks += 1
                ending = file.sound_after(last)
                self._count(file.faults)
                self.info = dataclasses.replace(file.info, live=True, duration=None)
            if self._closed.is_set():
                return
            self._file = file = self._open()
            file.limit_decoding(self._share)

    def _count(self, faults: Faults) -> None:
        self.faults.video_errors += faults.video_errors
        self.faults.audio_errors += faults.audio_errors
        self.faults.skipped_seconds += faults.skipped_seconds
        self.faults.cancelling_seconds += faults.cancelling_seconds
        self.faults.size_changes += faults.size_changes
        self.faults.unheard_seconds += faults.unheard_seconds
        self.faults.sound_changes += faults.sound_changes


class PacedSource(Source):
    """A recording whose moments arrive no earlier than a camera's; ``info.live`` is True.

    Args:
        source: A recording; closed with this.
        pace: Seconds of the recording played per second; 1 is real time.
        delay: Seconds before it begins.

    Raises:
        ValueError: The pace is not positive.
    """

    def __init__(self, source: Source, pace: float = 1.0, *, delay: float = 0.0) -> None:
        if not pace > 0:
            raise ValueError(f"A pace is positive, not {pace}.")
        self._source = source
        self._pace = pace
        self._delay = delay
        self._begun: float | None = None
        self._closed = threading.Event()
        self.info: MediaInfo = dataclasses.replace(source.info, live=True)
        self.faults: Faults = source.faults

    def __next__(self) -> Moment:
        moment = next(self._source)
        if self._begun is None:
            self._begun = time.monotonic() + self._delay - moment.time / self._pace
        wait = self._begun + moment.time / self._pace - time.monotonic()
        self.lag: float = max(0.0, -wait)
        if self.lag > MAX_BEHIND and isinstance(self._source, FileSource):
            self._source.catch_up(moment.time, moment.time + self.lag * self._pace)
        self._closed.wait(max(0.0, wait))
        return moment

    def limit_decoding(self, share: float) -> float:
        return self._source.limit_decoding(share)

    def close(self) -> None:
        self._closed.set()
        self._source.close()
