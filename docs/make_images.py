"""Makes the README's pictures from the results of `make demo`.

Usage: .venv/bin/python docs/make_images.py [RESULTS]; needs Chromium for the page's picture.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import av
from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
SHOWN = 2.1
"""Seconds into the clip: the mouth is open."""
PAGE = (1100, 1560)


def annotated(results: Path) -> None:
    with av.open(str(results / "annotated.mp4")) as container:
        frames = container.decode(video=0)
        frame = next(frame for frame in frames if frame.time is not None and frame.time >= SHOWN)
        pixels = frame.to_ndarray(format="rgb24")
        picture = Image.fromarray(pixels).resize((960, 540), Image.Resampling.LANCZOS)
    picture.save(IMAGES / "annotated.jpg", quality=88, optimize=True)


def report(results: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("The report's picture needs Chromium.")
    width, height = PAGE
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium,
    ):
        shot = Path(folder) / "report.png"
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.goto((results / "report.html").resolve().as_uri())
        video = "document.getElementById('video')"
        page.evaluate(f"{video}.currentTime = {SHOWN}")
        # the page's policy forbids what Playwright's own waiting does
        while not page.evaluate(f"{video}.readyState >= 2 && !{video}.seeking"):
            page.wait_for_timeout(100)
        box = page.locator("#cover").bounding_box()
        assert box is not None  # noqa: S101
        page.mouse.move(box["x"] + 0.54 * box["width"], box["y"] + 20)
        page.screenshot(path=shot)
        Image.open(shot).convert("RGB").save(IMAGES / "report.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("sentiment/demo")
    IMAGES.mkdir(exist_ok=True)
    annotated(chosen)
    report(chosen)
