"""Simulated HTTP cameras with scripted behavior, and clips as they would send them."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import numpy as np
from av import AudioFrame, VideoFrame

from sentistream.types import UInt8Array
from synthetic_clips import FLASH, GREY, clicks, flat

RATE = 25
SOUND = 48_000

Write = Callable[[bytes], object]
Send = Callable[[Write], None]
"""Sends a camera's response body; the connection closes when it returns."""


class Server:
    """The address of the cameras, and the requests per path."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cameras: dict[str, Send] = {}
        self.requests: list[str] = []
        self.ending = threading.Event()

    def add(self, send: Send | bytes, *, name: str = "camera") -> str:
        """The address of a new camera that sends this."""
        self.cameras[f"/{name}"] = send if callable(send) else _whole(send)
        return f"{self.address}/{name}"

    def wait(self) -> None:
        """A camera that sends nothing until the test ends."""
        self.ending.wait(60)


@contextmanager
def serve() -> Iterator[Server]:
    """A local server of simulated cameras."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append(self.path)
            send = server.cameras.get(self.path)
            if send is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(OSError):  # the client has disconnected
                send(self.wfile.write)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        server = Server(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.ending.set()
        listening.shutdown()


def _whole(data: bytes) -> Send:
    def send(write: Write) -> None:
        write(data)

    return send


def paced(data: bytes, seconds: float) -> Send:
    """Send these bytes evenly over that many seconds."""

    def send(write: Write) -> None:
        started, pieces = time.monotonic(), 50
        size = -(-len(data) // pieces)
        for number in range(pieces):
            time.sleep(max(0.0, started + number * seconds / pieces - time.monotonic()))
            write(data[number * size : (number + 1) * size])

    return send


def stream(
    seconds: float,
    *,
    start: float = 0.0,
    flashes: Sequence[float] = (),
    size: tuple[int, int] = (64, 48),
    pictures: bool = True,
    sound: bool = True,
    sound_from: float = 0.0,
    sound_to: float = float("inf"),
    form: str = "mpegts",
) -> bytes:
    """A stream's bytes; ``flashes`` are bright pictures with a click, seconds from its start.

    Args:
        start: The timestamp at which it begins, seconds.
    """
    buffer = io.BytesIO()
    options = {"mpegts_copyts": "1"} if form == "mpegts" else {}
    with av.open(buffer, "w", format=form, options=options) as output:
        packets: list[Any] = []
        if pictures:
            video: Any = output.add_stream("libx264", rate=RATE, options={"bf": "0"})
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
            video.codec_context.gop_size = 5
        if sound:
            audio: Any = output.add_stream("aac", rate=SOUND, layout="mono")
        if pictures:
            for number in range(round(seconds * RATE)):
                time = number / RATE
                bright = any(abs(time - flash) < 0.5 / RATE for flash in flashes)
                frame = VideoFrame.from_ndarray(_picture(bright, size), format="rgb24")
                frame.pts, frame.time_base = round((start + time) * 1000), Fraction(1, 1000)
                packets += video.encode(frame)
            packets += video.encode(None)
        if sound:
            samples = clicks(seconds, SOUND, flashes)
            for first in range(0, len(samples) - 1024, 1024):
                if not sound_from <= first / SOUND < sound_to:
                    continue
                sound_frame = AudioFrame.from_ndarray(
                    samples[None, first : first + 1024], format="fltp", layout="mono"
                )
                sound_frame.sample_rate, sound_frame.time_base = SOUND, Fraction(1, SOUND)
                sound_frame.pts = round(start * SOUND) + first
                packets += audio.encode(sound_frame)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return buffer.getvalue()


def jpegs(seconds: float, rate: float) -> Send:
    """A camera that sends JPEGs one after the other, as many do over HTTP."""

    def send(write: Write) -> None:
        started = time.monotonic()
        for number in range(round(seconds * rate)):
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
            bright = number / rate % 1 < 0.5
            context: Any = av.CodecContext.create("mjpeg", "w")
            context.width, context.height = 64, 48
            context.pix_fmt, context.time_base = "yuvj420p", Fraction(1, 25)
            frame = VideoFrame.from_ndarray(_picture(bright, (64, 48)), format="rgb24")
            data = b"".join(
                bytes(packet)
                for part in (frame.reformat(format="yuvj420p"), None)
                for packet in context.encode(part)
            )
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            write(head.encode() + data + b"\r\n")

    return send


def _picture(bright: bool, size: tuple[int, int]) -> UInt8Array:
    return np.ascontiguousarray(flat(FLASH if bright else GREY, *size))
