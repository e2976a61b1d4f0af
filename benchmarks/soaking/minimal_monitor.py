"""The monitor without its page: cameras, event bus and store, as ``sentistream monitor`` has them.

Usage: python -m benchmarks.soaking.minimal_monitor --config FILE --state FOLDER

Used only if the command ``sentistream monitor`` does not exist.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import threading
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentistream.errors import StorageError
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import Seconds
from sentistream.monitor.settings import load_settings

MAX_WAITING = 100_000
TOGETHER = 500


class Recorder:
    """Writes seconds to the store, retrying until it accepts them."""

    def __init__(self, bus: EventBus, store: Any) -> None:
        self._hub = bus
        self._store = store
        self._waiting: deque[Seconds] = deque(maxlen=MAX_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._record, name="recorder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._ending.set()
        self._thread.join(20)

    def _record(self) -> None:
        with self._hub.subscribe(Seconds, depth=10_000) as subscription:
            while True:
                ending = self._ending.is_set()
                for event in subscription.take(0.2):
                    if isinstance(event, Seconds):
                        self._waiting.append(event)
                if not self._put() and not ending:
                    time.sleep(0.5)
                if ending:
                    return

    def _put(self) -> bool:
        while self._waiting:
            some = [self._waiting[i] for i in range(min(TOGETHER, len(self._waiting)))]
            try:
                self._store.add(some)
            except StorageError:
                return False
            for _ in some:
                self._waiting.popleft()
        return True


def main() -> None:
    """Run until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    cameras_room: Any = importlib.import_module("sentistream.monitor.cameras.supervisor")
    store_room: Any = importlib.import_module("sentistream.monitor.store")
    settings = load_settings(options.config)
    engine = store_room.open_database(settings.storage.url.get_secret_value())
    store_room.migrate(engine)
    store = store_room.DatabaseStore(engine, lambda: settings)
    bus = EventBus()
    recorder = Recorder(bus, store)
    cameras = cameras_room.Supervisor(bus, options.state)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    cameras.apply(settings)
    while not ending.wait(2):
        health = [asdict(camera) for camera in bus.health()]
        try:
            (options.state / "health.json").write_text(json.dumps(health), "utf-8")
        except OSError:
            continue
    cameras.close()
    recorder.close()
    store.close()


if __name__ == "__main__":
    main()
