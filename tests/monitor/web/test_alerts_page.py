"""Alerts on the pages: the banner, an alert's own page, channel tests."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from playwright.sync_api import expect

from browser_pages import PageOpener, wait_for
from http_receiver import receiving
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.observations import CameraState, Delivery, DeliveryState
from sentistream.translatable import Translatable
from web.accessibility import accessibility_violations
from web.fake_monitor import SETTINGS, TOKEN, FakeMonitor
from web.fake_people import alert, camera_down

FORM = {"X-CSRF-Token": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}


def start_alerts(monitor: FakeMonitor) -> None:
    """Activate two alerts, one of them about a camera."""
    now = time.time()
    monitor.store.stored_alerts = [
        camera_down(now - 100),
        alert(now - 500, 0.46, active=True, incident="sour02"),
    ]
    for each in monitor.store.stored_alerts:
        monitor.bus.publish(each)


def test_banner_is_on_every_page_and_links_to_the_minutes(monitor: FakeMonitor) -> None:
    quiet = monitor.request("GET", "/alerts").text
    assert 'class="alert-banner"' in quiet
    start_alerts(monitor)
    for path in ("/live", "/alerts", "/privacy", "/try", "/about", "/account", "/settings"):
        page = monitor.request("GET", path).text
        assert "Camera down: Yard" in page, path
        assert "10.0.0.14 refuses the connection" in page
        assert 'href="/alerts/sour02"' in page
        assert "/history?day=" in page and "camera=entrance" in page
        assert "<span data-number>2</span>" in page
    monitor.user = User("vera", Role.VIEWER)
    assert "/sour02/acknowledge" not in monitor.request("GET", "/about").text


def test_link_opens_the_hour_of_the_alert(monitor: FakeMonitor) -> None:
    start_alerts(monitor)
    page = monitor.request("GET", "/about").text
    (link,) = re.findall(r'href="(/history[^"]*camera=entrance[^"]*)"', page)
    shown = monitor.request("GET", html.unescape(link))
    assert shown.status_code == 200
    start = datetime.fromtimestamp(monitor.store.stored_alerts[1].time)
    assert f"at={start:%H}%3A{start:%M}" in link
    assert 'data-by="minute"' in shown.text or "by=minute" in shown.text


def test_alert_page_lists_its_deliveries(monitor: FakeMonitor) -> None:
    start_alerts(monitor)
    assert "there is no channel" in monitor.request("GET", "/alerts/sour02").text
    monitor.store.sent = [
        Delivery(
            incident="sour02",
            channel="Shift leads",
            event="reminder",
            time=time.time(),
            state=DeliveryState.FAILED,
            reason=Translatable("{host} does not answer.", host="hooks.test"),
            attempts=5,
        )
    ]
    english = monitor.request("GET", "/alerts/sour02").text
    for expected in (
        "Shift leads",
        "not delivered",
        "hooks.test does not answer.",
        "after 5 attempts",
    ):
        assert expected in english
    german = monitor.request("GET", "/alerts/sour02", headers={"Accept-Language": "de"}).text
    assert "hooks.test antwortet nicht." in german and "nach 5 Versuchen" in german
    assert monitor.request("GET", "/alerts/no-such").status_code == 404


def test_alert_is_acknowledged_once(monitor: FakeMonitor) -> None:
    start_alerts(monitor)
    monitor.user = User("vera", Role.VIEWER)
    path = "/alerts/sour02/acknowledge"
    assert monitor.request("POST", path, headers=FORM).status_code == 403
    monitor.user = User("anna", Role.MANAGER)
    assert monitor.request("POST", path, headers=FORM).status_code == 303
    monitor.user = User("bert", Role.MANAGER)
    assert monitor.request("POST", path, headers=FORM).status_code == 303
    for page in ("/alerts/sour02", "/alerts", "/about"):
        text = monitor.request("GET", page).text
        assert "anna takes care of it since" in text and "bert takes" not in text, page
    assert monitor.request("POST", "/alerts/no-such/acknowledge", headers=FORM).status_code == 404


def test_channel_is_tested_from_the_page(tmp_path: Path) -> None:
    with receiving(200, 404) as hook:
        url = hook.url("/services/secret-path")
        monitor = FakeMonitor(
            tmp_path, SETTINGS | {"webhooks": [{"url": url, "format": "teams", "name": "Leads"}]}
        )
        page = monitor.request("GET", "/alerts").text
        assert "Leads" in page and "secret-path" not in page
        path = "/alerts/channels/webhooks-1/test"
        assert "was accepted" in monitor.request("POST", path, headers=FORM).text
        refused = monitor.request("POST", path, headers=FORM).text
        assert "does not know this address (status 404)" in refused
        assert "secret-path" not in refused
        monitor.user = User("vera", Role.VIEWER)
        assert monitor.request("POST", path, headers=FORM).status_code == 403
    assert len(hook.requests) == 2


def test_rule_has_an_end_limit_and_quiet_hours(monitor: FakeMonitor) -> None:
    body = (
        "name=Grim&sentiment=negative&direction=above&limit=40&minutes=10&quiet_minutes=30"
        "&remind_minutes=15&end_limit={}&camera=&zone=&quiet_hours.0.days=mon"
        "&quiet_hours.0.begin=22:00&quiet_hours.0.end=07:00&quiet_hours.0.was="
    )
    wrong = monitor.request("POST", "/alerts/save", content=body.format("50"), headers=FORM)
    assert wrong.status_code == 422
    assert "ends at that limit or below it" in wrong.text
    kept = monitor.request("POST", "/alerts/save", content=body.format("35"), headers=FORM)
    assert kept.status_code == 303
    rule = monitor.configuration.settings.alerts[-1]
    assert (rule.limit, rule.end_limit, rule.remind_minutes) == (0.4, 0.35, 15)
    assert f"{rule.quiet_hours[0].begin:%H:%M}" == "22:00"
    again = monitor.request("GET", f"/alerts?rule={rule.key}").text
    assert 'value="35"' in again and 'value="22:00"' in again


def test_overview_lists_every_active_alert(monitor: FakeMonitor) -> None:
    """A camera that runs again is no longer down, but the alert about it is still active."""
    start_alerts(monitor)
    monitor.health("yard")
    page = monitor.request("GET", "/").text
    attention = page.partition('class="attention')[2].partition("</section>")[0]
    assert "Sour mood" in attention and "Camera down: Yard" in attention
    assert "No alert is active" not in page
    monitor.health("yard", CameraState.WAITING, reason="The cable is out.")
    attention = (
        monitor.request("GET", "/").text.partition('class="attention')[2].partition("</section")[0]
    )
    assert "Camera down: Yard" not in attention and "The cable is out." in attention


def test_banner_updates_without_reloading(open_page: PageOpener, monitor: FakeMonitor) -> None:
    page = open_page(f"{monitor.url}/about")
    expect(page.locator(".alert-banner")).to_be_hidden()
    start_alerts(monitor)
    wait_for(page, "document.querySelectorAll('.banner-alert').length === 2")
    assert page.evaluate("document.querySelector('[data-number]').textContent") == "2"
    assert "Camera down: Yard" in page.inner_text(".alert-banner")
    assert accessibility_violations(page) == []
    page.click(".banner-alert form button")
    expect(page.locator("[data-acknowledged]").first).to_be_attached()
    assert page.evaluate("location.pathname") == "/about"
    assert "takes care of it since" in page.inner_text(".alert-banner")
    for each in monitor.store.stored_alerts:
        monitor.bus.publish(replace(each, active=False, time=time.time()))
    expect(page.locator(".alert-banner")).to_be_hidden()
    expect(page.locator("[data-alert-count]")).to_be_hidden()
    assert open_page.log(page).problems == []
    page.goto(f"{monitor.url}/alerts/sour02")
    assert accessibility_violations(page) == []


def test_alert_pages_are_accessible(open_page: PageOpener, monitor: FakeMonitor) -> None:
    start_alerts(monitor)
    for path in ("/alerts", "/alerts/down01", "/settings/email", "/settings/ntfy"):
        for dark, size in ((False, (1440, 900)), (True, (390, 844))):
            page = open_page(monitor.url + path, size=size, dark=dark)
            assert accessibility_violations(page) == [], (path, size)
            assert open_page.log(page).problems == []
