"""Shared fixtures: real data (if available), a portrait, the demonstration clip, a browser."""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Test processes run side by side, and a thread of OpenMP (PyTorch, OpenBLAS) that waits for others
# spins: with more than one, training takes seven times the processor's time. Read at first import.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest
from PIL import Image

from sentistream.demo import make_clip
from sentistream.demo.portrait import original
from sentistream.errors import MissingExtraError
from sentistream.operating_system import lock_file
from sentistream.types import UInt8Array

# objects created by imports during collection stay: scanning them for garbage takes a tenth of the
# CPU time
gc.disable()

if TYPE_CHECKING:  # where only the core is tested it is not installed
    from playwright.sync_api import Browser

    from browser_pages import PageOpener

# how long an example takes depends on what else the machine does
hypothesis.settings.register_profile("sentistream", deadline=None)
hypothesis.settings.load_profile("sentistream")


LONGEST = (
    "training/test_preparation.py",
    "monitor/web/test_axe.py",
    "cli/test_archive_on_ray.py",
    "export/test_browser_demo.py",
    "cli/test_workers.py",
    "monitor/fleet/test_reporting.py",
    "monitor/end_to_end/test_program.py",
    "monitor/api/test_schema.py",
    "test_operating_system.py",
    "monitor/insight/test_insight_pages.py",
    "cli/test_analyze.py",
    "monitor/web/test_users_page.py",
    "monitor/web/test_live_page.py",
    "monitor/web/test_path_prefix.py",
    "monitor/privacy/test_no_egress.py",
    "monitor/web/test_page_layout.py",
    "benchmarking/test_benchmark_command.py",
    "monitor/web/test_page_details.py",
    "monitor/insight/test_figure_consistency.py",
    "monitor/end_to_end/test_in_a_browser.py",
    "monitor/end_to_end/test_quiet_hours.py",
    "test_notebooks.py",
    "monitor/cameras/test_preview_anonymity.py",
    "media/test_packet_skipping.py",
    "monitor/store/test_crash_safety.py",
    "vision/test_face_tracker.py",
    "networks/test_export.py",
    "monitor/fleet/test_shop_alerts.py",
    "monitor/cameras/test_camera_supervision.py",
    "streams/test_overload.py",
    "reports/test_report_in_browser.py",
    "training/test_clip_quantization.py",
    "training/test_fusion_task.py",
    "monitor/fleet/test_shops_pages.py",
    "monitor/web/test_translated_pages.py",
)
"""Test files of more than ten seconds, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files run first, so that no test process ends long after the others."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    assert all(path.exists() for path in places)
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """From here on garbage is collected, except among objects older than the first test."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A test that needs the extra ``paper`` is skipped where that is not installed."""
    return (yield from _skipped_without_paper())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The same for lazy imports in the test itself."""
    return (yield from _skipped_without_paper())


def _skipped_without_paper() -> Iterator[None]:
    try:
        return (yield)
    except (MissingExtraError, ModuleNotFoundError) as error:
        if importlib.util.find_spec("dlib") is None and re.search(r"dlib|\[paper\]", str(error)):
            pytest.skip(f"needs the extra 'paper': {error}")
        raise


@pytest.fixture(autouse=True)
def _level_of_the_root_logger() -> Iterator[None]:
    """Callers choose the log level: fail if a test leaves the root logger's level changed."""
    before = logging.getLogger().level
    yield
    after = logging.getLogger().level
    logging.getLogger().setLevel(before)
    assert after == before


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by SENTISTREAM_DATA; tests that need it are skipped without it."""
    folder = os.environ.get("SENTISTREAM_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set SENTISTREAM_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def portrait() -> UInt8Array:
    """Shape (512, 512, 3); one face about 108 pixels wide."""
    return np.asarray(original(), dtype=np.uint8)


@pytest.fixture(scope="session")
def portrait_luma(portrait: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(portrait).convert("L"))


@pytest.fixture(scope="session")
def demonstration_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic clip of ``sentistream demo``, 640 by 360 pixels, with sound.

    Rendering takes a while: of parallel test processes, one does it for all.
    """
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    path = shared / "demonstration.mp4"
    with path.with_suffix(".lock").open("w") as lock:
        lock_file(lock, wait=True)
        if not path.exists():
            drawn = tmp_path_factory.mktemp("demonstration") / "clip.mp4"
            make_clip(drawn, size=(640, 360))
            drawn.replace(path)
    return path


@pytest.fixture
def no_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live source drops nothing, however slow the machine."""
    monkeypatch.setattr("sentistream.media.live_source.QUEUE", 100_000)


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates that the extra ``parquet`` is not installed."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, driven by Playwright; skipped if not installed.

    It has a fake camera with a test picture. One per module: while Playwright runs, its thread
    has an event loop, so that other tests cannot call ``asyncio.run``.
    """
    from playwright.sync_api import sync_playwright

    from browser_pages import CHROMIUM

    if CHROMIUM is None:
        pytest.skip("needs Chromium")

    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *camera]
        ) as browser,
    ):
        yield browser


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[PageOpener]:
    """Opens pages and closes them at the end of the test."""
    from browser_pages import PageOpener

    opener = PageOpener(chromium)
    yield opener
    opener.close()
