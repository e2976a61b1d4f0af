from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cameras.conftest import TIMEOUTS, RecordedEvents
from cameras.fake_browser import FakeBrowser
from cameras.test_camera_supervision import settings
from sentistream.errors import InputError
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.event_bus import EventBus
from waiting import wait_until


@pytest.fixture
def host(bus: EventBus, tmp_path: Path, empty_clip: Path) -> Iterator[Supervisor]:
    created = Supervisor(bus, tmp_path, timeouts=TIMEOUTS, browser_opener=FakeBrowser)
    created.apply(settings({"door": {"source": str(empty_clip), "enabled": False}}))
    yield created
    created.close()


def test_visitor_is_observed_and_forgotten(
    host: Supervisor, events: RecordedEvents, bus: EventBus, face_clip: Path
) -> None:
    key, answer = asyncio.run(host.connect_browser(f"v=0 {face_clip}"))
    assert key.startswith("visitor-")
    assert answer == f"answer to v=0 {face_clip}"
    wait_until(lambda: events.is_running(key))
    # no more than are allowed
    with pytest.raises(InputError, match="Too many"):
        asyncio.run(host.connect_browser(f"v=0 {face_clip}"))
    host.request_preview(key)
    # the clip ends: the visitor has left
    wait_until(lambda: key not in [health.camera for health in bus.health()])
    assert any(one.camera == key and one.faces for one in events.observations)
    assert events.seconds_of(key) == []  # nothing of a visitor is stored
    assert bus.observation(key) is None
    assert bus.preview(key) is None
    with pytest.raises(KeyError):
        host.pid(key)
    again, _ = asyncio.run(host.connect_browser(f"v=0 {face_clip}"))
    assert again != key


def test_visitor_is_disconnected(
    host: Supervisor, events: RecordedEvents, bus: EventBus, face_clip: Path
) -> None:
    key, _ = asyncio.run(host.connect_browser(f"v=0 {face_clip}"))
    host.disconnect_browser(key)
    host.disconnect_browser("visitor-none")
    wait_until(lambda: key not in [health.camera for health in bus.health()])


@pytest.mark.parametrize("offer", ["", "hello", "v=0" + "x" * 100_000])
def test_invalid_offer_is_refused(host: Supervisor, offer: str) -> None:
    with pytest.raises(InputError, match="not a valid offer"):
        asyncio.run(host.connect_browser(offer))


def test_unreadable_offer_is_refused_with_its_reason(host: Supervisor) -> None:
    for _ in range(2):  # and leaves room for the next
        with pytest.raises(InputError, match="cannot be read") as caught:
            asyncio.run(host.connect_browser("v=0 nonsense"))
        assert caught.value.way_out == "Try another browser."
        wait_until(lambda: not host.browser_cameras)
