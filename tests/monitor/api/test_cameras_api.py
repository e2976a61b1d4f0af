"""The current state: cameras, previews, visitors, health, metrics."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from api.served_monitor import VIEWER, ServedMonitor, settings
from sentistream.monitor.accounts import Role
from sentistream.monitor.observations import CameraHealth, CameraState

HOUR = 3600


def test_live_state_and_cameras_are_listed(populated: ServedMonitor) -> None:
    with populated.api_client(Role.VIEWER) as client:
        seen = client.get("/api/live").json()
        assert [one["camera"] for one in seen] == ["door"]
        assert seen[0]["time"] == "2026-01-05T10:00:00.500000Z"
        assert seen[0]["faces"][0]["smoothed"] == {"positive": 0.7, "neutral": 0.2, "negative": 0.1}
        assert (seen[0]["max_faces"], seen[0]["left_out"]) == (2, 3)
        front, aside = seen[0]["faces"]
        assert front["flags"] == ["small_face", "more_faces"]
        assert front["pose"] == {"yaw": 12.5, "pitch": -3.0, "roll": 4.0}
        assert (front["voice_share"], aside["voice_share"]) == (0.125, None)
        # unread faces have no made-up values
        assert (aside["label"], aside["smoothed"], aside["mouth_open"]) == ("unknown", None, None)
        assert aside["flags"] == ["turned_away", "more_faces"]
        assert aside["pose"]["yaw"] == -71.0
        door, till = client.get("/api/cameras").json()
        assert door["source"] == "rtsp://***@camera.test/stream"
        assert door["health"]["state"] == "running"
        assert till["health"] is None


def test_preview_request_reaches_the_camera(populated: ServedMonitor) -> None:
    populated.cameras.watched.clear()
    with populated.api_client(Role.VIEWER) as client:
        picture = client.get("/api/cameras/door/preview.jpg")
        assert picture.content == b"\xff\xd8 picture"
        assert picture.headers["content-type"] == "image/jpeg"
        assert client.get("/api/cameras/till/preview.jpg").status_code == 404
        assert client.get("/api/cameras/other/preview.jpg").status_code == 404
    assert populated.cameras.watched == ["door", "till"]


def test_camera_is_restarted(populated: ServedMonitor) -> None:
    with populated.api_client() as client:
        assert client.post("/api/cameras/door/restart").status_code == 204
        assert client.post("/api/cameras/none/restart").status_code == 404
    assert populated.cameras.restarted == ["door"]


def test_visitor_cameras_are_connected_and_ended(tmp_path: Path) -> None:
    with (
        ServedMonitor(tmp_path) as served,
        served.browser_client(VIEWER) as one,
        served.api_client() as manager,
    ):
        assert one.post("/api/browser-camera", json={"sdp": "nonsense"}).status_code == 400
        answer = one.post("/api/browser-camera", json={"type": "offer", "sdp": "v=0"}).json()
        assert answer == {"type": "answer", "sdp": "v=0 answer", "camera": "visitor-1"}
        second = one.post("/api/browser-camera", json={"sdp": "v=0"}).json()["camera"]
        with served.browser_client(VIEWER) as other:
            assert other.delete("/api/browser-camera/visitor-1").status_code == 404
        # a configured camera cannot be ended by anybody
        assert manager.delete("/api/browser-camera/door").status_code == 404
        assert one.delete("/api/browser-camera/visitor-1").status_code == 204
        assert one.delete("/api/browser-camera/visitor-1").status_code == 404
        assert manager.delete(f"/api/browser-camera/{second}").status_code == 204
        assert served.cameras.dismissed == ["visitor-1", "visitor-2"]
        assert one.post("/api/browser-camera", json={"sdp": "v" * 65_537}).status_code == 422


def test_disabled_features_are_refused(tmp_path: Path) -> None:
    custom_settings = settings(server={"browser_cameras": 0}, privacy={"preview": False})
    with ServedMonitor(tmp_path, custom_settings) as served, served.api_client() as client:
        served.publish_observation()
        assert client.get("/api/cameras/door/preview.jpg").status_code == 403
        assert client.post("/api/browser-camera", json={"sdp": "v=0"}).status_code == 403
        assert served.cameras.watched == []


def test_health_readiness_and_metrics(tmp_path: Path) -> None:
    well = [True]

    class CountingStore:
        def __init__(self, store: object) -> None: ...

        def is_writable(self) -> bool:
            return well[0]

    def both() -> tuple[str, int]:
        served.app.state.store_health._known = (False, float("-inf"))
        status: str = client.get("/health").json()["status"]
        return status, client.get("/ready").status_code

    with (
        ServedMonitor(tmp_path, store=CountingStore) as served,
        served.api_client(Role.VIEWER) as client,
    ):
        assert both() == ("degraded", 503)
        served.publish_observation()
        assert both() == ("ok", 200)
        well[0] = False
        assert both() == ("degraded", 503)
        well[0] = True
        served.bus.publish(CameraHealth(camera="door", state=CameraState.PAUSED, since=0))
        # nobody needs to be watched now: that is fine
        assert both() == ("ok", 200)
        served.bus.publish(CameraHealth(camera="till", state=CameraState.WAITING, since=0))
        assert both() == ("degraded", 503)
        served.publish_observation()
        text = client.get("/metrics").text
    lines = text.splitlines()
    assert 'sentistream_camera_state{camera="door",state="running"} 1.0' in lines
    assert 'sentistream_camera_state{camera="till",state="waiting"} 1.0' in lines
    assert 'sentistream_camera_dropped_moments_total{camera="door"} 3.0' in lines
    assert 'sentistream_camera_damaged_total{camera="door"} 2.0' in lines
    assert 'sentistream_camera_restarts_total{camera="door"} 1.0' in lines
    assert 'sentistream_camera_moments_per_second{camera="door"} 33.0' in lines
    assert 'sentistream_camera_tick_seconds{camera="door"} 0.03' in lines
    assert 'sentistream_camera_latency_seconds{camera="door"} 0.08' in lines
    assert "sentistream_store_written_total 7.0" in lines
    assert "sentistream_subscriber_drops_total 0.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_hanging_database_does_not_block_the_health_check(tmp_path: Path) -> None:
    go_on = threading.Event()

    class Hanging:
        def __init__(self, store: object) -> None: ...

        def is_writable(self) -> bool:
            return go_on.wait(30)

    with ServedMonitor(tmp_path, store=Hanging) as served, served.anonymous() as client:
        served.publish_observation()
        begin = time.monotonic()
        assert client.get("/health").json() == {"status": "degraded"}
        assert time.monotonic() - begin < 10
        assert client.get("/health").json() == {"status": "degraded"}
        go_on.set()
