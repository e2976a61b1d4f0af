"""Makes the README's pictures from the results of `make demo`.

Usage: .venv/bin/python docs/make_images.py [RESULTS]; needs Chromium for the page's picture.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import av
from PIL import Image

IMAGES = Path(__file__).parent / "images"
SHOWN = 2.1
"""Seconds into the clip: the mouth is open."""
PAGE = (1100, 1120)


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
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "report.png"
        subprocess.run(  # noqa: S603 - the list is ours
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--window-size={PAGE[0]},{PAGE[1]}",
                f"--screenshot={shot}",
                (results / "report.html").resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        Image.open(shot).convert("RGB").save(IMAGES / "report.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("sentiment/demo")
    IMAGES.mkdir(exist_ok=True)
    annotated(chosen)
    report(chosen)
