"""A small process that starts the monitor again when it is killed, crashes or hangs.

Where systemd started the program, systemd is the guard and this is not needed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

DELAYS = (1.0, 5.0, 10.0, 60.0)
"""Seconds before each new start; the last counts on."""

WELL = 60.0
"""Seconds of running after which the delays begin anew."""

SILENT = 60.0
"""Seconds without a word from the monitor after which it counts as hanging."""

FINISH = 25.0
"""Seconds it may take to stop."""

GUARDED = "SENTISTREAM_GUARDED"
"""Set for the process that is guarded; holds how often it was started before."""

GUARD = "SENTISTREAM_GUARD"
"""Set for the process that is guarded; holds its guard's process id."""

FINAL = (0, 2)
"""Exit codes that are meant: stopped, or something the user has to put right."""

_LOOK = 0.2


def guard(arguments: Sequence[str]) -> int:
    """Runs ``sentistream ARGUMENTS`` until it ends on purpose; its exit code.

    SIGTERM and SIGINT are passed on; a second SIGINT ends it at once. The
    guarded process ends with its guard, however that ends.
    """
    return _Guard(arguments).run()


def die_with_the_guard() -> None:
    """Called in the guarded process: it stops in good order when its guard is gone."""
    if GUARDED not in os.environ or not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    # gone before that; in a container the guard itself may be process 1
    if str(os.getppid()) != os.environ.get(GUARD, ""):
        os.kill(os.getpid(), signal.SIGTERM)


class _Guard:
    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "sentistream", *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: float | None = None

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with tempfile.TemporaryDirectory(prefix="sentistream-guard-") as folder:
            ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            with ears:
                address = str(Path(folder) / "notify")
                ears.bind(address)
                ears.settimeout(_LOOK)
                return self._guard(ears, address)

    def _guard(self, ears: socket.socket, address: str) -> int:
        failures = starts = 0
        while True:
            begun = time.monotonic()
            environment = self._environment(address, starts)
            self._process = subprocess.Popen(self._command, env=environment)  # noqa: S603 - our own
            starts += 1
            code, hung = self._attend(self._process, ears)
            if self._stopping is not None or (code in FINAL and not hung):
                return code if code >= 0 else 128 - code
            failures = 0 if time.monotonic() - begun >= WELL else failures
            delay = DELAYS[min(failures, len(DELAYS) - 1)]
            failures += 1
            how = "hung" if hung else (f"was killed by signal {-code}" if code < 0 else "failed")
            print(f"The monitor {how}; it is started again in {delay:g} s.", file=sys.stderr)
            if self._rest(delay):
                return 0

    def _attend(self, process: subprocess.Popen[bytes], ears: socket.socket) -> tuple[int, bool]:
        """Waits until it ends; its exit code, and whether it had to be killed because it hung."""
        heard = time.monotonic()
        hung = False
        while process.poll() is None:
            with contextlib.suppress(TimeoutError):
                ears.recv(4096)
                heard = time.monotonic()
            now = time.monotonic()
            if self._stopping is not None and now - self._stopping > FINISH:
                process.kill()
            elif self._stopping is None and now - heard > SILENT:
                hung = True
                process.kill()
        return process.returncode, hung

    def _rest(self, seconds: float) -> bool:
        """Waits before the next start; True when it was stopped meanwhile."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self._stopping is None:
            time.sleep(_LOOK)
        return self._stopping is not None

    @staticmethod
    def _environment(address: str, starts: int) -> Mapping[str, str]:
        return {
            **os.environ,
            GUARDED: str(starts),
            GUARD: str(os.getpid()),
            "NOTIFY_SOCKET": address,
            "WATCHDOG_USEC": str(round(SILENT * 1e6 / 2)),
        }

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping is None:
            self._stopping = time.monotonic()
        elif number == signal.SIGINT and self._process is not None:
            self._process.kill()  # somebody has pressed Ctrl-C twice
            return
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
