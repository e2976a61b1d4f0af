"""Serves the labelling page to this machine alone.

The standard library's server is enough for one person and five addresses. It listens on
127.0.0.1, answers only below a random token, and only if the ``Host`` header names this machine,
so that no other page in the browser can reach it through a host name of its own.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

from sentistream.errors import OutputError
from sentistream.training.labelling.label_file import LabelFile

LONGEST_BODY = 1_000
"""Largest size of a request, bytes."""
IDLE_SECONDS = 60
"""Time after which an idle connection is closed."""
_STATIC = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}


class LabelServer(ThreadingHTTPServer):
    """Serves the page of a label file at ``url``.

    Args:
        labels: The label file.
        port: 0 for any free one.

    Raises:
        OSError: The port is in use.
    """

    daemon_threads = True

    def __init__(self, labels: LabelFile, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.labels = labels
        self.token: str = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Logs nothing."""

    def do_GET(self) -> None:
        rest = self._below_token()
        if rest is None:
            return
        if rest in _STATIC:
            name = _STATIC[rest]
            content = (files("sentistream.training.labelling") / "page" / name).read_bytes()
            self._send(HTTPStatus.OK, content, _TYPES[name.rpartition(".")[2]])
        elif rest == "state":
            entries = [asdict(entry) for entry in self.server.labels.entries]
            self._send_json(HTTPStatus.OK, {"entries": entries})
        elif rest.startswith("view/") and rest[5:].isdecimal():
            self._send_view(int(rest[5:]))
        else:
            self._send_json(HTTPStatus.NOT_FOUND, {"problem": "There is no such page."})

    def do_POST(self) -> None:
        rest = self._below_token()
        if rest is None:
            return
        length = self.headers.get("Content-Length", "")
        is_json = self.headers.get_content_type() == "application/json"
        if rest != "decide" or not is_json or not length.isdecimal():
            self._refuse(HTTPStatus.BAD_REQUEST, "That is not a decision.")
            return
        if int(length) > LONGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too long.")
            return
        try:
            decision = json.loads(self.rfile.read(int(length)))
            self.server.labels.decide(int(decision["number"]), str(decision["decision"]))
        except (ValueError, KeyError, TypeError):
            self._send_json(HTTPStatus.BAD_REQUEST, {"problem": "That is not a decision."})
        except OutputError as error:
            self._send_json(HTTPStatus.INSUFFICIENT_STORAGE, {"problem": str(error)})
        else:
            self._send_json(HTTPStatus.OK, {"saved": True})

    def _below_token(self) -> str | None:
        """The path below the token; None if the request was refused."""
        port = self.server.server_port
        host = self.headers.get("Host", "")
        token, _, rest = self.path.removeprefix("/").partition("/")
        if host not in (f"127.0.0.1:{port}", f"localhost:{port}") or not secrets.compare_digest(
            token.encode(), self.server.token.encode()
        ):
            self._refuse(HTTPStatus.FORBIDDEN, "Use the address that the program printed.")
            return None
        return rest

    def _refuse(self, status: HTTPStatus, problem: str) -> None:
        # the body was not read, so the connection cannot be used again
        self.close_connection = True
        self._send_json(status, {"problem": problem})

    def _send_view(self, number: int) -> None:
        entries = self.server.labels.entries
        try:
            content = (self.server.labels.folder / entries[number].view).read_bytes()
        except (OSError, IndexError):
            self._send_json(HTTPStatus.NOT_FOUND, {"problem": "There is no such picture."})
            return
        # each run has its own token, and so its own addresses
        self._send(HTTPStatus.OK, content, "image/png", keep="private, max-age=86400")

    def _send_json(self, status: HTTPStatus, content: object) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str, keep: str = "no-store") -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Cache-Control", keep),
            (
                "Content-Security-Policy",
                "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
            ),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
