"""Memory and handles over time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from statistics import median

from benchmarks.soaking.processes import family
from benchmarks.soaking.scene import Program


@dataclass(frozen=True, slots=True)
class Sample:
    """All processes of the monitor at one time.

    Attributes:
        time: Seconds since the beginning.
        memory: What belongs to the processes themselves, MiB.
        file_memory: Pages of files that they map, MiB.
        handles: Open file handles.
        processes: Their number.
    """

    time: float
    memory: float
    file_memory: float
    handles: int
    processes: int


@dataclass(slots=True)
class Sampler:
    """Takes samples at an interval, in a thread."""

    monitor: Program
    every: float
    started: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start sampling."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self.every):
            if not self.monitor.is_running:
                continue
            found = family(self.monitor.number)
            self.samples.append(
                Sample(
                    time.monotonic() - self.started,
                    sum(process.memory for process in found),
                    sum(process.file_memory for process in found),
                    sum(process.handles for process in found),
                    len(found),
                )
            )


def growth(samples: list[Sample], name: str) -> tuple[float, float] | None:
    """Medians of the first and last quarter of the time; None with too few samples.

    The first fifth does not count: caches fill and models load.
    """
    steady = samples[len(samples) // 5 :]
    part = len(steady) // 4
    if part < 3:
        return None
    values = [float(getattr(sample, name)) for sample in steady]
    return median(values[:part]), median(values[-part:])
