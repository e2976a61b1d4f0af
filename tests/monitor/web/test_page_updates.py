"""Changes made by hand, in a real browser."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from aiortc import RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI, Request

from browser import Browser
from sentistream.monitor.observations import CameraHealth, CameraState
from web.fake_monitor import FakeMonitor
from web.fake_people import face


def test_a_setting_is_changed_and_saved(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/settings/privacy")
    page.ready()
    page.wait("document.querySelector('#field-smallest_group')")
    page.type("#field-smallest_group", "8")
    page.click("#field-blur")
    page.click(".primary")
    page.wait("document.querySelector('.done')?.innerText.includes('Saved')")
    privacy = house.configuration.settings.privacy
    assert (privacy.smallest_group, privacy.blur) == (8, False)
    page.go(f"{house.url}/privacy")
    assert "fewer than 8 appearances" in page.text("main") and "without blur" in page.text("main")
    page.close()


def test_a_slip_is_told_where_it_was_made(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/settings/privacy")
    page.ready()
    page.wait("document.querySelector('form.form')")
    # browsers check numbers themselves; what they let through is checked again
    page.say("document.querySelector('form.form').noValidate = true")
    page.type("#field-smallest_group", "0")
    page.type("#field-controller", "Corner Shop")
    page.click(".primary")
    page.wait("document.querySelector('#field-smallest_group-error')")
    assert page.text("#field-smallest_group-error") == "At least 1."
    page.wait("document.activeElement.id !== ''")  # the browser gives the focus after loading
    assert page.say("document.activeElement.id") == "field-smallest_group"
    assert page.say("document.activeElement.getAttribute('aria-describedby')").startswith(
        "field-smallest_group-error"
    )
    assert page.say("document.querySelector('#field-controller').value") == "Corner Shop"
    assert "Nothing was saved" in page.text("[role=alert]")
    page.type("#field-smallest_group", "6")
    page.click(".primary")
    page.wait("document.querySelector('.done')")
    assert house.configuration.settings.privacy.smallest_group == 6
    page.close()


def test_what_was_typed_survives_a_lost_server(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/settings/privacy")
    page.ready()
    page.type("#field-contact", "ask@example.org")
    house.stop()
    page.click(".primary")
    page.wait("document.querySelector('[data-failed]').innerText.includes('not responding')")
    assert page.say("document.querySelector('#field-contact').value") == "ask@example.org"
    house.start()
    page.click(".primary")
    page.wait("document.querySelector('.done')")
    assert house.configuration.settings.privacy.contact == "ask@example.org"
    page.close()


def test_a_zone_is_drawn_by_mouse_and_by_keyboard(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/settings/cameras/window", size=(1280, 900))
    page.ready()
    page.say(
        "[...document.querySelectorAll('[data-add-row]')]"
        ".find(e => e.innerText === 'Add a zone').click()"
    )
    page.wait("document.querySelector('button[data-draw]')")
    page.type("[name='zones.0.name']", "door")
    page.click("button[data-draw]")
    left, top, width, height = page.say(
        "(b => [b.left, b.top, b.width, b.height])"
        "(document.querySelector('.drawing-stage').getBoundingClientRect())"
    )
    for x, y in ((0.1, 0.2), (0.5, 0.2), (0.5, 0.8)):
        at = {"x": left + x * width, "y": top + y * height, "button": "left", "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", {"type": "mousePressed", **at})
        page.ask("Input.dispatchMouseEvent", {"type": "mouseReleased", **at})
    page.wait("document.querySelectorAll('.corner').length === 3")
    page.say("document.querySelectorAll('.corner')[0].focus()")
    page.press("ArrowRight")
    assert page.say("document.activeElement.getAttribute('aria-label')") == "Corner 1"
    page.click(".primary")
    page.wait("document.querySelector('.done')")
    (zone,) = house.configuration.settings.cameras["window"].zones
    assert zone.name == "door"
    corners = [(0.11, 0.2), (0.5, 0.2), (0.5, 0.8)]
    for point, (x, y) in zip(zone.points, corners, strict=True):
        assert abs(point[0] - x) < 0.01 and abs(point[1] - y) < 0.01
    page.close()


def test_a_rule_is_made_by_hand(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/alerts")
    page.ready()
    page.wait("document.querySelector('.rule') && document.querySelector('.theme-button').title")
    page.type("#field-name", "Gloomy")
    page.type("#field-limit", "35")
    page.click(".rule .primary")
    page.wait("document.querySelector('.rules')?.innerText.includes('Gloomy')")
    assert "negative above 35% for 10 minutes, at each camera" in page.text(".rules")
    assert house.configuration.settings.alerts[-1].limit == 0.35
    page.close()


def test_a_visitor_logs_out(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(house.url)
    page.ready()
    page.click(".logout button")
    page.wait("location.pathname === '/login'")
    assert house.user is None
    page.close()


class _Receiver:
    """Answers browsers' offers, as the monitor does."""

    def __init__(self, house: FakeMonitor) -> None:
        self.house = house
        self.dismissed = threading.Event()
        self.tracks: set[str] = set()
        self.pictures = 0
        house.more.append(self.add)

    def add(self, app: FastAPI) -> None:
        @app.post("/api/browser-camera")
        async def offer(request: Request) -> dict[str, str]:
            body: dict[str, Any] = await request.json()
            self._peer = RTCPeerConnection()

            @self._peer.on("track")
            def track(track: Any) -> None:
                self.tracks.add(track.kind)
                if track.kind == "video":
                    self._task = asyncio.ensure_future(self._receive(track))

            await self._peer.setRemoteDescription(
                RTCSessionDescription(sdp=body["sdp"], type="offer")
            )
            await self._peer.setLocalDescription(await self._peer.createAnswer())
            return {"camera": "visitor-1", "sdp": self._peer.localDescription.sdp}

        @app.delete("/api/browser-camera/{camera}", status_code=204)
        async def dismiss(camera: str) -> None:
            self._task.cancel()
            await self._peer.close()
            self.dismissed.set()

    async def _receive(self, track: Any) -> None:
        while True:
            await track.recv()
            self.pictures += 1


def test_ones_own_camera_is_read_and_let_go(browser: Browser, house: FakeMonitor) -> None:
    receiver = _Receiver(house)
    page = browser.open(f"{house.url}/try")
    page.ready()
    page.click("[data-start]")
    page.wait(
        "document.querySelector('.status-message').innerText"
        ".startsWith('Your camera is being analyzed')"
    )
    end = time.monotonic() + 30
    while receiver.pictures < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert receiver.tracks == {"audio", "video"}
    while not page.say("Boolean(document.querySelector('.browser-camera .face'))"):
        assert time.monotonic() < end
        now = time.time()
        house.bus.publish(CameraHealth(camera="visitor-1", state=CameraState.RUNNING, since=now))
        house.see("visitor-1", face("a", 0.1, "positive"))
        time.sleep(0.1)
    assert page.text(".browser-camera-reading") == "1 face in view positive"
    # the picture is mirrored, and the boxes with it
    assert page.say("document.querySelector('.browser-camera .face').style.left") == "76%"
    # nobody else sees it
    other = browser.open(f"{house.url}/live")
    other.wait("document.querySelectorAll('.tile').length === 4")
    other.close()
    page.click("[data-stop]")
    assert receiver.dismissed.wait(30)
    page.wait("document.querySelector('.status-message').innerText.startsWith('Stopped')")
    assert page.say("document.querySelector('video').srcObject") is None
    page.close()


def test_a_refused_or_failing_camera_is_told(browser: Browser, house: FakeMonitor) -> None:
    page = browser.open(f"{house.url}/try")
    page.ready()
    for name, told in (
        ("NotAllowedError", "You did not allow"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "Another program"),
    ):
        page.say(
            "navigator.mediaDevices.getUserMedia = "
            f"() => Promise.reject(new DOMException('', '{name}'))"
        )
        page.click("[data-start]")
        page.wait(f"document.querySelector('.status-message').innerText.includes('{told}')")
    assert page.say("document.querySelector('[data-start]').checkVisibility()")
    page.say("delete navigator.mediaDevices.getUserMedia")
    page.click("[data-start]")  # the made-up server knows of no such thing
    page.wait(
        "document.querySelector('.status-message').innerText.includes('could not be established')"
    )
    page.close()
