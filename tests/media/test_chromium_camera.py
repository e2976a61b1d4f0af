"""A visitor's camera from a real browser: Chromium with its fake camera and microphone."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiortc")

from sentistream.media import browser_source
from sentistream.media.browser_source import BrowserSource

PAGE = b"""<!doctype html><title>camera</title><script>
(async () => {
  try {
    const media = await navigator.mediaDevices.getUserMedia(
      {video: {width: 640, height: 480}, audio: true});
    const peer = new RTCPeerConnection();
    media.getTracks().forEach(track => peer.addTrack(track, media));
    await peer.setLocalDescription(await peer.createOffer());
    if (peer.iceGatheringState !== "complete")
      await new Promise(done => peer.onicegatheringstatechange =
        () => peer.iceGatheringState === "complete" && done());
    const answer = await fetch("/offer", {method: "POST", body: peer.localDescription.sdp});
    await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
  } catch (error) { await fetch("/failed", {method: "POST", body: String(error)}); }
})();
</script>"""


@pytest.fixture
def sources() -> Iterator[tuple[str, queue.Queue[BrowserSource | str]]]:
    """A page that sends its offer, its address, and the sources made from offers."""
    came: queue.Queue[BrowserSource | str] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(PAGE, "text/html")

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/failed":
                came.put(text)
                self._answer(b"", "text/plain")
                return
            source = BrowserSource(text, tick=0.03, sound_window=0.24)
            self._answer(source.answer.encode(), "application/sdp")
            came.put(source)

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()


def test_chromium_sends_synchronized_moments(
    sources: tuple[str, queue.Queue[BrowserSource | str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browser_source, "SILENCE", 2.0)
    monkeypatch.setattr(browser_source, "QUEUE", 100_000)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    address, came = sources
    process = subprocess.Popen(  # noqa: S603 - the list is ours
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--user-data-dir={tmp_path}",
            "--remote-debugging-port=0",
            address,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        source = came.get(timeout=60)
        assert isinstance(source, BrowserSource), source
        with source:
            beeps, times, levels = 0, [], []
            for moment in source:
                times.append(moment.time)
                levels.append(moment.picture.luma.mean())
                beeps += moment.sound is not None and np.abs(moment.sound).max() > 0.05
                if moment.time > 4:
                    break
            assert source.info.width / source.info.height == pytest.approx(4 / 3, abs=0.01)
            assert np.allclose(np.diff(times), 0.03)
            assert np.mean(levels) > 20
            assert beeps  # Chromium's fake microphone beeps once a second
            process.kill()
            start = time.monotonic()
            list(source)
            assert time.monotonic() - start < 20
    finally:
        process.kill()
        process.wait()
