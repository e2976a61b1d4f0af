"""Cameras by device path, local cameras without a proxy, and the actual cause of failures."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

pytest.importorskip("pydantic_settings", reason="needs the extra 'monitor'")


from sentistream.cli.inputs import find_clips
from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.source_address import is_local
from sentistream.monitor.cameras.capture import is_recording


@pytest.fixture
def requests_server() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and the paths requested from it."""
    paths: list[str] = []
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "JPEG")
    contents = {
        "/snapshot.jpg": picture.getvalue(),
        "/live.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:1/a.ts\n",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            content = contents.get(self.path.partition("?")[0], b"hello")
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", paths
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/dev/video97", "/dev/v4l/by-id/usb-Nobody_Camera-index0"])
def test_camera_is_opened_by_its_device_path(path: str) -> None:
    with pytest.raises(InputError, match=f"There is no camera {path}"):
        open_source(path, tick=0.1, sound_window=0.1)
    (found,), several = find_clips([path])
    assert (found.source, several) == (path, False)
    assert not is_recording(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/snapshot.jpg?size=1", "single picture"), ("/live.m3u8", "a playlist"), ("/x", "cannot be")],
)
def test_actual_reason_is_reported(
    requests_server: tuple[str, list[str]], path: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        open_source(requests_server[0] + path, tick=0.1, sound_window=0.1)
    assert refused.value.way_out


def test_local_camera_bypasses_the_proxy(
    requests_server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(InputError, match="cannot be"):
        open_source(f"{requests_server[0]}/camera", tick=0.1, sound_window=0.1)
    assert requests_server[1][:1] == ["/camera"]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("192.168.1.20", True),
        ("10.0.0.4", True),
        ("[fe80::1]", True),
        ("[fd00::7]", True),
        ("camera", True),
        ("camera.local", True),
        ("door.fritz.box", True),
        ("8.8.8.8", False),
        ("stream.example.org", False),
        ("", False),
    ],
)
def test_local_hosts_are_recognized(host: str, local: bool) -> None:
    assert is_local(host) is local
