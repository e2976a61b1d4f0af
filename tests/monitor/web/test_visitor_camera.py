"""Visitors see readings of their own camera, and nobody else does."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from api.served_monitor import VIEWER, ServedMonitor
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from sentistream.monitor.observations import FaceState
from sentistream.monitor.translation import translator
from sentistream.monitor.web.site import Site
from sentistream.types import Distribution
from web.fake_monitor import FakeMonitor
from web.fake_people import face


def test_shares_add_up_and_follow_the_order_of_faces(monitor: FakeMonitor) -> None:
    third = FaceState(
        track="c",
        zone="",
        box=(0.1, 0.1, 0.2, 0.2),
        label=face("c", 0.1, "neutral").label,
        smoothed=Distribution(1 / 3, 1 / 3, 1 / 3),
        mouth_open=0.1,
        speaking=False,
        flags=(),
        pose=None,
    )
    monitor.health("visitor-1")
    monitor.publish_observation(
        "visitor-1", face("a", 0.2, "positive"), face("b", 0.6, "unknown", turned=True), third
    )
    site = Site(monitor.services)
    state = json.loads(site.browser_camera_state("visitor-1", translator("en")))
    assert [one["word"] for one in state["faces"]] == ["positive", "turned away", "neutral"]
    # unread faces have no made-up values
    assert state["shares"] == [[70, 20, 10], None, [34, 33, 33]]


def test_visitor_readings_are_visible_to_their_visitor_only(tmp_path: Path) -> None:
    with (
        ServedMonitor(tmp_path) as served,
        served.browser_client(VIEWER) as mine,
        served.browser_client(VIEWER) as another,
    ):
        camera = mine.post("/api/browser-camera", json={"sdp": "v=0"}).json()["camera"]
        address = f"ws://127.0.0.1:{served.port}/try/socket/{camera}"

        def listen(client: httpx.Client) -> str:
            cookies = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)
            headers = {"Cookie": cookies, "Origin": f"http://127.0.0.1:{served.port}"}
            with connect(address, additional_headers=headers, open_timeout=60) as socket:
                return str(socket.recv(30))

        assert json.loads(listen(mine))["key"] == camera
        with pytest.raises((ConnectionClosed, InvalidStatus)):
            listen(another)
        assert mine.delete(f"/api/browser-camera/{camera}").status_code == 204
