"""Events over the WebSocket, for programs and browsers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from store.sample_readings import TEN, alert, reading, seconds
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from api.served_monitor import ServedMonitor
from sentistream.monitor.accounts import Role
from sentistream.monitor.api import event_stream
from sentistream.monitor.observations import CameraHealth, CameraState
from waiting import wait_until


@pytest.fixture(autouse=True)
def _no_subscribers(served: ServedMonitor) -> None:
    """Wait until earlier tests' subscribers have disconnected, since they are counted."""
    wait_until(lambda: served.bus.subscribers == 0)


def _connect(served: ServedMonitor, query: str = "", role: Role = Role.VIEWER) -> ClientConnection:
    headers = {"Authorization": f"Bearer {served.token(role)}"}
    url = f"ws://127.0.0.1:{served.port}/api/events{query}"
    before = served.bus.subscribers
    socket = connect(
        url, additional_headers=headers, open_timeout=60, close_timeout=0.2, legacy=True
    )
    wait_until(lambda: served.bus.subscribers > before or socket.close_code is not None)
    return socket


def _receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(20))
    return message


def test_events_are_published(served: ServedMonitor) -> None:
    with _connect(served) as socket:
        served.publish_observation()
        served.bus.publish(alert(TEN))
        served.bus.publish(seconds(TEN, reading(TEN)))
        events = [_receive(socket) for _ in range(3)]
        assert [one["kind"] for one in events] == ["health", "observation", "alert"]
        assert events[0]["health"]["state"] == "running"
        seen = events[1]["observation"]
        with served.api_client(Role.VIEWER) as client:
            assert seen == client.get("/api/live").json()[0]
        assert seen["faces"][0]["label"] == "positive"
        assert seen["faces"][1]["smoothed"] is None
        assert (seen["max_faces"], seen["left_out"]) == (2, 3)
        assert events[2]["alert"]["time"] == "2026-01-05T10:00:00Z"
        assert "health" not in events[1]
        # single readings were not requested
        served.publish_observation()
        assert _receive(socket)["kind"] == "health"


def test_connection_outlives_the_header_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentistream.monitor.api.server.HEAD_TIMEOUT", 1.0)
    with ServedMonitor(tmp_path) as served, _connect(served, "?kinds=observation") as socket:
        time.sleep(1.5)
        served.publish_observation()
        assert _receive(socket)["kind"] == "observation"


def test_visitor_readings_are_private(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served, _connect(served, "?kinds=observation") as socket:
        served.publish_observation("visitor-1")
        served.publish_observation("door")
        assert _receive(socket)["observation"]["camera"] == "door"
        with served.api_client(Role.MANAGER) as client:
            assert [one["camera"] for one in client.get("/api/live").json()] == ["door"]


def test_event_kinds_are_selected(served: ServedMonitor) -> None:
    with _connect(served, "?kinds=reading", Role.MANAGER) as socket:
        served.publish_observation()
        served.bus.publish(seconds(TEN, reading(TEN), reading(TEN, "b")))
        events = [_receive(socket)["reading"] for _ in range(2)]
    assert [one["track"] for one in events] == ["a", "b"]


@pytest.mark.parametrize(
    "query",
    ["?kinds=reading", "?kinds=alert,reading", "?kinds=", "?kinds=users", "?kinds=" + "x" * 200],
)
def test_manager_events_are_refused_to_viewers(served: ServedMonitor, query: str) -> None:
    with pytest.raises((ConnectionClosed, InvalidStatus)), _connect(served, query) as socket:
        socket.recv(20)


def test_slow_subscriber_misses_the_oldest_and_is_notified(served: ServedMonitor) -> None:
    with _connect(served, "?kinds=health") as socket:
        count = 60_000
        for number in range(count):
            served.bus.publish(
                CameraHealth(
                    camera="door",
                    state=CameraState.RUNNING,
                    since=0,
                    restarts=number,
                    reason="x" * 200,
                )
            )
        events, dropped, last = 0, 0, -1
        while last < count - 1:
            message = _receive(socket)
            if message["kind"] == "dropped":
                dropped += message["dropped"]
                continue
            number = message["health"]["restarts"]
            assert number > last
            # exactly the events reported as dropped are missing
            assert number == events + dropped
            events, last = events + 1, number
    assert dropped > 0
    assert events + dropped == count
    assert served.bus.dropped >= dropped


def test_publishing_does_not_wait_for_subscribers(served: ServedMonitor) -> None:
    sockets = [_connect(served) for _ in range(10)]
    took = []
    for _ in range(300):
        begin = time.perf_counter()
        served.publish_observation()
        took.append(time.perf_counter() - begin)
    for socket in sockets:
        socket.close()
    assert sorted(took)[150] < 0.005


def test_disconnected_subscriber_is_forgotten(served: ServedMonitor) -> None:
    wait_until(lambda: served.bus.subscribers == 0)
    with _connect(served):
        assert served.bus.subscribers == 1
    wait_until(lambda: served.bus.subscribers == 0)


def test_subscribers_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_SUBSCRIBERS", 2)
    refused = pytest.raises((ConnectionClosed, InvalidStatus))
    with ServedMonitor(tmp_path) as served, _connect(served), _connect(served), refused:
        _connect(served).recv(20)


def test_subscribers_messages_are_ignored_and_bounded(served: ServedMonitor) -> None:
    with _connect(served) as socket:
        for _ in range(50):
            socket.send("x" * 1000)
        served.publish_observation()
        assert _receive(socket)["kind"] == "health"
        socket.send("x" * 1_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_server_with_subscribers_stops_in_time(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served:
        socket = _connect(served)
        begin = time.monotonic()
    assert time.monotonic() - begin < 10
    with pytest.raises(ConnectionClosed):
        while True:
            socket.recv(10)
