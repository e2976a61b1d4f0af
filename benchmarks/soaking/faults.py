"""The faults to inject, one after the other."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.soaking.ledger import DAY
from benchmarks.soaking.processes import holds, server, workers
from benchmarks.soaking.scene import Scene

_FILES = ("file", "half")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure.

    Attributes:
        name: Its name.
        affects: Keys of the affected cameras; empty for all.
        inject: Injects the fault, and returns once its cause is gone.
        possible: Whether it can be injected on this machine.
        missing: What is missing if it is not possible.
    """

    name: str
    affects: tuple[str, ...]
    inject: Callable[[], None]
    possible: bool = True
    missing: str = ""


def faults(scene: Scene) -> list[Fault]:
    """All faults, in the order of injection."""
    rtsp = {"possible": scene.rtsp is not None, "missing": "gst-rtsp-server"}
    clock = {"possible": scene.clock.available, "missing": "a C compiler"}
    full = {"possible": scene.small_disk, "missing": "the right to mount a small disk"}
    kinds: list[tuple[str, tuple[str, ...], Callable[[], None], dict[str, Any]]] = [
        ("HTTP source killed for 5 s", ("http",), lambda: _restart(scene.http, 5), {}),
        ("worker killed (SIGKILL)", _FILES, lambda: _kill_worker(scene, 0), {}),
        ("RTSP source stalls for 15 s", ("rtsp",), lambda: _stall(scene.rtsp, 15), rtsp),
        ("database locked for 6 s", (), lambda: _lock(scene.database, 6), {}),
        ("500 kB of garbage in the HTTP stream", ("http",), lambda: _garbage(scene), {}),
        ("disk full for 10 s", (), lambda: _fill(scene.state, 10), full),
        ("clock put forward by a day", (), lambda: scene.clock.set(DAY), clock),
        ("server killed (SIGKILL)", (), lambda: _kill_server(scene), {}),
        ("whole program killed (SIGKILL)", (), lambda: _kill_program(scene), {}),
        ("RTSP source killed for 5 s", ("rtsp",), lambda: _restart(scene.rtsp, 5), rtsp),
        ("clock put back by a day", (), lambda: scene.clock.set(0.0), clock),
        ("HTTP source stalls for 15 s", ("http",), lambda: _stall(scene.http, 15), {}),
        ("another worker killed (SIGKILL)", _FILES, lambda: _kill_worker(scene, 1), {}),
    ]
    return [Fault(name, affects, inject, **more) for name, affects, inject, more in kinds]


def _restart(source: Any, seconds: float) -> None:
    source.kill()
    time.sleep(seconds)
    source.start()


def _stall(source: Any, seconds: float) -> None:
    os.kill(source.number, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(source.number, signal.SIGCONT)


def _garbage(scene: Scene) -> None:
    scene.http.write_line("garbage 500000")
    time.sleep(1)


def _kill_worker(scene: Scene, which: int) -> None:
    """A worker that plays a file: the others have their own failures, and growing back-offs."""
    found = [worker for worker in workers(scene.monitor.number) if holds(worker, scene.clip)]
    if not found:
        raise RuntimeError("no worker was found")
    found.sort(key=lambda worker: worker.number)
    os.kill(found[which % len(found)].number, signal.SIGKILL)


def _lock(database: Path, seconds: float) -> None:
    connection = sqlite3.connect(database, timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def _fill(folder: Path, seconds: float) -> None:
    rubbish = folder / "rubbish"
    ending = threading.Event()
    threading.Timer(seconds, ending.set).start()
    try:
        with rubbish.open("wb", buffering=0) as file:
            while not ending.is_set():  # space freed meanwhile is filled too
                try:
                    file.write(bytes(65_536))
                except OSError:
                    ending.wait(0.2)
    finally:
        rubbish.unlink(missing_ok=True)


def _kill_server(scene: Scene) -> None:
    found = server(scene.monitor.number)
    if found == scene.monitor.number:  # nothing supervises it
        _kill_program(scene)
    else:
        os.kill(found, signal.SIGKILL)


def _kill_program(scene: Scene) -> None:
    for number in {server(scene.monitor.number), scene.monitor.number}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    scene.monitor.wait()
    time.sleep(1)  # as a service manager would
    scene.monitor.start()
