"""The page that runs the networks in a browser, in a real one with a fake camera."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import av
import browser_demo
import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from browser_pages import CHROMIUM, PATIENCE
from sentistream.accumulation import is_sure
from sentistream.analyzer import Analyzer
from sentistream.export import export_networks
from sentistream.media.picture import RgbPicture
from sentistream.profiles import LITE
from sentistream.types import SENTIMENTS, Distribution, Label, Moment, UInt8Array

LOADING = 2 * PATIENCE
"""Timeout, seconds: a busy machine compiles the runtime slowly."""

PICTURES = 24

ANSWERS = 0.12
"""Tolerance of probabilities; see test_reference."""

RECORD = """
window.recorded = {sent: [], said: []};
window.Worker = class extends window.Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({data}) => { if ("face" in data) recorded.said.push(data); });
  }
  postMessage(data, transfer) {
    if (data.pixels && recorded.sent.length < PICTURES) {
      recorded.sent.push({...data, pixels: data.pixels.slice(0)});
    }
    super.postMessage(data, transfer);
  }
};
""".replace("PICTURES", str(PICTURES))

TAKE_PICTURE = """
async (at) => {
  const {pixels, width, height, time} = recorded.sent[at];
  const read = new FileReader();
  const url = new Promise((done) => { read.onload = () => done(read.result); });
  read.readAsDataURL(new Blob([pixels]));
  return {pixels: (await url).split(",")[1], width, height, time};
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The served page; skipped if npm cannot install its runtime."""
    folder = tmp_path_factory.mktemp("site") / "browser"
    try:
        browser_demo.build(folder)
    except browser_demo.MissingRuntimeError as problem:
        pytest.skip(f"needs onnxruntime-web from npm: {problem}")
    return folder


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def opened(url: str, camera: Path | None, **options: Any) -> Iterator[Page]:
    """The page in a Chromium whose camera plays a file; without a file the camera is denied."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    arguments += [f"--use-file-for-fake-video-capture={camera}"] if camera else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=arguments) as browser,
    ):
        context = browser.new_context(**options)
        if camera:
            context.grant_permissions(["camera"])
        context.add_init_script(RECORD)
        page = context.new_page()
        page.goto(url)
        yield page


def wait(page: Page, condition: str) -> None:
    """Wait until a JavaScript condition holds; the page's CSP forbids Playwright's own way."""
    end = time.monotonic() + LOADING
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)


def write_camera(path: Path, pictures: list[UInt8Array], rate: int = 10) -> Path:
    """Write RGB pictures as a file that Chromium's fake camera loops.

    Slower than recorded, so that faces move little between two pictures even on a busy machine.
    """
    height, width = pictures[0].shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            file.write(b"FRAME\n" + frame.to_ndarray().tobytes())
    return path


def camera_from(clip: Path, path: Path, seconds: float = 4.0) -> Path:
    """The beginning of a clip, at most 640 pixels wide and high."""
    pictures = []
    with av.open(str(clip)) as container:
        for frame in islice(container.decode(video=0), round(seconds * 25)):
            scale = min(1.0, 640 / max(frame.width, frame.height))
            width, height = (round(side * scale / 2) * 2 for side in (frame.width, frame.height))
            pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
            pictures.append(np.asarray(pixels, dtype=np.uint8))
    return write_camera(path, pictures)


@pytest.fixture(scope="module")
def drawn_camera(demonstration_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return camera_from(demonstration_clip, tmp_path_factory.mktemp("camera") / "drawn.y4m", 2.0)


@pytest.fixture(scope="module")
def empty_camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    background = np.tile(np.linspace(40, 200, 640, dtype=np.uint8)[:, None], (480, 1, 3))
    return write_camera(tmp_path_factory.mktemp("camera") / "empty.y4m", [background] * 10)


def test_page_agrees_with_the_product(site: Path, drawn_camera: Path) -> None:
    check_agreement(site, drawn_camera)


@pytest.mark.parametrize("clip", ["talking_590x590_25fps.mp4", "01-01-01-01-01-01-01.mp4"])
def test_page_agrees_with_the_product_on_real_people(
    site: Path, real_data: Path, tmp_path: Path, clip: str
) -> None:
    check_agreement(site, camera_from(real_data / "clips" / clip, tmp_path / "camera.y4m"))


def check_agreement(site: Path, camera: Path) -> None:
    """Both give the same answers, and the page makes no request to other hosts."""
    requests, complaints = list[str](), list[str]()
    with served(site) as url, opened("about:blank", camera) as page:
        page.context.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        page.click("#switch")
        wait(page, f"recorded.said.length >= {PICTURES}")
        readings = page.evaluate("recorded.said")[:PICTURES]
        sent = [page.evaluate(TAKE_PICTURE, at) for at in range(PICTURES)]
        label = page.inner_text("#label")
        shares = page.evaluate("[...document.querySelectorAll('.percent')].map(e => e.innerText)")
        assert page.inner_text("#hint") == ""
        assert page.locator("#problem").is_hidden()
    assert complaints == []
    assert any(address.endswith("models/detector.onnx") for address in requests)
    assert all(address.startswith((url, "data:", "blob:")) for address in requests), requests
    assert label in (*SENTIMENTS, "unknown")
    assert sum(int(share.removesuffix(" %")) for share in shares) == 100
    analyzer = Analyzer(LITE)
    differences, moved = list[float](), list[float]()
    for picture, answer in zip(sent, readings, strict=True):
        assert picture["time"] == answer["time"]
        shape = (picture["height"], picture["width"], 4)
        rgba = np.frombuffer(base64.b64decode(picture["pixels"]), np.uint8).reshape(shape)
        moment = Moment(answer["time"], RgbPicture(rgba[..., :3].copy()), answer["time"], None)
        (reading,) = analyzer.process(moment)
        assert reading.face is not None
        assert reading.smoothed is not None
        assert reading.momentary is not None
        found = answer["face"]
        box = reading.face.box
        size = max(box.width, box.height)
        edges = np.array((box.left, box.top, box.right, box.bottom))
        moved.append(float(np.abs(found["box"] - edges).max() / size))
        differences += [
            float(np.abs(np.array(found["now"]) - reading.momentary.as_tuple()).max()),
            float(np.abs(np.array(found["summed"]) - reading.smoothed.as_tuple()).max()),
        ]
        shown = Distribution.from_array(np.array(found["summed"]))
        sure = is_sure(shown.confidence, LITE)
        assert found["label"] == (shown.label if sure else Label.UNKNOWN)
    assert np.quantile(moved, 0.9) < 0.03
    # at the first picture, nothing is accumulated but the rounding of 8-bit convolutions
    assert moved[0] < 0.01
    assert differences[0] < 0.01
    assert np.quantile(differences, 0.9) < ANSWERS
    assert np.mean(differences) < ANSWERS / 4


def test_empty_scene_has_no_face(site: Path, empty_camera: Path) -> None:
    with served(site) as url, opened(url, empty_camera) as page:
        page.click("#switch")
        wait(page, "recorded.said.length >= 5")
        assert page.inner_text("#label") == "no face"
        assert page.inner_text("#hint").startswith("No face")
        assert page.evaluate("recorded.said.every((one) => one.face === null)")
        assert page.get_attribute("#positive", "aria-valuenow") == "0"


def test_keyboard_starts_and_stops_the_page(site: Path, drawn_camera: Path) -> None:
    with served(site) as url, opened(url, drawn_camera) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "switch"
        page.keyboard.press("Enter")
        wait(page, "recorded.said.length >= 3")
        assert page.inner_text("#switch") == "Stop the camera"
        page.keyboard.press("Enter")
        assert page.inner_text("#switch") == "Start the camera"
        assert page.evaluate("document.getElementById('video').srcObject") is None
        before = page.evaluate("recorded.said.length")
        page.keyboard.press("Space")
        wait(page, f"recorded.said.length > {before} + 2")


def test_denied_camera_is_reported(site: Path) -> None:
    with served(site) as url, opened(url, None) as page:
        page.click("#switch")
        page.wait_for_selector("#problem:not([hidden])")
        assert page.inner_text("#problem").startswith("The camera was refused. Allow it")
        assert page.inner_text("#switch") == "Start the camera"
        assert page.locator("#switch").is_enabled()


def test_missing_runtime_is_reported(site: Path, drawn_camera: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "page", ignore=shutil.ignore_patterns("vendor"))
    with served(tmp_path / "page") as url, opened(url, drawn_camera) as page:
        page.click("#switch")
        page.wait_for_selector("#problem:not([hidden])")
        assert page.inner_text("#problem").startswith("The networks cannot be run here")
        assert page.evaluate("document.getElementById('video').srcObject") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_page_is_accessible(
    site: Path, drawn_camera: Path, scheme: str, size: tuple[int, int]
) -> None:
    pytest.importorskip("axe_playwright_python")
    screen = {"width": size[0], "height": size[1]}
    options = {"viewport": screen, "color_scheme": scheme}
    with served(site) as url, opened(url, drawn_camera, **options) as page:
        page.click("#switch")
        wait(page, "recorded.said.length >= 3")
        page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert found["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_pipeline_matches_an_export(tmp_path: Path) -> None:
    export_networks(tmp_path / "lite", LITE)
    exported = json.loads((tmp_path / "lite" / "pipeline.json").read_text("utf-8"))
    written = json.loads((browser_demo.PAGE / "pipeline.json").read_text("utf-8"))
    assert written == exported, (
        "Run: sentistream export FOLDER, and copy its pipeline.json to docs/browser"
    )
    assert all(path.exists() for path in browser_demo.network_files())


def test_page_refers_to_no_other_host() -> None:
    for path in browser_demo.PAGE.glob("*.*"):
        assert not re.search(r"https?:/|[\"'(]//", path.read_text("utf-8")), path.name


def test_altered_runtime_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text(
        '#!/bin/sh\nfor last; do :; done\necho no > "$last/onnxruntime-web.tgz"\n', "utf-8"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(browser_demo, "VENDOR", tmp_path / "vendor")
    with pytest.raises(browser_demo.MissingRuntimeError, match="not the file it was"):
        browser_demo.fetch_runtime()
    assert not (tmp_path / "vendor").exists()
