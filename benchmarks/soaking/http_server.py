"""A camera that sends MPEG-TS over HTTP, a clip over and over in real time.

Usage: python -m benchmarks.soaking.http_server CLIP PORT

Prints ``ready`` when it accepts connections. A line ``garbage BYTES`` on its standard input
inserts that many random bytes into every client's stream.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
from av.packet import Packet


class _Sink:
    """The muxer's output file."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._rubbish = b""

    def spoil(self, rubbish: bytes) -> None:
        """Insert these bytes next."""
        self._rubbish = rubbish

    def write(self, data: bytes) -> int:
        rubbish, self._rubbish = self._rubbish, b""
        self._write(rubbish + bytes(data))
        return len(data)


def send(clip: Path, sink: _Sink) -> None:
    """Send the clip in a loop; returns when the client disconnects."""
    start, shift = time.monotonic(), 0.0
    with av.open(sink, "w", format="mpegts") as output:
        streams: dict[int, av.stream.Stream] = {}
        while True:
            with av.open(str(clip)) as container:
                if not streams:
                    for stream in container.streams:
                        streams[stream.index] = output.add_stream_from_template(stream)
                for packet in container.demux():
                    if packet.dts is None or packet.pts is None or packet.dts < 0:
                        continue
                    seconds = float(packet.dts * packet.time_base) + shift
                    time.sleep(max(0.0, start + seconds - time.monotonic()))
                    ticks = round(shift / packet.time_base)
                    copy = Packet(bytes(packet))
                    copy.time_base = packet.time_base
                    copy.pts, copy.dts = packet.pts + ticks, packet.dts + ticks
                    copy.is_keyframe = packet.is_keyframe
                    copy.stream = streams[packet.stream_index]
                    output.mux(copy)
                assert container.duration is not None
                shift += container.duration / av.time_base


def main() -> None:
    """Serve until killed."""
    clip, port = Path(sys.argv[1]), int(sys.argv[2])
    sinks: set[_Sink] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            sink = _Sink(self.wfile.write)
            sinks.add(sink)
            try:
                send(clip, sink)
            except (OSError, av.FFmpegError):
                pass
            finally:
                sinks.discard(sink)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            word, _, count = line.strip().partition(" ")
            if word == "garbage":
                for sink in list(sinks):
                    sink.spoil(os.urandom(int(count)))


if __name__ == "__main__":
    main()
