"""A reverse proxy that serves the monitor below a path prefix."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api.served_monitor import ServedMonitor, settings

PREFIX = "/rooms/mood"


class Proxy(socketserver.ThreadingTCPServer):
    """Forwards requests below ``PREFIX``, with or without it; other paths are another site's."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *, strips: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handing)
        self.strips = strips
        self.behind = 0
        self.foreign_requests: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handing(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            some = self.request.recv(65_536)
            if not some:
                return
            head += some
        head, _, body = head.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        method, path, version = line.split(b" ")
        if path != PREFIX.encode() and not path.startswith(f"{PREFIX}/".encode()):
            self.server.foreign_requests.append(path.decode())
            self.request.sendall(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        if self.server.strips:
            path = path[len(PREFIX) :] or b"/"
        if not any(field.lower().startswith(b"upgrade:") for field in fields):
            # one request per connection, so that every head is seen
            fields = [one for one in fields if not one.lower().startswith(b"connection:")]
            fields.append(b"Connection: close")
        sent = b"\r\n".join([b" ".join([method, path, version]), *fields]) + b"\r\n\r\n" + body
        with socket.create_connection(("127.0.0.1", self.server.behind)) as behind:
            behind.sendall(sent)
            back = threading.Thread(target=_pour, args=(behind, self.request), daemon=True)
            back.start()
            _pour(self.request, behind)
            back.join()


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65_536):
            target.sendall(some)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(folder: Path, *, strips: bool) -> Iterator[tuple[Proxy, ServedMonitor]]:
    """A monitor behind the proxy."""
    with Proxy(strips=strips) as proxy:
        custom_settings = settings(server={"public_url": f"{proxy.url}{PREFIX}/"})
        with ServedMonitor(folder, custom_settings) as served:
            proxy.behind = served.port
            serving = threading.Thread(target=proxy.serve_forever, daemon=True)
            serving.start()
            try:
                yield proxy, served
            finally:
                proxy.shutdown()
                serving.join()
