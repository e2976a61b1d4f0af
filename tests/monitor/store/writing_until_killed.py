"""A program that writes readings until it is killed: ``python -m ... URL FIRST_SECOND``.

Prints each published second and its time, one per line.
"""

from __future__ import annotations

import sys
import time

from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.store import DatabaseStore, StoreWriter, migrate, open_database
from store.sample_readings import crowd, settings


def main() -> None:
    """Publish about twenty seconds of readings per second."""
    engine = open_database(sys.argv[1])
    migrate(engine)
    bus = EventBus()
    StoreWriter(bus, DatabaseStore(engine, settings))
    for second in range(int(sys.argv[2]), sys.maxsize):
        bus.publish(crowd(second, second + 1, "abc")[0])
        print(second, time.time(), flush=True)
        time.sleep(0.04)


if __name__ == "__main__":
    main()
