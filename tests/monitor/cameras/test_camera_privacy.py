"""Privacy however the program ends: no files, no orphaned processes, no identity."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import sentistream
from cameras.conftest import RecordedEvents
from cameras.test_camera_supervision import is_gone, parent_of, settings
from sentistream.monitor.cameras.supervisor import Supervisor
from waiting import wait_until

SERVER = """
import sys, time
from pathlib import Path
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import Settings

def main():
    bus = EventBus()
    supervisor = Supervisor(bus, Path(sys.argv[1]))
    supervisor.apply(Settings(cameras={k: {"source": sys.argv[2]} for k in ("a", "b")}))
    while [h.state for h in bus.health()] != [CameraState.RUNNING] * 2:
        time.sleep(0.05)
    for _ in range(20):
        supervisor.request_preview("a")
        time.sleep(0.1)
    assert bus.preview("a") is not None
    print(supervisor.pid("a"), supervisor.pid("b"), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_workers_write_nothing_and_die_with_a_killed_server(
    tmp_path: Path, face_clip: Path
) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    # short, because the addresses of Unix sockets below it may not exceed 108 bytes
    temporary = Path(tempfile.mkdtemp())
    state, here, home = (tmp_path / name for name in ("state", "here", "home"))
    places = state, here, home, temporary
    for place in (state, here, home):
        place.mkdir()
    # outside of this process, where libraries could behave differently
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORT"))}
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, str(script), str(state), str(face_clip)],
        cwd=here,
        env={
            **kept,
            "TMPDIR": str(temporary),
            "HOME": str(home),
            "PYTHONPATH": str(Path(sentistream.__file__).parents[1]),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        workers = [int(word) for word in server.stdout.readline().split()]
        assert len(workers) == 2
        for worker in workers:
            assert not _written_by(worker)
        files = [path for place in places for path in place.rglob("*") if path.is_file()]
        assert files == []
        parents = {parent_of(worker) for worker in workers}
        os.kill(workers[1], signal.SIGSTOP)  # one that hangs
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(temporary)
    wait_until(lambda: all(is_gone(worker) for worker in workers), limit=10)
    wait_until(lambda: all(is_gone(parent) for parent in parents), limit=10)


def test_names_differ_between_runs(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path
) -> None:
    supervisor.apply(settings({"door": face_clip}))
    wait_until(lambda: events.faces_of("door"))
    first = events.faces_of("door")
    supervisor.restart("door")
    wait_until(lambda: events.faces_of("door") > first)
    for name in events.faces_of("door"):
        assert len(bytes.fromhex(name)) == 8


def _written_by(process: int) -> list[str]:
    """Regular files that it has open for writing."""
    written = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        flags = Path(f"/proc/{process}/fdinfo/{link.name}").read_text().split("flags:")[1].split()
        is_file = stat.S_ISREG(link.stat().st_mode)
        if is_file and int(flags[0], 8) & (os.O_WRONLY | os.O_RDWR):
            written.append(str(link.readlink()))
    # the test runner's own output
    return [path for path in written if "pytest" not in path and not path.startswith("/tmp/")]  # noqa: S108
