"""Notifies systemd, or the restarting parent, that the monitor is ready, alive or stopping.

sd_notify without a library.

The protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from sentistream.operating_system import send_notification

_log = logging.getLogger(__name__)


def notify(state: str) -> bool:
    """Sends a state such as ``READY=1``; False if nobody requested or receives it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    return bool(address) and send_notification(address, state)


@contextmanager
def extending_start_timeout(interval: float = 15.0, limit: float = 3600.0) -> Iterator[None]:
    """Prevents a timeout during start-up, before READY.

    For work that may take long, such as the migration of a large database.

    Args:
        interval: Seconds between two messages; each requests four times as long.
        limit: Seconds after which no more are sent.
    """
    done = threading.Event()
    message = f"EXTEND_TIMEOUT_USEC={round(interval * 4e6)}"

    def run() -> None:
        for _ in range(max(1, round(limit / interval))):
            notify(message)
            if done.wait(interval):
                return

    thread = threading.Thread(target=run, name="start-timeout", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Watchdog:
    """Sends READY when entered, WATCHDOG while the monitor is healthy, STOPPING when left.

    After ``WatchdogSec`` without a message, systemd kills and restarts the program. Without
    systemd it does nothing.

    Args:
        is_healthy: Called in its own thread; while it is false, hangs or fails, no message is
            sent.
    """

    def __init__(self, is_healthy: Callable[[], bool]) -> None:
        self._is_healthy = is_healthy
        self._exited = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        notify(f"READY=1\nMAINPID={os.getpid()}")
        if self._interval() is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._exited.set()
        notify("STOPPING=1")

    def _run(self) -> None:
        interval = self._interval()
        while interval is not None and not self._exited.wait(interval):
            try:
                healthy = self._is_healthy()
            except Exception:
                _log.exception("the health check failed")
                healthy = False
            if self._exited.is_set():
                return
            if healthy:
                notify("WATCHDOG=1")
            else:
                _log.warning("unhealthy: the watchdog is not notified")

    def _interval(self) -> float | None:
        """Seconds between two messages, a third of systemd's timeout; None without one."""
        given = os.environ.get("WATCHDOG_USEC", "")
        pid = os.environ.get("WATCHDOG_PID", "")
        if not given.isdigit() or int(given) == 0 or (pid and pid != str(os.getpid())):
            return None
        return int(given) / 1e6 / 3
