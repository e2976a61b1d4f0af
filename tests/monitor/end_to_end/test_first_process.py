"""The monitor as process 1, as in a container without an init."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from end_to_end.monitor_process import wait_until

UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


def test_monitor_starts_and_stops_as_process_1(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    if subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip("needs permission to create namespaces")
    log = tmp_path / "said.txt"
    environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
    # no cameras: only the supervisor and the server are tested
    environment["SENTISTREAM_MONITOR_CAMERAS"] = '{"door": {"source": "0", "enabled": false}}'
    monitor = ["-m", "sentistream", "monitor", "--no-browser", "--port", "0"]
    with log.open("w") as file:
        outside = subprocess.Popen(  # noqa: S603
            [*UNSHARE, sys.executable, *monitor, "--state", str(tmp_path / "state")],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        wait_until(
            lambda: "The page: " in log.read_text() or "killed" in log.read_text(), "the page"
        )
        found = re.search(r"The page: (\S+)", log.read_text())
        assert found, log.read_text()
        assert httpx.get(f"{found[1]}/health").status_code == 200
        children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        (guard,) = children
        assert "NSpid:\t" + guard + "\t1\n" in Path(f"/proc/{guard}/status").read_text()
        os.kill(int(guard), signal.SIGTERM)
        assert outside.wait(40) == 0
    finally:
        outside.kill()
        outside.wait()
