"""A local web server that misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Misbehaviour:
    """How the server treats requests for files.

    Attributes:
        ranges: Whether it supports range requests.
        breaks_after: Connections break after this many bytes, ``breaks`` times.
        status: Returned ``refusals`` times.
    """

    ranges: bool = True
    breaks_after: int = 0
    breaks: int = 0
    status: int = 503
    refusals: int = 0
    redirect: str = ""


@dataclass
class WebServer:
    """Serves ``files`` and JSON ``answers`` by path; records requests and their ranges."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Callable[[bytes], object]] = field(default_factory=dict)
    how: Misbehaviour = field(default_factory=Misbehaviour)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Log nothing."""

            def do_GET(self) -> None:
                outer.answer(self, b"")

            def do_POST(self) -> None:
                outer.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        how, path = self.how, handler.path
        requested = handler.headers.get("Range", "")
        self.requests.append((path, requested))
        if path in self.answers:
            self._send(handler, 200, json.dumps(self.answers[path](body)).encode())
        elif path not in self.files:
            self._send(handler, 404, b"no")
        elif how.redirect:
            handler.send_response(302)
            handler.send_header("Location", how.redirect)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif how.refusals:
            how.refusals -= 1
            self._send(handler, how.status, b"busy")
        else:
            content, status = self.files[path], 200
            if requested and how.ranges:
                content, status = content[int(requested.removeprefix("bytes=").rstrip("-")) :], 206
            self._send(handler, status, content)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if status in (200, 206) and self.how.breaks and len(content) > self.how.breaks_after:
            self.how.breaks -= 1
            handler.wfile.write(content[: self.how.breaks_after])
            handler.close_connection = True
            return
        handler.wfile.write(content)
