"""A real RTSP server that plays a clip, by GStreamer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from free_port import free_port

SERVER = Path(__file__).parents[1] / "benchmarks" / "soaking" / "rtsp_server.py"


def python_with_gstreamer() -> str:
    """A Python that can serve RTSP; the test is skipped if there is none."""
    for python in ("/usr/bin/python3", sys.executable):
        query = "import gi; gi.require_version('GstRtspServer', '1.0')"
        try:
            result = subprocess.run([python, "-c", query], check=False, capture_output=True)  # noqa: S603
        except OSError:
            continue
        if result.returncode == 0:
            return python
    pytest.skip("needs gst-rtsp-server")


@contextmanager
def rtsp(python: str, clip: Path, *login: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The server's port and process; it serves the clip at ``/camera``."""
    port = free_port()
    process = subprocess.Popen(  # noqa: S603
        [python, SERVER, clip, str(port), *login], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield port, process
    finally:
        process.kill()
        process.wait()
