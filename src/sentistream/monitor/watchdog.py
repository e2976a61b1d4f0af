"""Tells systemd that we are up, alive, and going: sd_notify without a library.

The protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)


def notify(state: str) -> bool:
    """Sends a state such as ``READY=1``; False where nobody asked for it or takes it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1.0)
            # a leading @ stands for the abstract namespace
            sender.connect("\0" + address[1:] if address[0] == "@" else address)
            sender.sendall(state.encode())
    except OSError:
        return False
    return True


@contextmanager
def asking_for_patience(every: float = 15.0, most: float = 3600.0) -> Iterator[None]:
    """While it is entered, before READY, neither systemd nor the guard gives the start up.

    For what may rightly take long, as bringing a large database up to date does.

    Args:
        every: Seconds between two words; each asks for four times as long.
        most: Seconds after which it is silent.
    """
    done = threading.Event()
    word = f"EXTEND_TIMEOUT_USEC={round(every * 4e6)}"

    def run() -> None:
        for _ in range(max(1, round(most / every))):
            notify(word)
            if done.wait(every):
                return

    asking = threading.Thread(target=run, name="patience", daemon=True)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()


class Watchdog:
    """Says READY when entered, WATCHDOG for as long as all is well, STOPPING when left.

    Where the service's ``WatchdogSec`` passes without a word, systemd kills the program and
    starts it again. Without systemd it does nothing.

    Args:
        is_well: Asked from a thread of its own; when it says no, hangs or fails, so does the
            watchdog's word.
    """

    def __init__(self, is_well: Callable[[], bool]) -> None:
        self._is_well = is_well
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        notify(f"READY=1\nMAINPID={os.getpid()}")
        if self._every() is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        notify("STOPPING=1")

    def _run(self) -> None:
        every = self._every()
        while every is not None and not self._left.wait(every):
            try:
                well = self._is_well()
            except Exception:
                _log.exception("it could not be said whether all is well")
                well = False
            if self._left.is_set():
                return
            if well:
                notify("WATCHDOG=1")
            else:
                _log.warning("not well: the watchdog is not told")

    def _every(self) -> float | None:
        """Seconds between two words: a third of what systemd waits for; None without."""
        given = os.environ.get("WATCHDOG_USEC", "")
        pid = os.environ.get("WATCHDOG_PID", "")
        if not given.isdigit() or int(given) == 0 or (pid and pid != str(os.getpid())):
            return None
        return int(given) / 1e6 / 3
