"""Finds network cameras and their streams by ONVIF.

``discover`` sends one WS-Discovery probe to the local network (WS-Discovery 1.0, section 5.3, as
profiled by the ONVIF Core Specification, section 7) and collects the responses. ``find_streams``
queries one camera for its streams (ONVIF Media Service, GetProfiles and GetStreamUri), with the
required user and password (WS-Security UsernameToken Profile 1.0, and HTTP Digest).

It does not use a library, since those bring a whole, hardly maintained SOAP stack, and since
responses are not trusted: their size is limited, document types are rejected (SOAP 1.2 forbids
them), and a camera cannot make this machine connect to any host but its own.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx

from sentistream.errors import InputError
from sentistream.translatable import Translatable

MULTICAST = ("239.255.255.250", 3702)
"""Where WS-Discovery listens (section 2.4)."""

MAX_ANSWER = 262_144
"""Most bytes of a response; cameras send a few thousand."""

MAX_CAMERAS = 64
"""Most cameras that are listed."""

_TIMEOUT = 6.0
_DATAGRAM = 65_535
_SCOPE = "onvif://www.onvif.org/"

_PROBE = """<?xml version="1.0" encoding="UTF-8"?>\
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" \
xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" \
xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" \
xmlns:n="http://www.onvif.org/ver10/network/wsdl"><e:Header>\
<w:MessageID>uuid:{id}</w:MessageID>\
<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>\
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>\
<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""

_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>\
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope">{header}<e:Body>{body}</e:Body>\
</e:Envelope>"""

_SECURITY = """<e:Header><s:Security \
xmlns:s="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" \
xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" \
e:mustUnderstand="1"><s:UsernameToken><s:Username>{user}</s:Username>\
<s:Password Type="http://docs.oasis-open.org/wss/2004/01/\
oasis-200401-wss-username-token-profile-1.0#PasswordDigest">{digest}</s:Password>\
<s:Nonce>{nonce}</s:Nonce><u:Created>{created}</u:Created></s:UsernameToken></s:Security>\
</e:Header>"""

_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA = "http://www.onvif.org/ver10/media/wsdl"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCamera:
    """A camera that responded to a probe.

    Attributes:
        host: Its address.
        name: Its own name; empty if it does not say.
        hardware: Its model; empty if it does not say.
        service: The address of its ONVIF device service.
    """

    host: str
    name: str
    hardware: str
    service: str


def discover(
    *, seconds: float = 2.5, target: tuple[str, int] = MULTICAST, copies: int = 2
) -> list[FoundCamera]:
    """Cameras of the local network that respond to a WS-Discovery probe, by address.

    Args:
        seconds: How long to wait for responses.
        target: Where the probe is sent.
        copies: How often it is sent, since datagrams may be lost.

    Raises:
        InputError: There is no network to send it to.
    """
    probe = _PROBE.format(id=uuid.uuid4()).encode()
    found: dict[str, FoundCamera] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
        probe_socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # this network only
        try:
            for _ in range(copies):
                probe_socket.sendto(probe, target)
        except OSError:
            raise InputError(
                "No network was found to look for cameras on.",
                "See whether this machine is connected, or enter the camera's address.",
            ) from None
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and len(found) < MAX_CAMERAS:
            probe_socket.settimeout(left)
            with suppress(OSError):
                answer, (sender, _) = probe_socket.recvfrom(_DATAGRAM)
                for camera in _matches(answer, sender):
                    found.setdefault(camera.host, camera)
    return sorted(found.values(), key=lambda camera: socket.inet_aton(camera.host))


def _matches(answer: bytes, sender: str) -> Iterator[FoundCamera]:
    """The cameras of one response; an address other than the sender's is ignored."""
    root = _parsed(answer)
    if root is None:
        return
    for match in root.iter():
        if _bare(match.tag) != "ProbeMatch":
            continue
        scopes = _texts(match, "Scopes")
        services = [
            each
            for each in _texts(match, "XAddrs")
            if each.startswith(("http://", "https://")) and _host(each) == sender
        ]
        if services:
            yield FoundCamera(
                host=sender,
                name=_scope(scopes, "name"),
                hardware=_scope(scopes, "hardware"),
                service=services[0][:300],
            )


def _scope(scopes: list[str], kind: str) -> str:
    start = f"{_SCOPE}{kind}/"
    found = next((each.removeprefix(start) for each in scopes if each.startswith(start)), "")
    plain = "".join(each for each in unquote(found).replace("_", " ") if each.isprintable())
    return plain.strip()[:60]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStreams:
    """Addresses of a camera's streams, with user and password: sources for the settings.

    Attributes:
        main: The one with the largest pictures.
        small: A smaller one; empty if there is none. Of several, the smallest that is large
            enough, else the largest.
        small_is_enough: Whether its pictures have at least the required rows and columns.
    """

    main: str
    small: str = ""
    small_is_enough: bool = False


def find_streams(
    host: str, user: str, password: str, *, service: str = "", enough: int = 720
) -> CameraStreams:
    """Queries a camera for its streams.

    Args:
        host: The camera's address, with a port if its ONVIF service has another than 80.
        user, password: The camera's login.
        service: The address of its device service, if known from a probe.
        enough: Rows and columns that pictures of a smaller stream should have.

    Raises:
        InputError: It does not respond, rejects the password, or does not support ONVIF.
    """
    with httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=False) as client:  # noqa: S501
        camera = _Camera(client, host, service, user, password)
        main, small, small_is_enough = camera.streams(enough)
    return CameraStreams(
        main=_with_login(main, camera.bare_host, user, password),
        small=_with_login(small, camera.bare_host, user, password) if small else "",
        small_is_enough=small_is_enough,
    )


def _with_login(uri: str, bare_host: str, user: str, password: str) -> str:
    parts = urlsplit(uri)
    login = quote(user, safe="")
    if password:
        login += ":" + quote(password, safe="")
    # requests go to the host where the camera was found, whatever address it gives
    netloc = f"{login}@" * bool(user) + bare_host
    if parts.port:
        netloc += f":{parts.port}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))


class _Camera:
    """A camera's ONVIF services.

    Attributes:
        bare_host: Its address without a port.
    """

    def __init__(
        self, client: httpx.Client, host: str, service: str, user: str, password: str
    ) -> None:
        split = urlsplit(f"//{host}")
        self.bare_host = host if split.hostname is None else split.hostname
        if ":" in self.bare_host:
            self.bare_host = f"[{self.bare_host}]"
        self._client = client
        self._user, self._password = user, password
        self._skew = timedelta()
        self._device = service or f"http://{host}/onvif/device_service"

    def streams(self, enough: int) -> tuple[str, str, bool]:
        """The largest stream, a smaller one (or nothing), and whether that is large enough."""
        self._learn_clock()
        capabilities = self._ask(
            self._device,
            f'<GetCapabilities xmlns="{_DEVICE}"><Category>Media</Category></GetCapabilities>',
        )
        media = self._device
        for each in capabilities.iter():
            if _bare(each.tag) == "Media":
                media = self._own(next(iter(_texts(each, "XAddr")), media))
        profiles = self._ask(media, f'<GetProfiles xmlns="{_MEDIA}"/>')
        sizes = {
            each.get("token", ""): _size(each)
            for each in profiles.iter()
            if _bare(each.tag) == "Profiles"
        }
        if not sizes:
            raise self._refused(Translatable("It names no stream."))
        token = max(sizes, key=lambda each: math.prod(sizes[each]))
        smaller = [each for each in sizes if 0 < math.prod(sizes[each]) < math.prod(sizes[token])]
        smaller.sort(key=lambda each: math.prod(sizes[each]))
        large_enough = [each for each in smaller if min(sizes[each]) >= enough]
        chosen = large_enough[0] if large_enough else smaller[-1] if smaller else None
        small = ""
        if chosen is not None:
            with suppress(InputError):
                small = self._uri(media, chosen)
        return self._uri(media, token), small, bool(large_enough)

    def _uri(self, media: str, token: str) -> str:
        """The address of a profile's stream, as given by the camera."""
        answer = self._ask(
            media,
            f'<GetStreamUri xmlns="{_MEDIA}"><StreamSetup>'
            '<Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>'
            '<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol>'
            f"</Transport></StreamSetup><ProfileToken>{escape(token)}</ProfileToken>"
            "</GetStreamUri>",
        )
        for uri in _texts(answer, "Uri"):
            if uri.lower().startswith(("rtsp://", "rtsps://")):
                return uri
        raise self._refused(Translatable("It names no stream."))

    def _learn_clock(self) -> None:
        """The camera's clock: it rejects passwords dated by another clock."""
        answer = self._ask(
            self._device, f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>', with_login=False
        )
        for each in answer.iter():
            if _bare(each.tag) != "UTCDateTime":
                continue
            values = {
                _bare(part.tag): int(part.text)
                for part in each.iter()
                if part.text and part.text.strip().isdecimal()
            }
            with suppress(KeyError, ValueError):
                names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
                its = datetime(*(values[name] for name in names), tzinfo=UTC)  # type: ignore[misc,arg-type]
                self._skew = its - datetime.now(UTC)

    def _ask(self, address: str, body: str, *, with_login: bool = True) -> ElementTree.Element:
        header = self._security() if with_login and self._user else ""
        content = _ENVELOPE.format(header=header, body=body).encode()
        status, answer = self._post(address, content, None)
        if status == 401 and with_login and self._user:
            # others require HTTP authentication
            login = httpx.DigestAuth(self._user, self._password)
            status, answer = self._post(address, content, login)
        root = _parsed(answer)
        faults = "" if root is None else " ".join(each.text or "" for each in root.iter())
        if status in (401, 403) or re.search(r"(?i)not\s?authorized|sender not auth", faults):
            raise InputError(
                Translatable("{name} refuses the user or the password.", name=self.bare_host),
                "Many cameras need a separate user for ONVIF; see the camera's settings.",
            )
        if root is None or status >= 400:
            raise self._refused(Translatable("It does not speak ONVIF there."))
        return root

    def _post(self, address: str, content: bytes, auth: httpx.Auth | None) -> tuple[int, bytes]:
        kind = {"content-type": "application/soap+xml; charset=utf-8"}
        try:
            with self._client.stream(
                "POST", address, content=content, headers=kind, auth=auth
            ) as answer:
                read = b""
                for block in answer.iter_bytes():
                    read += block
                    if len(read) > MAX_ANSWER:
                        raise self._refused(Translatable("Its answer is too long."))
                return answer.status_code, read
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            failure = self._refused(Translatable("It does not answer."))
        raise failure

    def _security(self) -> str:
        nonce = secrets.token_bytes(16)
        created = f"{datetime.now(UTC) + self._skew:%Y-%m-%dT%H:%M:%SZ}"
        # the profile prescribes SHA-1 (UsernameToken Profile 1.0, section 3.1)
        digest = hashlib.sha1(  # noqa: S324
            nonce + created.encode() + self._password.encode()
        ).digest()
        return _SECURITY.format(
            user=escape(self._user),
            digest=base64.b64encode(digest).decode(),
            nonce=base64.b64encode(nonce).decode(),
            created=created,
        )

    def _own(self, address: str) -> str:
        """An address given by the camera, moved to the host where it was found."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            return self._device
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, self.bare_host + port, parts.path, parts.query, ""))

    def _refused(self, reason: Translatable) -> InputError:
        return InputError(
            Translatable(
                "{name} cannot be queried for its stream. {reason}",
                name=self.bare_host,
                reason=reason,
            ),
            "Check the address and whether ONVIF is on in the camera, or choose its maker instead.",
        )


def _size(profile: ElementTree.Element) -> tuple[int, int]:
    """Width and height of a profile's pictures; zeros where it does not say."""
    for each in profile.iter():
        if _bare(each.tag) == "VideoEncoderConfiguration":
            width, height = (next(iter(_texts(each, name)), "0") for name in ("Width", "Height"))
            return (int(width), int(height)) if (width + height).isdecimal() else (0, 0)
    return 0, 0


def _parsed(text: bytes) -> ElementTree.Element | None:
    """A parsed response, else None. SOAP has no document types, so nothing is expanded."""
    if len(text) > MAX_ANSWER or b"<!" in text.replace(b"<!--", b""):
        return None
    try:
        return ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        return None


def _texts(element: ElementTree.Element, name: str) -> list[str]:
    """The words in all elements of that name within an element."""
    return [
        word
        for each in element.iter()
        if _bare(each.tag) == name
        for word in (each.text or "").split()
    ]


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
