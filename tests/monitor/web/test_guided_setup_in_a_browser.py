"""The guided set-up in a real browser, from no camera to a printed notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from fake_onvif_camera import OnvifCamera
from rtsp_sender import python_with_gstreamer, rtsp
from sentistream.monitor.cameras import onvif
from sentistream.monitor.settings import Settings
from sentistream.monitor.web import guided_setup
from web.fake_monitor import FakeMonitor

PASSWORD = "p&ss wörd"  # noqa: S105
LONG = 60_000.0


def opened(chromium: Browser, monitor: FakeMonitor, path: str) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(monitor.url + path)
    return page


def questions(page: Page) -> list[str]:
    """The types of the page's dialogs from now on; all are accepted."""
    dialogs: list[str] = []

    def answer(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    return dialogs


def settings(monitor: FakeMonitor) -> Settings:
    return monitor.configuration.settings


def test_setup_leads_from_nothing_to_a_notice(
    chromium: Browser, empty: FakeMonitor, demonstration_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = python_with_gstreamer()
    with (
        rtsp(python, demonstration_clip, "owner", PASSWORD) as (port, _),
        OnvifCamera(
            password=PASSWORD, stream=f"rtsp://192.0.2.7:{port}/camera"
        ).running() as camera,
    ):
        target = ("127.0.0.1", camera.probe_port)
        monkeypatch.setattr(
            guided_setup, "discover", lambda: onvif.discover(seconds=0.5, target=target)
        )
        page = opened(chromium, empty, "/start")
        assert page.url.endswith("/start/camera")
        # found on the network, by its own name
        page.get_by_role("button", name="Look for cameras on this network").click()
        expect(page.locator("[data-looked]")).to_have_text("1 camera was found.")
        page.get_by_role("button", name="Use Shop Cam").click()
        expect(page.get_by_label("Address")).to_have_value("127.0.0.1")
        expect(page.get_by_label("What you call it")).to_have_value("Shop Cam")
        # a wrong password is reported at the password field
        page.get_by_label("User name of the camera").fill("owner")
        page.get_by_label("Password of the camera").fill("wrong")
        page.get_by_role("button", name="Test it").click()
        wrong = page.locator("[data-of=password] .error")
        expect(wrong).to_contain_text("refuses the user or the password", timeout=LONG)
        expect(page.get_by_label("Password of the camera")).to_be_focused()
        # the right one shows a picture, before anything is saved
        page.get_by_label("Password of the camera").fill(PASSWORD)
        page.get_by_role("button", name="Test it").click()
        expect(page.locator("[data-tried]")).to_contain_text("640 × 360 pixels", timeout=LONG)  # noqa: RUF001
        expect(page.locator("[data-tried]")).to_contain_text("so that nobody is recognized")
        expect(wrong).to_have_count(0)
        assert page.locator("[data-trial] canvas").evaluate("canvas => canvas.width") == 640
        assert settings(empty).cameras == {}
        page.get_by_label("What you call it").fill("Entrance")
        page.get_by_role("button", name="Save and go on").click()
        page.wait_for_url("**/start/zones?camera=entrance", timeout=LONG)
    source = settings(empty).cameras["entrance"].source.get_secret_value()
    assert source == f"rtsp://owner:p%26ss%20w%C3%B6rd@127.0.0.1:{port}/camera"
    assert PASSWORD not in page.content() and "p%26ss" not in page.content()

    # zones: one by keyboard, one by mouse
    page.get_by_role("button", name="Add a zone").click()
    page.get_by_role("textbox", name="Name").fill("Behind the till")
    page.get_by_label("What it is for").select_option("always")
    page.get_by_role("button", name="Draw").click()
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown"):
        page.get_by_role("button", name="Add a corner in the middle").click()
        for _ in range(5):
            page.keyboard.press(f"Shift+{key}")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/start/hours")
    (zone,) = settings(empty).cameras["entrance"].zones
    assert (zone.name, zone.shown_name, zone.masked) == (
        "behind-the-till",
        "Behind the till",
        "always",
    )
    assert zone.points == ((0.25, 0.5), (0.75, 0.5), (0.5, 0.75))

    # opening hours
    page.get_by_role("button", name="Add a time range").click()
    page.get_by_label("From", exact=True).fill("09:00")
    page.get_by_label("To", exact=True).fill("18:00")
    page.get_by_label("Sun").uncheck()
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/start/alert")
    (hours,) = settings(empty).cameras["entrance"].hours
    assert "sun" not in hours.days and hours.begin.hour == 9

    # an alert, as suggested
    page.get_by_role("button", name="Add the alert and go on").click()
    page.wait_for_url("**/start/notice")
    (rule,) = settings(empty).alerts
    assert (rule.limit, rule.minutes, rule.sentiment) == (0.4, 10, "negative")

    # and the notice
    page.get_by_label("Controller").fill("Corner Shop, 1 Main Street")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    assert settings(empty).privacy.controller == "Corner Shop, 1 Main Street"
    expect(page.get_by_text("3 facts are still missing")).to_be_visible()
    page.goto(empty.url + "/privacy/notice")
    for text in ("Corner Shop, 1 Main Street", "Behind the till", "09:00 to 18:00", "Entrance"):
        expect(page.get_by_text(text).first).to_be_visible()
    page.close()


def test_unsaved_zones_are_guarded_and_changes_undone(
    chromium: Browser, monitor: FakeMonitor
) -> None:
    for path in ("/start/zones?camera=entrance", "/settings/cameras/entrance"):
        page = opened(chromium, monitor, path)
        dialogs = questions(page)
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_disabled()
        points = page.locator("[data-points]").first
        before = points.input_value()
        page.get_by_role("button", name="Draw").first.click()
        stage = page.locator(".drawing-stage svg")
        stage.scroll_into_view_if_needed()
        stage.click(position={"x": 20, "y": 20})
        stage.click(position={"x": 60, "y": 20})
        assert len(points.input_value().split()) == len(before.split()) + 2
        undo.click()
        page.locator("body").press("Control+z")
        assert points.input_value() == before
        # a removed zone is restored completely
        page.get_by_role("button", name="Remove: Zone 1").click()
        expect(page.locator("[data-points]")).to_have_count(1)
        undo.click()
        expect(page.locator("[data-points]")).to_have_count(2)
        assert page.locator("[data-points]").first.input_value() == before
        page.goto(monitor.url + "/about")
        assert dialogs == []  # in the end nothing has changed
        page.goto(monitor.url + path)
        page.get_by_role("button", name="Remove: Zone 1").click()
        page.goto(monitor.url + "/about")
        assert dialogs == ["beforeunload"]
        page.close()


def test_saved_zones_are_not_guarded(chromium: Browser, monitor: FakeMonitor) -> None:
    page = opened(chromium, monitor, "/start/zones?camera=entrance")
    dialogs = questions(page)
    page.get_by_role("textbox", name="Name").first.fill("Front door")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url("**/start/hours")
    assert dialogs == []
    door, till = settings(monitor).cameras["entrance"].zones
    # the key is unchanged, so its history continues
    assert (door.name, door.title, till.name, till.masked) == (
        "door",
        "Front door",
        "till",
        "always",
    )
    page.close()
