"""Several streams at once: starts worker processes, and merges what they send."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from sentistream.cores import usable_cores
from sentistream.decoder_names import AUTO
from sentistream.errors import InputError
from sentistream.media import Faults
from sentistream.prior import Prior
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, Profile, get_profile
from sentistream.streams.stream_worker import StreamEnd, StreamMoment, run_stream_worker


def analyze_streams(
    sources: Sequence[str | Path | int],
    *,
    profile: Profile | str = DEFAULT_PROFILE,
    max_faces: int = MAX_FACES,
    prior: Prior | str | None = None,
    workers: int | None = None,
    paced: bool = False,
    apart: float = 0.0,
    decoder: str = AUTO,
) -> Streams:
    """Watch and listen to several videos, cameras or streams at once.

    Args:
        sources: As ``analyze`` takes them.
        profile: Which networks and settings; a name or a ``Profile``.
        max_faces: Most faces tracked at once in each source, as ``analyze`` takes it.
        prior: How common the classes are taken to be, as ``analyze`` takes it.
        workers: Processes to work in; one per core by default, at most one a source.
        paced: Play recordings in real time, as if they were cameras.
        apart: Seconds between the starts of such recordings: copies of one that start together
            would all change their scene at the same moment, as cameras do not.
        decoder: What decodes pictures, as ``analyze`` takes it.

    Returns:
        Their readings as they come; close it, or use it in ``with``. Sources that cannot be
        opened or break off end with a ``StreamEnd`` that says why; the others go on.

    Raises:
        InputError: There is no source, or no such profile or prior.
        ValueError: ``workers`` or ``max_faces`` is less than 1.

    Example:
        >>> with analyze_streams([0, "rtsp://camera/live"]) as streams:  # doctest: +SKIP
        ...     for event in streams:
        ...         print(event.stream, event.time, event.readings)
    """
    if not sources:
        raise InputError("There is nothing to analyze.", "Name at least one source.")
    if workers is not None and workers < 1:
        raise ValueError(f"At least one worker is needed, not {workers}.")
    if max_faces < 1:
        raise ValueError(f"At least one face has to be allowed, not {max_faces}.")
    chosen = get_profile(profile) if isinstance(profile, str) else profile
    chosen = chosen.with_prior(prior)
    count = min(len(sources), workers or usable_cores())
    return Streams(
        sources, chosen, count, max_faces=max_faces, paced=paced, apart=apart, decoder=decoder
    )


@contextmanager
def _single_threaded_blas() -> Iterator[None]:
    """Processes started meanwhile give NumPy one thread: others would only wait, and busily."""
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]


class Streams(Iterator[StreamMoment | StreamEnd]):
    """Readings of several streams as they come, each stream's in order of time.

    Each worker process takes its share of the streams from decoding to readings: no picture is
    copied between processes, and the networks are loaded once per worker. If results are not taken,
    recordings wait and live streams drop their oldest moments.

    Args:
        sources: What to open.
        profile: Which networks and settings.
        workers: Processes.
        max_faces: Most faces tracked at once in each source.
        paced: Whether recordings are played in real time.
        apart: Seconds between the starts of such recordings.
        decoder: What decodes pictures.
    """

    def __init__(
        self,
        sources: Sequence[str | Path | int],
        profile: Profile,
        workers: int,
        *,
        max_faces: int = MAX_FACES,
        paced: bool = False,
        apart: float = 0.0,
        decoder: str = AUTO,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._workers: dict[Connection, tuple[BaseProcess, set[int]]] = {}
        for place in range(workers):
            share = {n: source for n, source in enumerate(sources) if n % workers == place}
            taking, giving = context.Pipe(duplex=False)
            process = context.Process(
                target=run_stream_worker,
                args=(share, profile, max_faces, giving, paced, apart, decoder),
                name=f"worker {place}",
                daemon=True,
            )
            with _single_threaded_blas():
                process.start()
            giving.close()
            self._workers[taking] = (process, set(share))
        self._ready: list[StreamMoment | StreamEnd] = []

    @property
    def processes(self) -> list[int]:
        """The process ids of the workers that are still running."""
        return [process.pid for process, _ in self._workers.values() if process.pid is not None]

    def __next__(self) -> StreamMoment | StreamEnd:
        while not self._ready:
            if not self._workers:
                raise StopIteration
            for connection in wait(list(self._workers)):
                self._take(connection)  # type: ignore[arg-type]
        return self._ready.pop(0)

    def _take(self, connection: Connection) -> None:
        process, streams = self._workers[connection]
        try:
            events = connection.recv()
        except (EOFError, ConnectionResetError):
            events = None
        if events is None:
            self._lose(connection, process, streams)
            return
        streams.difference_update(event.stream for event in events if isinstance(event, StreamEnd))
        self._ready.extend(events)

    def _lose(self, connection: Connection, process: BaseProcess, streams: set[int]) -> None:
        """A worker has finished, or died."""
        connection.close()
        process.join(timeout=5)
        del self._workers[connection]
        problem = InputError(
            "The worker that analyzed it ended unexpectedly.", "See whether memory ran out."
        )
        self._ready += [StreamEnd(number, problem, Faults()) for number in sorted(streams)]

    def close(self) -> None:
        """Stops all workers; safe to call twice."""
        for connection, (process, _) in self._workers.items():
            connection.close()
            process.terminate()
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()
        self._workers = {}
        self._ready = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
