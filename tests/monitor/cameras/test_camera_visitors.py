from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cameras.conftest import PATIENCE, Heard, eventually
from cameras.test_camera_supervision import settings
from cameras.visiting import FakeBrowser
from sentistream.errors import InputError
from sentistream.monitor.cameras.supervisor import Supervisor
from sentistream.monitor.hub import Hub


@pytest.fixture
def host(hub: Hub, tmp_path: Path, empty_clip: Path) -> Iterator[Supervisor]:
    made = Supervisor(hub, tmp_path, patience=PATIENCE, visitor=FakeBrowser)
    made.apply(settings({"door": {"source": str(empty_clip), "enabled": False}}))
    yield made
    made.close()


def test_a_visitor_is_seen_and_forgotten(
    host: Supervisor, heard: Heard, hub: Hub, face_clip: Path
) -> None:
    key, answer = asyncio.run(host.offer(f"v=0 {face_clip}"))
    assert key.startswith("visitor-")
    assert answer == f"answer to v=0 {face_clip}"
    eventually(lambda: heard.is_running(key))
    # no more than are allowed
    with pytest.raises(InputError, match="Too many"):
        asyncio.run(host.offer(f"v=0 {face_clip}"))
    host.watch(key)
    # the clip ends: the visitor has left
    eventually(lambda: key not in [health.camera for health in hub.health()])
    assert any(one.camera == key and one.faces for one in heard.observations)
    assert heard.seconds_of(key) == []  # nothing of a visitor is stored
    assert hub.observation(key) is None
    assert hub.preview(key) is None
    with pytest.raises(KeyError):
        host.process(key)
    again, _ = asyncio.run(host.offer(f"v=0 {face_clip}"))
    assert again != key


def test_a_visitor_is_dismissed(host: Supervisor, heard: Heard, hub: Hub, face_clip: Path) -> None:
    key, _ = asyncio.run(host.offer(f"v=0 {face_clip}"))
    host.dismiss(key)
    host.dismiss("visitor-none")
    eventually(lambda: key not in [health.camera for health in hub.health()])


@pytest.mark.parametrize("offer", ["", "hello", "v=0" + "x" * 100_000])
def test_what_is_no_offer_is_refused(host: Supervisor, offer: str) -> None:
    with pytest.raises(InputError, match="no offer"):
        asyncio.run(host.offer(offer))


def test_an_offer_that_cannot_be_read_is_refused_with_its_reason(host: Supervisor) -> None:
    for _ in range(2):  # and leaves room for the next
        with pytest.raises(InputError, match="cannot be read") as caught:
            asyncio.run(host.offer("v=0 nonsense"))
        assert caught.value.way_out == "Try another browser."
        eventually(lambda: not host._visitors)
