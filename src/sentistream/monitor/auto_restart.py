"""A small parent process that restarts the monitor when it is killed, crashes or hangs.

Under systemd it is not needed: systemd does the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sentistream.backoff import Backoff
from sentistream.operating_system import (
    end_with_parent,
    receive_notifications,
    socket_folder,
    start_stoppable,
    stop_process,
    stop_signals,
)

WATCHDOG_TIMEOUT = 60.0
"""Seconds without a watchdog message from the monitor after which it counts as hung."""

STOP_TIMEOUT = 25.0
"""Seconds it may take to stop."""

RESTARTS_VARIABLE = "SENTISTREAM_RESTARTS"
"""Environment variable of the monitor under restart: how often it was restarted."""

PARENT_VARIABLE = "SENTISTREAM_PARENT"
"""Environment variable of the monitor under restart: its parent's process id."""

FINAL_EXIT_CODES = (0, 2)
"""Not restarted after these: it was stopped, or the user has to fix something."""

_POLL_INTERVAL = 0.2


def run_with_restarts(arguments: Sequence[str]) -> int:
    """Runs ``sentistream ARGUMENTS`` until it ends on purpose.

    SIGTERM and SIGINT are forwarded; a second SIGINT kills it. It ends with this process, for
    whatever reason.

    Returns:
        Its exit code.
    """
    return _Restarter(arguments).run()


def stop_with_parent() -> None:
    """Called in the restarted process: shuts it down cleanly when its parent is gone."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if RESTARTS_VARIABLE not in os.environ or not parent.isdecimal():
        return
    end_with_parent(int(parent), at_once=False)


class _Restarter:
    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "sentistream", *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping_since: float | None = None

    def run(self) -> int:
        for number in stop_signals():
            signal.signal(number, self._on_signal)
        with tempfile.TemporaryDirectory(prefix="sentistream-", dir=socket_folder()) as folder:
            watchdog_socket, address = receive_notifications(Path(folder))
            with watchdog_socket:
                watchdog_socket.settimeout(_POLL_INTERVAL)
                return self._run(watchdog_socket, address)

    def _run(self, watchdog_socket: socket.socket, address: str) -> int:
        backoff = Backoff()
        restarts = 0
        while True:
            started = time.monotonic()
            environment = self._environment(address, restarts)
            self._process = start_stoppable(self._command, environment)
            restarts += 1
            code, hung = self._wait_for_exit(self._process, watchdog_socket)
            if self._stopping_since is not None or (code in FINAL_EXIT_CODES and not hung):
                return code if code >= 0 else 128 - code
            delay = backoff.next_delay(ran=time.monotonic() - started)
            how = "hung" if hung else (f"was killed by signal {-code}" if code < 0 else "failed")
            print(f"The monitor {how}; it is restarted in {delay:g} s.", file=sys.stderr)
            if self._is_stopped_within(delay):
                return 0

    def _wait_for_exit(
        self, process: subprocess.Popen[bytes], watchdog_socket: socket.socket
    ) -> tuple[int, bool]:
        """Waits until it ends; its exit code, and whether it was killed because it hung."""
        last_message = time.monotonic()
        hung = False
        while process.poll() is None:
            with contextlib.suppress(TimeoutError):
                watchdog_socket.recv(4096)
                last_message = time.monotonic()
            now = time.monotonic()
            if self._stopping_since is not None and now - self._stopping_since > STOP_TIMEOUT:
                process.kill()
            elif self._stopping_since is None and now - last_message > WATCHDOG_TIMEOUT:
                hung = True
                process.kill()
        return process.returncode, hung

    def _is_stopped_within(self, seconds: float) -> bool:
        """Waits; returns whether a stop signal arrived meanwhile."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self._stopping_since is None:
            time.sleep(_POLL_INTERVAL)
        return self._stopping_since is not None

    @staticmethod
    def _environment(address: str, restarts: int) -> dict[str, str]:
        return {
            **os.environ,
            RESTARTS_VARIABLE: str(restarts),
            PARENT_VARIABLE: str(os.getpid()),
            "NOTIFY_SOCKET": address,
            "WATCHDOG_USEC": str(round(WATCHDOG_TIMEOUT * 1e6 / 2)),
        }

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        elif number == signal.SIGINT and self._process is not None:
            self._process.kill()  # Ctrl-C was pressed twice
            return
        if self._process is not None and self._process.poll() is None:
            stop_process(self._process)
