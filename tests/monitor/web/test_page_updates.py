"""Interactive changes in a real browser."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from aiortc import RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI, Request
from playwright.sync_api import expect

from browser_pages import PageOpener, wait_for
from sentistream.monitor.observations import CameraHealth, CameraState
from web.fake_monitor import FakeMonitor
from web.fake_people import face


def test_setting_is_changed_and_saved(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/settings/privacy")
    expect(page.locator("#field-smallest_group").first).to_be_attached()
    page.fill("#field-smallest_group", "8")
    page.click("#field-blur")
    page.click(".primary")
    expect(page.locator(".done")).to_contain_text("Saved")
    privacy = monitor.configuration.settings.privacy
    assert (privacy.smallest_group, privacy.blur) == (8, False)
    page.goto(f"{monitor.url}/privacy")
    assert "fewer than 8 appearances" in page.inner_text(
        "main"
    ) and "without blur" in page.inner_text("main")


def test_error_is_shown_at_its_field(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/settings/privacy")
    expect(page.locator("form.form").first).to_be_attached()
    # browsers validate numbers; what they let through is validated again
    page.evaluate("document.querySelector('form.form').noValidate = true")
    page.fill("#field-smallest_group", "0")
    page.fill("#field-controller", "Corner Shop")
    page.click(".primary")
    expect(page.locator("#field-smallest_group-error").first).to_be_attached()
    assert page.inner_text("#field-smallest_group-error") == "At least 1."
    wait_for(page, "document.activeElement.id !== ''")  # the browser sets the focus after loading
    assert page.evaluate("document.activeElement.id") == "field-smallest_group"
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')").startswith(
        "field-smallest_group-error"
    )
    assert page.evaluate("document.querySelector('#field-controller').value") == "Corner Shop"
    assert "Nothing was saved" in page.inner_text("[role=alert]")
    page.fill("#field-smallest_group", "6")
    page.click(".primary")
    expect(page.locator(".done").first).to_be_attached()
    assert monitor.configuration.settings.privacy.smallest_group == 6


def test_typed_text_survives_a_lost_server(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/settings/privacy")
    page.fill("#field-contact", "ask@example.org")
    monitor.stop()
    page.click(".primary")
    expect(page.locator("[data-failed]")).to_contain_text("not responding")
    assert page.evaluate("document.querySelector('#field-contact').value") == "ask@example.org"
    monitor.start()
    page.click(".primary")
    expect(page.locator(".done").first).to_be_attached()
    assert monitor.configuration.settings.privacy.contact == "ask@example.org"


def test_zone_is_drawn_with_mouse_and_keyboard(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/settings/cameras/window", size=(1280, 900))
    page.evaluate(
        "[...document.querySelectorAll('[data-add-row]')]"
        ".find(e => e.innerText === 'Add a zone').click()"
    )
    expect(page.locator("button[data-draw]").first).to_be_attached()
    page.fill("[name='zones.0.name']", "door")
    page.click("button[data-draw]")
    left, top, width, height = page.evaluate(
        "(b => [b.left, b.top, b.width, b.height])"
        "(document.querySelector('.drawing-stage').getBoundingClientRect())"
    )
    for x, y in ((0.1, 0.2), (0.5, 0.2), (0.5, 0.8)):
        page.mouse.click(left + x * width, top + y * height)
    wait_for(page, "document.querySelectorAll('.corner').length === 3")
    page.evaluate("document.querySelectorAll('.corner')[0].focus()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Corner 1"
    page.click(".primary")
    expect(page.locator(".done").first).to_be_attached()
    (zone,) = monitor.configuration.settings.cameras["window"].zones
    assert zone.name == "door"
    corners = [(0.11, 0.2), (0.5, 0.2), (0.5, 0.8)]
    for point, (x, y) in zip(zone.points, corners, strict=True):
        assert abs(point[0] - x) < 0.01 and abs(point[1] - y) < 0.01


def test_rule_is_created(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/alerts")
    wait_for(
        page, "document.querySelector('.rule') && document.querySelector('.theme-button').title"
    )
    page.fill("#field-name", "Gloomy")
    page.fill("#field-limit", "35")
    page.click(".rule .primary")
    expect(page.locator(".rules")).to_contain_text("Gloomy")
    assert "negative above 35% for 10 minutes, at each camera" in page.inner_text(".rules")
    assert monitor.configuration.settings.alerts[-1].limit == 0.35


def test_user_logs_out(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(monitor.url)
    page.click(".logout button")
    wait_for(page, "location.pathname === '/login'")
    assert monitor.user is None


class _WebRtcReceiver:
    """Answers browsers' offers, as the monitor does."""

    def __init__(self, monitor: FakeMonitor) -> None:
        self.monitor = monitor
        self.dismissed = threading.Event()
        self.tracks: set[str] = set()
        self.pictures = 0
        monitor.more.append(self.add)

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


def test_own_camera_is_read_and_stopped(open_page: PageOpener, monitor: FakeMonitor) -> None:
    receiver = _WebRtcReceiver(monitor)
    page = open_page(f"{monitor.url}/try")
    page.click("[data-start]")
    wait_for(
        page,
        "document.querySelector('.status-message').innerText"
        ".startsWith('Your camera is being analyzed')",
    )
    end = time.monotonic() + 30
    while receiver.pictures < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert receiver.tracks == {"audio", "video"}
    while not page.evaluate("Boolean(document.querySelector('.browser-camera .face'))"):
        assert time.monotonic() < end
        now = time.time()
        monitor.bus.publish(CameraHealth(camera="visitor-1", state=CameraState.RUNNING, since=now))
        monitor.publish_observation("visitor-1", face("a", 0.1, "positive"))
        time.sleep(0.1)
    assert page.inner_text(".browser-camera-reading") == "1 face in view positive"
    # the picture is mirrored, and so are the boxes
    assert page.evaluate("document.querySelector('.browser-camera .face').style.left") == "76%"
    # nobody else sees it
    other = open_page(f"{monitor.url}/live")
    wait_for(other, "document.querySelectorAll('.tile').length === 4")
    page.click("[data-stop]")
    assert receiver.dismissed.wait(30)
    wait_for(page, "document.querySelector('.status-message').innerText.startsWith('Stopped')")
    assert page.evaluate("document.querySelector('video').srcObject") is None


def test_denied_or_failing_camera_is_reported(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/try")
    for name, message in (
        ("NotAllowedError", "You did not allow"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "Another program"),
    ):
        page.evaluate(
            "void (navigator.mediaDevices.getUserMedia = "
            f"() => Promise.reject(new DOMException('', '{name}')))"
        )
        page.click("[data-start]")
        expect(page.locator(".status-message")).to_contain_text(f"{message}")
    assert page.evaluate("document.querySelector('[data-start]').checkVisibility()")
    page.evaluate("delete navigator.mediaDevices.getUserMedia")
    page.click("[data-start]")  # the fake server does not implement it
    expect(page.locator(".status-message")).to_contain_text("could not be established")
