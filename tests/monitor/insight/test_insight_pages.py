"""Overview and history in a real Chromium: mouse, touch and keyboard, desktop and phone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from api.served_monitor import VIEWER, ServedMonitor
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from insight.served_insight import served_weeks, session_cookie

SHOTS = os.environ.get("SENTISTREAM_SHOTS", "")
"""A folder for screenshots of the pages, to inspect."""
RULES = (Path(__file__).parents[1] / "web" / "accessibility.js").read_text("utf-8")
AXE = os.environ.get("SENTISTREAM_AXE", "")
"""A file ``axe.min.js`` (npm's package ``axe-core``), for its rules."""

SCREENS = {"desk": (1440, 900), "wide": (1920, 1080), "phone": (390, 844)}
PAGES = (
    "/",
    "/history",
    "/history?by=minute&camera=tills",
    "/history?by=day&open=1&camera=tills&zone=till",
    "/history?by=week",
    "/history?by=month",
    "/history?by=pattern",
)


@pytest.fixture(scope="module")
def shop_monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    with served_weeks(tmp_path_factory.mktemp("shop")) as served:
        yield served


@contextmanager
def opened(
    chromium: Browser,
    served: ServedMonitor,
    *,
    screen: str = "desk",
    dark: bool = False,
    language: str = "en",
    user: str = "anna",
) -> Iterator[Page]:
    """A page of a logged-in user; any script error fails the test."""
    width, height = SCREENS[screen]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=screen == "phone",
        is_mobile=screen == "phone",
        base_url=served.url,
    )
    choice = {"name": "sentistream-language", "value": language, "url": served.url}
    context.add_cookies([session_cookie(served, user), choice])  # type: ignore[list-item]
    page = context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # 422 is the expected answer to an invalid form
        if message.type == "error" and "422" not in message.text:
            problems.append(message.text)

    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", note)
    yield page
    context.close()
    assert problems == []


def _is_drawn(page: Page) -> None:
    """Whether both charts contain ink."""
    expect(page.locator("figure.chart canvas")).to_have_count(2)
    inked = page.evaluate(
        "[...document.querySelectorAll('figure.chart canvas')].map(c => c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data.some((v, n) => n % 4 === 3 && v > 0))"
    )
    assert inked == [True, True]


@pytest.mark.parametrize(
    ("screen", "dark", "language"),
    [
        ("desk", False, "en"),
        ("wide", True, "de"),
        ("phone", False, "fr"),
        ("phone", True, "de"),
    ],
)
def test_pages_are_accessible(
    chromium: Browser, shop_monitor: ServedMonitor, screen: str, dark: bool, language: str
) -> None:
    faults: list[tuple[str, str]] = []
    with opened(chromium, shop_monitor, screen=screen, dark=dark, language=language) as page:
        for path in PAGES:
            page.goto(path)
            page.wait_for_load_state("networkidle")
            if "pattern" not in path:
                _is_drawn(page)
            assert page.evaluate("document.documentElement.lang") == language
            wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide <= inner, (path, wide)
            faults += [(path, fault) for fault in page.evaluate(RULES)]
            if AXE:
                page.evaluate(Path(AXE).read_text("utf-8"))
                readout = page.evaluate(
                    "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
                    ".map(v => v.id + ' ' + v.help + ' ' + v.nodes.map(n => n.html).slice(0, 3)))"
                )
                faults += [(path, fault) for fault in readout]
            if SHOTS:
                name = re.sub(r"\W+", "-", f"insight{path}-{screen}-{'dark' if dark else 'light'}")
                page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert faults == []


def test_overview_uses_a_wide_screen(chromium: Browser, shop_monitor: ServedMonitor) -> None:
    with opened(chromium, shop_monitor, screen="wide") as page:
        page.goto("/")
        places = page.locator(".camera-card").evaluate_all(
            "cards => cards.map(card => Math.round(card.getBoundingClientRect().top))"
        )
        assert len(places) == 4 and len(set(places)) == 1  # four beside each other
        assert page.locator("main").bounding_box()["width"] > 1800  # type: ignore[index]


def test_overview_shows_what_needs_attention(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    with opened(chromium, shop_monitor) as page:
        page.goto("/")
        since = datetime.fromtimestamp(time.time() - 3_600)
        attention = page.locator(".attention")
        expect(attention).to_contain_text("Terrace")
        expect(attention).to_contain_text("The cable is out.")
        assert re.search(
            # soon after midnight, with its date
            rf"down since (\S+ \d+ \S+, )?({since:%H}|{(since.hour - 1) % 24:02d}):",
            attention.inner_text(),
        )
        expect(page.locator(".headline")).to_contain_text(re.compile(r"\d+% ± \d+"))
        expect(page.locator(".answer")).to_contain_text(re.compile(r"usually \d+ \(\d+ to \d+\)"))
        assert page.locator(".places tbody tr").count() == 4 * 7
        page.click(".brand")
        assert page.evaluate("location.pathname") == "/"


def test_overview_refreshes_and_keeps_the_scroll_position(
    chromium: Browser, monitor_until_now: ServedMonitor
) -> None:
    with opened(chromium, monitor_until_now) as page:
        page.clock.install()
        page.goto("/")
        expect(page.locator(".attention")).to_contain_text("Terrace")
        page.locator(".answer summary").focus()
        monitor_until_now.publish_observation("terrace", time.time())
        page.clock.run_for(31_000)
        expect(page.locator(".attention")).not_to_contain_text("Terrace")
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.fixture
def monitor_until_now(tmp_path: Path) -> Iterator[ServedMonitor]:
    with served_weeks(tmp_path, weeks=1, an_hour=5) as served:
        yield served


def test_minute_is_two_clicks_away(chromium: Browser, shop_monitor: ServedMonitor) -> None:
    recent = datetime.fromtimestamp(time.time() - 7_200)
    is_today = recent.date() == datetime.now().date()
    with opened(chromium, shop_monitor) as page:
        page.goto("/")
        page.click("nav a[href='/history']")  # one
        if not is_today:  # soon after midnight: the day before
            page.locator(".period a").first.click()
            page.wait_for_url(f"**day={recent.date()}*")
        _is_drawn(page)
        box = page.locator("figure.chart .u-over").first.bounding_box()
        assert box is not None
        hour = recent.hour
        hours = len(page.locator("details table tbody tr").all())
        assert hours
        x = box["x"] + box["width"] * (hour + 0.5) / 24
        page.mouse.move(x, box["y"] + 100)
        readout = page.locator("figure.chart output").inner_text()
        assert readout.startswith(f"{hour:02d}:00")
        page.mouse.click(x, box["y"] + 100)  # two
        page.wait_for_url("**/history?by=minute*")
        assert f"hour={hour}" in page.url
        _is_drawn(page)
        expect(page.locator(".period h2")).to_contain_text(f"{hour:02d}:00")
        page.locator("details summary", has_text="Show as a table").click()
        expect(page.locator("details table").first).to_contain_text(f"{hour:02d}:30")


def test_keyboard_drills_down_from_months_to_minutes(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    with opened(chromium, shop_monitor) as page:
        page.goto("/history?by=month&camera=tills")
        for view in ("by=day", "by=hour", "by=minute"):
            chart = page.locator(".chart-plots")
            for _ in range(60):
                if page.evaluate("document.activeElement.className") == "chart-plots":
                    break
                page.keyboard.press("Tab")
            expect(chart).to_be_focused()
            assert chart.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            output = page.locator("figure.chart output")
            hint = output.inner_text()
            page.keyboard.press("End")
            readout = output.inner_text()
            for _ in range(40):  # back to the past
                if re.search(r"appearance", output.inner_text()):
                    break
                page.keyboard.press("ArrowLeft")
            assert output.inner_text() not in ("", hint), readout
            page.keyboard.press("Enter")
            page.wait_for_url(f"**{view}*")
            assert "camera=tills" in page.url
        # and up again
        page.locator(".trail a").last.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**by=hour*")


def test_touch_shows_persistent_values_and_opens_them(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    with opened(chromium, shop_monitor, screen="phone", language="de") as page:
        page.goto("/history?by=day")
        _is_drawn(page)
        over = page.locator("figure.chart .u-over").first
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        assert box is not None
        day = datetime.now().weekday()
        x, y = box["width"] * (day + 0.5) / 7, 60
        output = page.locator("figure.chart output")
        hint = output.inner_text()
        over.tap(position={"x": x, "y": y})
        readout = output.inner_text()
        assert readout != hint and "Erscheinung" in readout
        page.wait_for_timeout(400)
        assert (
            output.inner_text() == readout and "by=day" in page.url
        )  # it stays, and nothing opens
        expect(page.locator(".chart-open")).to_be_visible()
        over.tap(position={"x": x, "y": y})
        page.wait_for_url("**by=hour*")


def test_hours_of_the_week_work_with_mouse_and_keyboard(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    with opened(chromium, shop_monitor) as page:
        page.goto("/history")
        page.get_by_role("link", name="Hours of the week").click()
        output = page.locator("#heat-sentence")
        cell = page.locator(".heatmap td[class*=level]").first
        cell.hover()
        expect(output).to_contain_text("negative")
        cell.click()
        first = output.inner_text()
        page.keyboard.press("ArrowRight")
        assert output.inner_text() != first
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.cellIndex") == (
            cell.evaluate("e => e.cellIndex") + 1
        )
        # one Tab stop
        assert page.locator(".heatmap td[tabindex='0']").count() == 1


def test_note_is_added_drawn_and_removed(chromium: Browser, shop_monitor: ServedMonitor) -> None:
    with opened(chromium, shop_monitor) as page:
        page.goto("/history")
        page.get_by_text("Add a note").click()
        now = datetime.fromtimestamp(time.time() - 900)
        page.fill("input[name=time]", f"{now:%Y-%m-%dT%H:%M}")
        page.fill("input[name=text]", "New till <b>opened</b>")
        page.locator("#annotations form button", has_text="Add").click()
        expect(page.locator("#annotations li")).to_contain_text("New till <b>opened</b>")
        marks = page.evaluate(
            "JSON.parse(document.querySelector('figure.chart script').textContent).marks"
        )
        assert [mark["text"] for mark in marks] == ["New till <b>opened</b>"]
        page.get_by_role("button", name="Remove").click()
        expect(page.locator("#annotations li")).to_have_count(0)
        # errors are shown at the field
        page.get_by_text("Add a note").click()
        page.fill("input[name=text]", "   ")
        page.locator("#annotations form button", has_text="Add").click()
        expect(page.locator("#annotations [role=alert]")).to_contain_text("Write what happened")
        expect(page.locator("figure.chart canvas")).to_have_count(2)
    with opened(chromium, shop_monitor, user=VIEWER) as page:
        page.goto("/history")
        assert page.locator("#annotations form").count() == 0


def test_without_scripts_tables_show_everything(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=shop_monitor.url)
    context.add_cookies([session_cookie(shop_monitor)])  # type: ignore[list-item]
    page = context.new_page()
    page.goto("/history?by=day")
    expect(page.locator("noscript p")).to_be_visible()
    page.locator("summary", has_text="Show as a table").click()
    page.locator("details table tbody a").first.click()
    page.wait_for_url("**by=hour*")
    context.close()


def test_theme_change_redraws_the_charts(chromium: Browser, shop_monitor: ServedMonitor) -> None:
    pixels = "(c => c.toDataURL())(document.querySelector('figure.chart canvas'))"
    with opened(chromium, shop_monitor) as page:
        page.goto("/history")
        _is_drawn(page)
        light = page.evaluate(pixels)
        page.click(".theme-button")
        page.wait_for_function(f"{pixels} !== {light!r}")


def test_pages_are_small_and_respect_the_path_prefix(
    chromium: Browser, shop_monitor: ServedMonitor
) -> None:
    with opened(chromium, shop_monitor) as page:
        weight = 0

        def count(response: object) -> None:
            nonlocal weight
            weight += len(response.body())  # type: ignore[attr-defined]

        page.on("response", count)
        page.goto("/")
        page.wait_for_load_state("networkidle")
        assert 0 < weight < 300_000
