"""A fake ONVIF camera on loopback: answers probes, and gives its stream to known clients."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENVELOPE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:t="http://www.onvif.org/ver10/schema" xmlns:m="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
    'xmlns:v="http://www.onvif.org/ver10/device/wsdl"><s:Body>{}</s:Body></s:Envelope>'
)


class OnvifCamera:
    """One camera.

    Args:
        user, password: Credentials for its stream.
        stream: The address that it returns.
        scopes: Its WS-Discovery scopes.
        skew: Seconds its clock is ahead.
        by_http: Whether it accepts HTTP Digest authentication only.

    Attributes:
        probes: Number of probes it has answered.
        requests: Bodies of the requests.
    """

    def __init__(
        self,
        *,
        user: str = "owner",
        password: str = "p&ss wörd",  # noqa: S107
        stream: str = "rtsp://192.0.2.7:8554/live?x=1",
        scopes: str = "onvif://www.onvif.org/name/Shop_Cam onvif://www.onvif.org/hardware/DS-2CD",
        skew: float = 0.0,
        by_http: bool = False,
    ) -> None:
        self.user, self.password, self.stream, self.scopes = user, password, stream, scopes
        self.skew, self.by_http = timedelta(seconds=skew), by_http
        self.probes = 0
        self.requests: list[str] = []
        self.answers: dict[str, str] = {}
        """Answers that replace its own, by operation."""
        self.profiles = [("sub", 640, 360), ("main", 1920, 1080)]
        """Names, widths and heights of its profiles."""
        self.foreign_host = ""
        """The host that its answers to probes claim."""

    @contextmanager
    def running(self) -> Iterator[OnvifCamera]:
        """Serve on ``port`` (TCP) and ``probe_port`` (UDP)."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, answer, headers = camera.answer(body, self.headers.get("authorization", ""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        self.probe_port = listening.getsockname()[1]
        ended = threading.Event()
        threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._answer_probes, args=(listening, ended), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            ended.set()
            server.shutdown()
            server.server_close()
            for thread in threads:
                thread.join(5)
            listening.close()

    def _answer_probes(self, listening: socket.socket, ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                probe, sender = listening.recvfrom(65_535)
            except TimeoutError:
                continue
            if b"NetworkVideoTransmitter" not in probe:
                continue
            self.probes += 1
            host = self.foreign_host or "127.0.0.1"
            match = (
                f"<d:ProbeMatches><d:ProbeMatch><d:Scopes>{self.scopes}</d:Scopes><d:XAddrs>"
                f"http://{host}:{self.port}/onvif/device_service</d:XAddrs>"
                "</d:ProbeMatch></d:ProbeMatches>"
            )
            answer = self.answers.get("Probe", ENVELOPE.format(match))
            listening.sendto(answer.encode(), sender)

    def answer(self, body: str, authorization: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers."""
        self.requests.append(body)
        operation = next(
            name
            for name in (
                "GetSystemDateAndTime",
                "GetCapabilities",
                "GetProfiles",
                "GetStreamUri",
            )
            if name in body
        )
        if operation in self.answers:
            return 200, self.answers[operation], {}
        if operation == "GetSystemDateAndTime":
            now = datetime.now(UTC) + self.skew
            return (
                200,
                ENVELOPE.format(
                    "<v:GetSystemDateAndTimeResponse><t:UTCDateTime><t:Time>"
                    f"<t:Hour>{now.hour}</t:Hour><t:Minute>{now.minute}</t:Minute>"
                    f"<t:Second>{now.second}</t:Second></t:Time><t:Date><t:Year>{now.year}</t:Year>"
                    f"<t:Month>{now.month}</t:Month><t:Day>{now.day}</t:Day></t:Date>"
                    "</t:UTCDateTime></v:GetSystemDateAndTimeResponse>"
                ),
                {},
            )
        if self.by_http and not self._is_digest_authenticated(authorization):
            return 401, "", {"www-authenticate": 'Digest realm="cam", nonce="abc", qop="auth"'}
        if not self.by_http and self.user and not self._is_authenticated(body):
            fault = "<s:Fault><s:Reason><s:Text>Sender not authorized</s:Text></s:Reason></s:Fault>"
            return 400, ENVELOPE.format(fault), {}
        if operation == "GetCapabilities":
            # it reports another host, as behind a router
            media = f"http://192.0.2.7:{self.port}/onvif/media"
            inner = f"<t:Media><t:XAddr>{media}</t:XAddr></t:Media>"
        elif operation == "GetProfiles":
            inner = "".join(
                f'<m:Profiles token="{token}"><t:VideoEncoderConfiguration><t:Resolution>'
                f"<t:Width>{width}</t:Width><t:Height>{height}</t:Height></t:Resolution>"
                "</t:VideoEncoderConfiguration></m:Profiles>"
                for token, width, height in self.profiles
            )
        else:
            token = re.search("<ProfileToken>(.*?)</ProfileToken>", body)
            assert token is not None
            stream = self.stream if token[1] == "main" else f"{self.stream}&p={token[1]}"
            inner = f"<t:Uri>{stream.replace('&', '&amp;')}</t:Uri>"
        return 200, ENVELOPE.format(inner), {}

    def _is_authenticated(self, body: str) -> bool:
        """By WS-Security: a digest of nonce, time and password, dated by the camera's clock."""
        found = re.search(
            r"<s:Username>(.*?)</s:Username>.*?PasswordDigest\">(.*?)</s:Password>"
            r"<s:Nonce>(.*?)</s:Nonce><u:Created>(.*?)</u:Created>",
            body,
            re.DOTALL,
        )
        if found is None:
            return False
        user, digest, nonce, created = found.groups()
        expected_digest = hashlib.sha1(  # noqa: S324
            base64.b64decode(nonce) + created.encode() + self.password.encode()
        ).digest()
        age = datetime.now(UTC) + self.skew - datetime.fromisoformat(created)
        return (
            user == self.user
            and base64.b64encode(expected_digest).decode() == digest
            and abs(age) < timedelta(seconds=30)
        )

    def _is_digest_authenticated(self, authorization: str) -> bool:
        """By HTTP Digest (RFC 7616)."""
        values = dict(re.findall(r'(\w+)="?([^",]+)"?', authorization))
        if values.get("username") != self.user:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()  # noqa: S324

        secret = md5(f"{self.user}:cam:{self.password}")
        about = md5(f"POST:{values['uri']}")
        expected = md5(
            f"{secret}:{values['nonce']}:{values['nc']}:{values['cnonce']}:{values['qop']}:{about}"
        )
        return bool(values["response"] == expected)
