"""How fast overview and history open, over ten weeks of four cameras with six zones each.

Fills a database with synthetic visitors, serves the real monitor's pages from it, and opens each
view in Chromium. Measures the server's response time (median of nine), the time from the click
until the charts are drawn (median of five, files cached as after the first page), and the size of
the first page.

Usage: python -m benchmarks.insight [--weeks 10] [--database FILE] [--json FILE]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import httpx

from sentistream.benchmarking.system_facts import describe_machine

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE / "tests"), str(HERE / "tests" / "monitor")]

OVERVIEW_MS = 1_000.0
"""From opening the address until the overview is usable."""
VIEW_MS = 300.0
"""Until any view of the history is drawn."""
WEIGHT_KB = 300.0
"""Limit of a page's size, including its files."""

VIEWS = {
    "overview": "/",
    "minutes of an hour": "/history?by=minute&hour=12&day={yesterday}",
    "minutes of a zone": "/history?by=minute&hour=12&day={yesterday}&camera=tills&zone=till",
    "hours of a day": "/history",
    "hours of a day, open": "/history?open=1",
    "hours of a zone": "/history?camera=tills&zone=till",
    "days of a week": "/history?by=day",
    "days of a week, open": "/history?by=day&open=1",
    "weeks": "/history?by=week",
    "weeks, open": "/history?by=week&open=1",
    "weeks of a zone": "/history?by=week&camera=tills&zone=till",
    "months": "/history?by=month",
    "months, open": "/history?by=month&open=1",
    "hours of the week": "/history?by=pattern",
    "hours of the week, zone": "/history?by=pattern&camera=tills&zone=till",
    "free range, 60 days": "/history?by=day&from={sixty}&to={yesterday}",
}


@click.command()
@click.option("--weeks", default=10, show_default=True, help="Weeks of visitors.")
@click.option("--browser/--no-browser", default=True, help="Whether to open them in Chromium.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(weeks: int, browser: bool, json_file: Path | None) -> None:
    """Measure overview and history."""
    from insight.served_insight import served_weeks, session_cookie

    with (
        tempfile.TemporaryDirectory() as name,
        served_weeks(Path(name), weeks=weeks) as served,
    ):
        cookie = session_cookie(served)
        result: dict[str, Any] = {"machine": describe_machine(), "weeks": weeks}
        result["load"] = round(os.getloadavg()[0], 1)
        headers = {"Cookie": f"{cookie['name']}={cookie['value']}"}
        days = {"yesterday": _day(1), "sixty": _day(60)}
        with httpx.Client(base_url=served.url, headers=headers, timeout=60) as client:
            answers = {view: _answer(client, path.format(**days)) for view, path in VIEWS.items()}
        result["answer_ms"] = {view: took for view, (took, _) in answers.items()}
        result["processor_ms"] = {view: worked for view, (_, worked) in answers.items()}
        if browser:
            result |= _in_a_browser(served.url, cookie, days)
    for key, value in result.items():
        click.echo(f"{key}: {value}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


def _day(ago: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(time.time() - ago * 86_400))


def _answer(client: httpx.Client, path: str) -> tuple[float, float]:
    """Median milliseconds until the answer, wall and CPU.

    CPU time is of the server and the small client. On a busy machine, it shows how long an answer
    would take on an idle one.
    """
    took, worked = [], []
    for _ in range(9):
        started, cpu = time.perf_counter(), time.process_time()
        client.get(path).raise_for_status()
        took.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return round(statistics.median(took)), round(statistics.median(worked))


def _in_a_browser(url: str, cookie: dict[str, str], days: dict[str, str]) -> dict[str, Any]:
    """Milliseconds until each view is drawn, and the size of the first page in kB."""
    import shutil

    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    drawn: dict[str, float] = {}
    weights: dict[str, float] = {}
    first: list[float] = []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=["--no-sandbox"]) as browser,
    ):
        for _ in range(5):  # with an empty cache
            context = browser.new_context(base_url=url)
            context.add_cookies([cookie])  # type: ignore[list-item]
            first.append(_until_drawn(context.new_page(), "/"))
            context.close()
        for view in ("overview", "hours of a day", "free range, 60 days"):
            context = browser.new_context(base_url=url)
            context.add_cookies([cookie])  # type: ignore[list-item]
            weights[view] = _weight(context.new_page(), VIEWS[view].format(**days))
            context.close()
        context = browser.new_context(base_url=url)
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        for view, path in VIEWS.items():
            took = [_until_drawn(page, path.format(**days)) for _ in range(5)]
            drawn[view] = round(statistics.median(took))
        context.close()
    return {
        "overview_cold_ms": round(statistics.median(first)),
        "drawn_ms": drawn,
        "kilobytes": weights,
        "allowed": {"overview_ms": OVERVIEW_MS, "view_ms": VIEW_MS, "kilobytes": WEIGHT_KB},
    }


def _until_drawn(page: Any, path: str) -> float:
    """From the request until scripts have run and the charts contain ink."""
    page.goto(path, wait_until="load")
    if "pattern" not in path:
        page.wait_for_selector("figure.chart[data-drawn] canvas >> nth=1", state="attached")
    entry = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(performance.getEntriesByType('navigation')[0].loadEventEnd))))"
    )
    return float(entry)


def _weight(page: Any, path: str) -> float:
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(path, wait_until="networkidle")
    return round(sum(sizes) / 1000, 1)


if __name__ == "__main__":
    main()
