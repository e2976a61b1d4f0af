"""The container's health check, run as a container runs it."""

from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / "deploy" / "health.py"


def code(port: int) -> int:
    return subprocess.run(  # noqa: S603
        [sys.executable, str(CHECK), str(port)], check=False, timeout=30
    ).returncode


@contextmanager
def answering(status: int, certificate: Path | None = None) -> Iterator[int]:
    """The server's port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1)])
def test_health_check_reports_whether_the_monitor_answers(status: int, expected: int) -> None:
    with answering(status) as port:
        assert code(port) == expected


def test_unreachable_monitor_is_unhealthy() -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        assert code(taken.getsockname()[1]) == 1


def test_unresponsive_monitor_is_unhealthy() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert code(silent.getsockname()[1]) == 1


def test_self_signed_tls_is_accepted(tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs openssl")
    both = tmp_path / "both.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(  # noqa: S603
        [program, *made, "-keyout", str(both), "-out", str(tmp_path / "c"), "-subj", "/CN=shop"],
        check=True,
        capture_output=True,
    )
    both.write_text(both.read_text() + (tmp_path / "c").read_text())
    with answering(200, both) as port:
        assert code(port) == 0
