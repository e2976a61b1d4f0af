"""The monitor and its four simulated cameras, as processes that can be killed and restarted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.soaking.clip import write_portrait
from benchmarks.soaking.clock import FakeClock
from sentistream.demo.clip import repeat_clip

ROOT = Path(__file__).parents[2]
DATABASE = "soak.sqlite"
_SMALL = 64
"""Size of the disk for the state, MiB."""
_RTSP_CLIP = 3600.0
_HERE = Path(__file__).parent


class Program:
    """A process that can be restarted.

    Args:
        command: The command line.
        log: File for its output.
        environment: Added to this process's environment.
        announces: Whether it prints ``ready``, to be waited for.
    """

    def __init__(
        self,
        command: Sequence[object],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        announces: bool = False,
    ) -> None:
        self._command = [str(word) for word in command]
        self._log = log
        # this checkout's code, whatever else is installed
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            **(environment or {}),
        }
        self._announces = announces
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def number(self) -> int:
        """Its PID."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it is still running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; wait for ``ready`` if it announces it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the list is ours
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._announces else log,
                stderr=log,
            )
        if self._announces:
            assert self._process.stdout is not None
            if self._process.stdout.readline().strip() != b"ready":
                raise RuntimeError(f"{self._command[1]} did not start; see {self._log}")

    def write_line(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has exited."""
        if self._process is not None:
            self._process.wait(seconds)

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self, seconds: float = 30) -> bool:
        """Terminate it; whether it exited in time without being killed."""
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All processes of the soak.

    Attributes:
        monitor: The server.
        http: The camera that sends MPEG-TS.
        rtsp: The RTSP camera; None without gst-rtsp-server.
        clock: The monitor's wall clock.
        clip: What the two files play.
        state: The folder with the database.
        small_disk: Whether the state is on a small disk.
        cameras: Their keys.
        command: How the monitor was started, for the report.
    """

    monitor: Program
    http: Program
    rtsp: Program | None
    clock: FakeClock
    clip: Path
    state: Path
    small_disk: bool
    cameras: tuple[str, ...]
    command: str

    @property
    def database(self) -> Path:
        """SQLite's file."""
        return self.state / DATABASE


@contextmanager
def set_up(folder: Path, *, speed: float, command: str | None) -> Iterator[Scene]:
    """Start the cameras, but not the monitor.

    Args:
        folder: For clips, logs and state.
        speed: Pace of the files.
        command: The monitor's command; None for ``sentistream monitor`` if it exists.
    """
    clip = write_portrait(folder / "portrait.mp4")
    state = folder / "state"
    state.mkdir()
    http_port, rtsp_port = _free_port(), _free_port()
    http = Program(
        [sys.executable, "-m", "benchmarks.soaking.http_server", clip, http_port],
        folder / "http.log",
        announces=True,
    )
    rtsp: Program | None = None
    python = python_with_gstreamer()
    if python is not None:
        long = repeat_clip(clip, folder / "long.mp4", duration=_RTSP_CLIP)
        rtsp = Program(
            [python, _HERE / "rtsp_server.py", long, rtsp_port], folder / "rtsp.log", announces=True
        )
    cameras: dict[str, dict[str, Any]] = {
        "file": {"source": str(clip), "pace": speed},
        "http": {"source": f"http://127.0.0.1:{http_port}/camera.ts"},
        "rtsp": {"source": f"rtsp://127.0.0.1:{rtsp_port}/camera"},
        "half": {"source": str(clip), "pace": max(0.1, speed / 2)},
    }
    if rtsp is None:
        cameras["rtsp"] = {"source": str(clip), "pace": speed}
    config = folder / "soak.yaml"
    settings = {
        "cameras": cameras,
        "server": {"port": _free_port()},
        "storage": {"url": f"sqlite:///{(state / DATABASE).absolute()}"},
    }
    config.write_text(yaml.safe_dump(settings), "utf-8")
    clock = FakeClock(folder)
    arguments = command.split() if command else _command()
    with _small_disk(state) as small:
        monitor = Program(
            [*arguments, "--config", config, "--state", state],
            folder / "monitor.log",
            environment=clock.environment,
        )
        programs = [program for program in (http, rtsp) if program is not None]
        try:
            for program in programs:
                program.start()
            yield Scene(
                monitor=monitor,
                http=http,
                rtsp=rtsp,
                clock=clock,
                clip=clip,
                state=state,
                small_disk=small,
                cameras=tuple(cameras),
                command=" ".join(arguments[1:]),
            )
        finally:
            for program in (monitor, *programs):
                program.kill()


def python_with_gstreamer() -> str | None:
    """A Python that can run the RTSP camera; None if there is none."""
    for python in ("/usr/bin/python3", sys.executable):
        query = "import gi; gi.require_version('GstRtspServer', '1.0')"
        with contextlib.suppress(OSError):
            result = subprocess.run([python, "-c", query], check=False, capture_output=True)  # noqa: S603
            if result.returncode == 0:
                return python
    return None


def _command() -> list[str]:
    """``sentistream monitor`` if it exists, otherwise its replacement."""
    monitor = [sys.executable, "-m", "sentistream", "monitor"]
    helped = subprocess.run([*monitor, "--help"], check=False, capture_output=True, cwd=ROOT)  # noqa: S603
    if helped.returncode == 0:
        return [*monitor, "--no-browser"]
    return [sys.executable, "-m", "benchmarks.soaking.minimal_monitor"]


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk in memory there, if permitted."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    mounted = mount is not None and unmount is not None
    if mount and mounted:
        command = [mount, "-t", "tmpfs", "-o", f"size={_SMALL}m", "soak", str(folder)]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603
    try:
        yield mounted
    finally:
        if mounted and unmount:
            subprocess.run([unmount, "-l", str(folder)], check=False)  # noqa: S603


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
