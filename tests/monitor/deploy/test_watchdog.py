"""Notifications to systemd, over a real datagram socket, also from a real process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentistream.monitor.watchdog import Watchdog, extending_start_timeout, notify
from waiting import wait_until


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(10)
        if request.param == "path":
            receiver.bind(str(tmp_path / "notify"))
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        else:
            receiver.bind(f"\0sentistream-{os.getpid()}")
            monkeypatch.setenv("NOTIFY_SOCKET", f"@sentistream-{os.getpid()}")
        yield receiver


def test_ready_alive_and_stopping_are_sent(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with Watchdog(lambda: True):
        assert systemd.recv(100) == f"READY=1\nMAINPID={os.getpid()}".encode()
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
    message = systemd.recv(100)
    while message == b"WATCHDOG=1":
        message = systemd.recv(100)
    assert message == b"STOPPING=1"


def test_nothing_is_sent_while_unhealthy(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    checked = threading.Event()
    answers = iter([True, False])

    def is_well() -> bool:
        try:
            return next(answers)
        except StopIteration:
            checked.set()
            raise OSError("the database is gone") from None

    with Watchdog(is_well):
        assert systemd.recv(100).startswith(b"READY=1")
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert checked.wait(10)
        systemd.settimeout(0.2)
        with pytest.raises(TimeoutError):
            systemd.recv(100)


def test_hang_stops_the_notifications(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    released = threading.Event()
    with Watchdog(lambda: released.wait(30)):
        assert systemd.recv(100).startswith(b"READY=1")
        systemd.settimeout(0.3)
        with pytest.raises(TimeoutError):
            systemd.recv(100)
        released.set()


def test_slow_start_extends_its_timeout(systemd: socket.socket) -> None:
    with extending_start_timeout(interval=0.02):
        assert systemd.recv(100) == b"EXTEND_TIMEOUT_USEC=80000"
        assert systemd.recv(100) == b"EXTEND_TIMEOUT_USEC=80000"
    # and the final notification is sent in any case
    with pytest.raises(OSError, match="migration"), extending_start_timeout(interval=60):
        raise OSError("the migration failed")


def test_extension_is_limited(systemd: socket.socket) -> None:
    with extending_start_timeout(interval=0.02, limit=0.04):
        assert systemd.recv(100).startswith(b"EXTEND")
        assert systemd.recv(100).startswith(b"EXTEND")
        systemd.settimeout(0.3)
        with pytest.raises(TimeoutError):
            systemd.recv(100)


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/socket", "@nobody-listens-here"])
def test_without_systemd_nothing_is_sent(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "not a number")
    assert notify("READY=1") is False
    with Watchdog(lambda: True):
        assert "watchdog" not in [thread.name for thread in threading.enumerate()]


def test_watchdog_of_another_process_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    with Watchdog(lambda: True):
        assert "watchdog" not in [thread.name for thread in threading.enumerate()]


def test_killed_process_stops_sending(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    script = (
        "import time\n"
        "from sentistream.monitor.watchdog import Watchdog\n"
        "with Watchdog(lambda: True):\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])  # noqa: S603
    try:
        assert systemd.recv(100) == f"READY=1\nMAINPID={process.pid}".encode()
        assert systemd.recv(100) == b"WATCHDOG=1"
    finally:
        process.kill()
        process.wait()
    systemd.settimeout(0.2)

    def silent() -> bool:
        try:
            systemd.recv(100)
        except TimeoutError:
            return True
        return False

    wait_until(silent)
