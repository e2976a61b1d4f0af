"""Real workers on real files, killed and hung as in production."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cameras.conftest import TIMEOUTS, RecordedEvents
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import Settings
from waiting import wait_until


def settings(cameras: dict[str, Any], **others: Any) -> Settings:
    values = {
        key: value if isinstance(value, dict) else {"source": str(value)}
        for key, value in cameras.items()
    }
    return Settings.model_validate({"cameras": values, **others})


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def parent_of(process: int) -> int:
    text = Path(f"/proc/{process}/stat").read_text()
    return int(text.rpartition(")")[2].split()[1])


def test_faces_become_readings(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path
) -> None:
    supervisor.apply(settings({"door": face_clip}))
    wait_until(lambda: len(events.seconds_of("door")) >= 4)  # it restarts at its end
    assert events.is_running("door")
    assert events.faces_of("door")
    newest = events.newest("door")
    assert newest is not None
    assert (newest.restarts, newest.reason, newest.damaged) == (0, "", 0)
    assert newest.moments_per_second > 1
    assert 0 < newest.latency < 2
    assert newest.last_picture == pytest.approx(time.time(), abs=3)
    assert any(one.faces for one in events.observations)
    now = time.time()
    assert all(now - 60 < one.second <= now for one in events.seconds_of("door"))


def test_killed_worker_restarts_without_affecting_others(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path, empty_clip: Path
) -> None:
    supervisor.apply(settings({"door": face_clip, "till": empty_clip}))
    wait_until(lambda: events.is_running("door", "till"))
    wait_until(lambda: events.seconds_of("till") and events.seconds_of("door"))
    process = supervisor.pid("door")
    assert process
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: events.state("door") is CameraState.WAITING)
    newest = events.newest("door")
    assert newest is not None
    assert "SIGKILL" in newest.reason
    wait_until(lambda: events.is_running("door"))
    before = len(events.seconds_of("door"))
    wait_until(lambda: len(events.seconds_of("door")) > before + 1)
    newest, other = events.newest("door"), events.newest("till")
    assert newest is not None
    assert other is not None
    assert (newest.restarts, newest.reason) == (1, "")
    assert other.restarts == 0
    assert all(h.state is not CameraState.WAITING for h in events.health if h.camera == "till")
    seconds = [one.second for one in events.seconds_of("till")]
    assert seconds == list(range(seconds[0], seconds[-1] + 1))
    seconds = [one.second for one in events.seconds_of("door")]
    assert len(seconds) == len(set(seconds))
    assert is_gone(process)


def test_hung_worker_is_killed_and_restarts(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path, empty_clip: Path
) -> None:
    supervisor.apply(settings({"door": empty_clip, "till": empty_clip}))
    wait_until(lambda: events.is_running("door", "till"))
    process = supervisor.pid("door")
    assert process
    os.kill(process, signal.SIGSTOP)
    wait_until(lambda: events.state("door") is CameraState.WAITING)
    newest = events.newest("door")
    assert newest is not None
    assert "hung" in newest.reason
    wait_until(lambda: events.is_running("door"))
    wait_until(lambda: is_gone(process))
    other = events.newest("till")
    assert other is not None
    assert other.restarts == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_workers_restart_when_their_fork_server_is_killed(
    supervisor: Supervisor, events: RecordedEvents, empty_clip: Path
) -> None:
    supervisor.apply(settings({"door": empty_clip, "till": empty_clip}))
    wait_until(lambda: events.is_running("door", "till"))
    processes = [supervisor.pid("door"), supervisor.pid("till")]
    parents = {parent_of(process or 0) for process in processes}
    assert len(parents) == 1
    assert os.getpid() not in parents
    os.kill(parents.pop(), signal.SIGKILL)
    wait_until(lambda: all(is_gone(process or 0) for process in processes))
    wait_until(lambda: (h := events.newest("door")) is not None and h.restarts == 1)
    wait_until(lambda: events.is_running("door", "till"))


def test_unopenable_source_is_retried_with_backoff(
    supervisor: Supervisor, events: RecordedEvents, tmp_path: Path, face_clip: Path
) -> None:
    missing = tmp_path / "none.mp4"
    supervisor.apply(settings({"door": missing}))
    # after 0.3 s, 0.6 s, and then not for half a minute
    wait_until(lambda: (h := events.newest("door")) is not None and h.restarts == 2)
    wait_until(lambda: events.state("door") is CameraState.WAITING)
    waiting = [h for h in events.health if h.state is CameraState.WAITING]
    assert "There is no file" in waiting[-1].reason
    assert "Check the spelling" in waiting[-1].reason
    times = sorted({h.since for h in waiting})
    assert times[1] - times[0] > 0.3
    assert times[2] - times[1] > 0.6
    ends = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > ends)
    newest = events.newest("door")
    assert newest is not None
    assert (newest.restarts, newest.state) == (2, CameraState.WAITING)
    # now it exists, and a restart is requested
    missing.hardlink_to(face_clip)
    supervisor.restart("door")
    wait_until(lambda: events.is_running("door"))


def test_error_messages_contain_no_password(supervisor: Supervisor, events: RecordedEvents) -> None:
    address = "rtsp://owner:pa:ss@w0rd/s3cret@127.0.0.1:9/live?token=qwerty"
    supervisor.apply(settings({"door": address}))
    wait_until(lambda: (h := events.newest("door")) is not None and h.reason)
    for health in events.health:
        for secret in ("pa:ss", "ss@w0rd", "w0rd", "s3cret", "qwerty"):
            assert secret not in health.reason


def test_only_changed_cameras_restart(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path, empty_clip: Path
) -> None:
    one = {"source": str(empty_clip), "name": "Door"}
    supervisor.apply(settings({"door": one, "till": empty_clip}))
    wait_until(lambda: events.is_running("door", "till"))
    door, till = supervisor.pid("door"), supervisor.pid("till")
    supervisor.apply(settings({"door": {**one, "name": "Entrance"}, "till": empty_clip}))
    supervisor.apply(settings({"door": {**one, "max_faces": 3}, "till": empty_clip}))
    wait_until(lambda: supervisor.pid("door") not in (door, None))
    wait_until(lambda: events.is_running("door"))
    assert supervisor.pid("till") == till
    assert is_gone(door or 0)
    newest = events.newest("door")
    assert newest is not None
    assert newest.restarts == 0  # that was no failure
    changed = supervisor.pid("door")
    supervisor.apply(settings({"door": {**one, "max_faces": 3}, "shelf": empty_clip}))
    wait_until(lambda: events.is_running("shelf"))
    wait_until(lambda: is_gone(till or 0))
    wait_until(lambda: [h.camera for h in events.bus.health()] == ["door", "shelf"])
    assert supervisor.pid("door") == changed
    # privacy settings restart every worker
    supervisor.apply(
        settings({"door": {**one, "max_faces": 3}, "shelf": empty_clip}, privacy={"blur": False})
    )
    wait_until(lambda: supervisor.pid("door") not in (changed, None))


def test_disabled_camera_is_stopped(
    supervisor: Supervisor, events: RecordedEvents, empty_clip: Path
) -> None:
    camera = {"source": str(empty_clip)}
    supervisor.apply(settings({"door": camera}))
    wait_until(lambda: events.is_running("door"))
    supervisor.apply(settings({"door": {**camera, "enabled": False}}))
    wait_until(lambda: events.state("door") is CameraState.STOPPED)
    assert supervisor.pid("door") is None
    supervisor.apply(settings({"door": camera}))
    wait_until(lambda: events.is_running("door"))
    seconds = [one.second for one in events.seconds_of("door")]
    assert len(seconds) == len(set(seconds))


def test_camera_is_paused_outside_its_hours(
    bus: EventBus, events: RecordedEvents, empty_clip: Path, tmp_path: Path
) -> None:
    noon = time.mktime((2026, 6, 1, 12, 0, 0, 0, 0, -1))
    now = [noon]
    supervisor = Supervisor(bus, tmp_path, timeouts=TIMEOUTS, clock=lambda: now[0])
    try:
        hours = [{"begin": "13:00", "end": "14:00"}]
        supervisor.apply(settings({"door": {"source": str(empty_clip), "hours": hours}}))
        wait_until(lambda: events.state("door") is CameraState.PAUSED)
        assert supervisor.pid("door") is None
        now[0] = noon + 3600
        wait_until(lambda: events.is_running("door"))
        now[0] = noon + 7200
        wait_until(lambda: events.state("door") is CameraState.PAUSED)
        assert supervisor.pid("door") is None
        newest = events.newest("door")
        assert newest is not None
        assert newest.restarts == 0
    finally:
        supervisor.close()


def test_previews_are_published_while_requested(
    supervisor: Supervisor, events: RecordedEvents, bus: EventBus, face_clip: Path
) -> None:
    supervisor.apply(settings({"door": face_clip}))
    wait_until(lambda: events.is_running("door"))
    assert bus.preview("door") is None
    supervisor.request_preview("door")
    supervisor.request_preview("nowhere")
    wait_until(lambda: bus.preview("door") is not None)
    shown = bus.preview("door")
    assert shown is not None
    assert shown.jpeg.startswith(b"\xff\xd8")
    assert shown.time == pytest.approx(time.time(), abs=5)
    wait_until(lambda: bus.preview("door") is None, limit=15)  # no longer requested


def test_closing_publishes_the_current_second_and_leaves_no_process(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path
) -> None:
    supervisor.apply(settings({"door": face_clip, "till": face_clip}))
    wait_until(lambda: events.is_running("door", "till"))
    wait_until(lambda: len(events.seconds_of("door")) >= 2)
    processes = [supervisor.pid("door"), supervisor.pid("till")]
    start = time.time()
    supervisor.close()
    supervisor.close()
    assert time.time() - start < 5
    events.take()
    for camera in ("door", "till"):
        assert events.seconds_of(camera)[-1].second >= int(start) - 1
        assert events.state(camera) is CameraState.STOPPED
    assert all(is_gone(process or 0) for process in processes)


def test_webcam_or_else_demonstration_is_the_default_camera(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentistream.media.capture_devices import Camera
    from sentistream.monitor.cameras import supervisor as module

    monkeypatch.setattr(module, "list_cameras", lambda: (Camera(2, "/dev/video2", "Cam"),))
    (webcam,) = module.choose_cameras(Settings()).values()
    assert (webcam.source.get_secret_value(), webcam.name) == ("2", "Cam")
    monkeypatch.setattr(module, "list_cameras", lambda: ())
    (demo,) = module.choose_cameras(Settings()).values()
    assert demo.source.get_secret_value() == "demo:"
    assert module.choose_cameras(settings({"door": "0"})).keys() == {"door"}


def test_demonstration_clip_is_drawn_once_and_reused(
    supervisor: Supervisor, events: RecordedEvents, tmp_path: Path, face_clip: Path
) -> None:
    (tmp_path / "demonstration.mp4").write_bytes(face_clip.read_bytes())
    supervisor.apply(settings({"demo": "demo:"}))
    wait_until(lambda: events.is_running("demo"))


def test_restart_requires_an_existing_camera(supervisor: Supervisor) -> None:
    with pytest.raises(KeyError):
        supervisor.restart("nowhere")


def test_workers_start_without_fork(
    supervisor: Supervisor, events: RecordedEvents, face_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows: spawned, with nothing preloaded."""
    monkeypatch.setattr(sys, "platform", "darwin")
    supervisor.apply(settings({"door": face_clip}))
    wait_until(lambda: events.seconds_of("door"), limit=60)
    process = supervisor.pid("door")
    assert process
    assert parent_of(process) == os.getpid()
    assert events.faces_of("door")
    supervisor.close()
    wait_until(lambda: is_gone(process))


def test_cameras_start_below_a_long_temporary_folder(tmp_path: Path, face_clip: Path) -> None:
    long = tmp_path / ("a" * 60) / ("b" * 60)
    long.mkdir(parents=True)
    program = """
import sys, time
from pathlib import Path
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.observations import Seconds
from sentistream.monitor.settings import Settings

if __name__ == "__main__":
    bus = EventBus()
    subscription = bus.subscribe(Seconds, depth=100)
    supervisor = Supervisor(bus, Path(sys.argv[1]))
    supervisor.apply(Settings.model_validate({"cameras": {"door": {"source": sys.argv[2]}}}))
    print(bool(list(subscription.take(30))))
    supervisor.close()
"""
    script = tmp_path / "program.py"
    script.write_text(program)
    result = subprocess.run(  # noqa: S603
        [sys.executable, str(script), str(tmp_path), str(face_clip)],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.strip() == "True", result.stderr
