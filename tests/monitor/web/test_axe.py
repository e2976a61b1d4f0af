"""axe-core finds no violation on any page: dark and light, desktop and phone, three languages."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from sentistream.monitor.accounts import Role, User
from sentistream.monitor.web.guided_setup import STEPS
from web.fake_monitor import FakeMonitor

PAGES = (
    "/",
    "/live",
    "/history?day=2026-11-20&camera=entrance",
    "/history?by=week",
    "/alerts?rule=sour",
    "/alerts/sour02",
    "/try",
    "/privacy",
    "/privacy/notice",
    "/privacy/assessment",
    "/about",
    "/account",
    "/settings",
    "/settings/privacy",
    "/settings/server",
    "/settings/email",
    "/settings/ntfy",
    "/settings/webhooks",
    "/settings/digest",
    "/settings/health_alerts",
    "/settings/people",
    "/settings/cameras/entrance",
    "/settings/cameras/new",
    *(f"/start/{step}" for step in STEPS),
    "/offline",
    "/nowhere",
)
PHONE, DESK = (390, 844), (1440, 900)


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, from its Python package."""
    pytest.importorskip("axe_playwright_python")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def violations_of(page: Page, axe: str) -> list[tuple[str, str, list[str]]]:
    """What axe-core finds: rule, help, and the first elements."""
    # the pages' CSP blocks injected scripts, but not the DevTools protocol
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    # no enabled rule needs style sheets or sounds reloaded
    found: list[dict[str, Any]] = json.loads(
        page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], preload: false})"
            ".then(r => JSON.stringify("
            "r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map("
            "n => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? ''))}))))"
        )
    )
    return [(each["id"], each["help"], each["nodes"][:3]) for each in found]


@pytest.mark.parametrize(
    ("language", "looks"),
    [
        ("en", [(DESK, "light"), (PHONE, "dark")]),
        ("de", [(PHONE, "light"), (DESK, "dark")]),
        ("fr", [(DESK, "light"), (PHONE, "dark")]),
    ],
    ids=["en", "de", "fr"],
)
def test_pages_have_no_violations(
    chromium: Browser,
    busy_monitor: FakeMonitor,
    axe: str,
    language: str,
    looks: list[tuple[tuple[int, int], Any]],
) -> None:
    context = chromium.new_context(
        base_url=busy_monitor.url, locale=language, reduced_motion="reduce"
    )
    context.add_init_script(axe)
    page = context.new_page()
    found: dict[object, object] = {}
    for path in PAGES:
        for size, theme in looks:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=theme)
            if (size, theme) == looks[0]:
                page.goto(path)
                if path == "/live":
                    page.wait_for_selector(".face")
            width = page.evaluate("document.documentElement.scrollWidth")
            violations: list[object] = [*violations_of(page, axe)]
            if width > size[0] and not path.startswith("/privacy/"):
                violations.append(f"{width} pixels wide")
            if violations:
                found[path, size, theme] = violations
    assert found == {}
    context.close()


def test_page_fits_a_new_width_before_its_charts_are_redrawn(
    chromium: Browser, busy_monitor: FakeMonitor
) -> None:
    context = chromium.new_context(base_url=busy_monitor.url, reduced_motion="reduce")
    context.add_init_script(
        "window.ResizeObserver = class { observe() {} unobserve() {} disconnect() {} }"
    )
    page = context.new_page()
    too_wide: dict[str, int] = {}
    for path in PAGES:
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(path)
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        width: int = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE[0] and not path.startswith("/privacy/"):
            too_wide[path] = width
    assert too_wide == {}
    context.close()


def test_viewer_pages_have_no_violations(chromium: Browser, monitor: FakeMonitor, axe: str) -> None:
    monitor.user = User("vera", Role.VIEWER)
    context = chromium.new_context(base_url=monitor.url)
    page = context.new_page()
    found = {}
    for path in ("/", "/alerts", "/settings", "/privacy"):
        page.goto(path)
        if violations := violations_of(page, axe):
            found[path] = violations
    assert found == {}
    context.close()
