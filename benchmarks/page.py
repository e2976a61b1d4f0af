"""How fast the live page opens, and what twenty viewers cost the cameras.

    python benchmarks/page.py            # the page alone, with fake cameras
    python benchmarks/page.py URL COOKIE # a running monitor: its address, a session's Cookie header

The first paint is Chromium's own figure (first contentful paint), cold and with a warm cache.
Viewers are live view sockets that watch every camera, receive everything and decode nothing.
Their cost is the server's CPU time; for a running monitor also its cameras' moments per second,
alternately without and with viewers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from websockets.asyncio.client import ClientConnection, connect

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE / "tests"), str(HERE / "tests" / "monitor")]

VIEWERS = 20


@dataclass
class Received:
    """What all viewers received."""

    updates: int = 0
    pictures: int = 0
    bytes: int = 0


def first_paint(url: str, cookie: str) -> dict[str, list[float]]:
    """Milliseconds to the first contentful paint, five times each."""
    from playwright.sync_api import sync_playwright

    from browser_pages import CHROMIUM, wait_for

    took: dict[str, list[float]] = {"cold": [], "warm": []}
    headers = {"Cookie": cookie} if cookie else {}
    paints = "performance.getEntriesByName('first-contentful-paint')"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        warm = browser.new_context(extra_http_headers=headers)
        warm.new_page().goto(url)
        for kind, times in took.items():
            for _ in range(5):
                # a new context has an empty cache
                context = (
                    warm if kind == "warm" else browser.new_context(extra_http_headers=headers)
                )
                page = context.new_page()
                page.goto(url)
                wait_for(page, f"{paints}.length")
                times.append(page.evaluate(f"{paints}[0].startTime"))
                page.close()
        browser.close()
    return took


async def watch(url: str, cookie: str, viewers: int, seconds: float) -> Received:
    """Run that many viewers for that many seconds."""
    received = Received()
    address = f"{url.replace('http', 'ws', 1)}/live/socket"
    headers = {"Cookie": cookie, "Origin": url} if cookie else {"Origin": url}

    async def look() -> None:
        async with connect(address, additional_headers=headers, max_size=None) as socket:
            await _look(socket, received)

    tasks = [asyncio.create_task(look()) for _ in range(viewers)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    for fault in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(fault, asyncio.CancelledError):
            raise SystemExit(f"a viewer failed: {fault!r}")
    return received


async def _look(socket: ClientConnection, received: Received) -> None:
    watching = False
    async for message in socket:
        received.bytes += len(message)
        if isinstance(message, bytes):
            received.pictures += 1
            continue
        received.updates += 1
        message_fields = json.loads(message)
        if not watching and "tiles" in message_fields:
            watching = True
            await socket.send(
                json.dumps({"watch": [tile["key"] for tile in message_fields["tiles"]]})
            )


def rates(url: str, cookie: str, seconds: float) -> float:
    """Moments per second of all cameras together, as the monitor reports, over some time."""
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        request = Request(f"{url}/api/cameras", headers={"Cookie": cookie})  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            cameras: list[dict[str, Any]] = json.load(answer)
        healths = [camera["health"] for camera in cameras if camera["health"]]
        found.append(sum(health["moments_per_second"] for health in healths))
        time.sleep(1)
    return float(statistics.mean(found))


def measure_running_monitor(url: str, cookie: str, seconds: float, rounds: int) -> None:
    """A monitor with cameras: alternately without and with viewers."""
    alone, watched = [], []
    for _ in range(rounds):
        time.sleep(5)
        alone.append(rates(url, cookie, seconds))
        viewers = threading.Thread(
            target=lambda: asyncio.run(watch(url, cookie, VIEWERS, seconds + 5))
        )
        viewers.start()
        time.sleep(5)
        watched.append(rates(url, cookie, seconds))
        viewers.join()
        print(f"  moments a second: {alone[-1]:.1f} alone, {watched[-1]:.1f} with viewers")
    change = statistics.mean(watched) / statistics.mean(alone) - 1
    print(f"{VIEWERS} viewers change the moments a second by {change:+.1%} (allowed: -5 %)")


def measure_fake_monitor(seconds: float) -> None:
    """The page alone: CPU time that the server process spends on viewers."""
    from web.fake_monitor import FakeMonitor
    from web.fake_people import live

    with tempfile.TemporaryDirectory() as folder:
        monitor = FakeMonitor(Path(folder))
        ended = threading.Event()
        threading.Thread(target=live, args=(monitor, ended), daemon=True).start()
        url = monitor.url
        print_paint(first_paint(url, ""))
        spent = {}
        for viewers in (0, VIEWERS):
            before = resource.getrusage(resource.RUSAGE_SELF)
            received = _in_a_process(url, viewers, seconds)
            after = resource.getrusage(resource.RUSAGE_SELF)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            spent[viewers] = used / seconds
            print(
                f"{viewers} viewers: {spent[viewers]:.1%} of a core; each got "
                f"{received.updates / max(viewers, 1) / seconds:.1f} updates and "
                f"{received.pictures / max(viewers, 1) / seconds:.1f} pictures a second"
            )
        print(f"{VIEWERS} viewers cost the server {spent[VIEWERS] - spent[0]:.1%} of a core")
        ended.set()
        monitor.stop()


def _in_a_process(url: str, viewers: int, seconds: float) -> Received:
    """Viewers in a separate process, so that their work is not counted."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_watch, (url, viewers, seconds))


def _watch(url: str, viewers: int, seconds: float) -> Received:
    return asyncio.run(watch(url, "", viewers, seconds))


def print_paint(took: dict[str, list[float]]) -> None:
    """One line for each cache state."""
    for kind, times in took.items():
        print(
            f"first contentful paint, {kind} cache: median {statistics.median(times):.0f} ms, "
            f"worst {max(times):.0f} ms (allowed: 1000 ms)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", nargs="?", help="a running monitor")
    parser.add_argument("cookie", nargs="?", default="", help="its session, as a Cookie header")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.url is None:
        measure_fake_monitor(options.seconds)
        return
    url = options.url.rstrip("/")
    print_paint(first_paint(url, options.cookie))
    measure_running_monitor(url, options.cookie, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
