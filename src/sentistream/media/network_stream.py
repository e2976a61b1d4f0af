"""Opens network streams safely: their content cannot make this machine connect elsewhere."""

from __future__ import annotations

from typing import Literal

import av
import av.container
from av import FFmpegError
from av.container import InputContainer
from av.error import (
    ArgumentError,
    ExitError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPUnauthorizedError,
    InvalidDataError,
)

from sentistream.errors import InputError
from sentistream.media.container import FORMATS, MAX_PIXELS, reason
from sentistream.media.source_address import ADDRESSES, is_local, scheme
from sentistream.redaction import host_of, shown_address
from sentistream.translatable import Translatable

Transport = Literal["tcp", "udp"]

OPEN_TIMEOUT = 10.0
READ_TIMEOUT = 10.0
"""Seconds without an answer after which a stream counts as lost."""
ANALYZED = 5.0
"""Seconds of a stream within which its codecs must be known, including a whole picture."""
_RATE_PICTURES = 4
"""Pictures from which the frame rate is guessed; FFmpeg would wait for twenty."""
# streams must not refer to this machine's files, nor playlists to other addresses
_PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,rtmp,rtmps,srt,crypto"
_FORMATS = f"{FORMATS},rtsp,rtp,sdp"
_CHECK = "Check the address, its password and the network."


def open_address(address: str, *, transport: Transport = "tcp") -> InputContainer:
    """A stream.

    Args:
        address: Begins with one of ``ADDRESSES``.
        transport: RTSP transport.

    Raises:
        InputError: It cannot be read; the text contains no password.
    """
    kind = scheme(address)
    if kind not in ADDRESSES or "\0" in address:
        raise InputError(
            Translatable("Addresses that begin with {kind} cannot be read.", kind=kind),
            "Give a file's path, or an address of rtsp or http.",
        )
    options = {
        "protocol_whitelist": _PROTOCOLS,
        "format_whitelist": _FORMATS,
        "analyzeduration": str(round(ANALYZED * av.time_base)),
        "fpsprobesize": str(_RATE_PICTURES),
        "max_pixels": str(MAX_PIXELS),
    }
    if kind in ("rtsp", "rtsps"):
        options["rtsp_transport"] = transport
    if is_local(host_of(address)):
        # empty, not unset: otherwise FFmpeg would read the environment
        options["http_proxy"] = ""
    container: InputContainer | None = None
    try:
        container = av.container.open(
            address,
            "r",
            options=options,
            timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        failure = _refused(shown_address(address), error)
    # raised out here, because the error caught above contains the address with its password
    if container is None:
        raise failure
    return container


def lost(name: str, error: Exception) -> InputError:
    """The error of a stream that ends while being read."""
    return InputError(
        Translatable("{name} stopped sending ({words}).", name=name, words=words(error)),
        "Check the camera, its cable or the network, and start again.",
    )


def words(error: Exception) -> str:
    """What went wrong, without the address."""
    return Translatable("no answer") if isinstance(error, ExitError) else reason(error)


def _refused(shown: str, error: Exception) -> InputError:
    if isinstance(error, HTTPUnauthorizedError | HTTPForbiddenError):
        return InputError(
            Translatable("{name} cannot be opened: wrong user or password.", name=shown),
            "Write them into the address, before the host: USER:PASSWORD@.",
        )
    if isinstance(error, HTTPNotFoundError):
        return InputError(
            Translatable("{name} cannot be opened: there is no such stream.", name=shown),
            "See the camera's manual for its path.",
        )
    if isinstance(error, ConnectionRefusedError):
        return InputError(
            Translatable("{name} cannot be opened: nothing listens there.", name=shown),
            "See whether the camera is on, and check the port.",
        )
    path = shown.lower()
    # a format on no list is reported as an invalid argument
    unread = isinstance(error, ArgumentError | InvalidDataError)
    if unread and path.endswith((".m3u8", ".m3u", ".mpd")):
        return InputError(
            Translatable(
                "{shown} is a playlist (HLS or DASH), which leads to other addresses and is not "
                "read.",
                shown=shown,
            ),
            "Give the camera's RTSP address instead.",
        )
    if unread and path.endswith((".jpg", ".jpeg", ".png")):
        return InputError(
            Translatable("{shown} is a single picture, not a stream.", shown=shown),
            "Give the camera's address for RTSP or MJPEG instead.",
        )
    return InputError(
        Translatable("{name} cannot be opened ({words}).", name=shown, words=words(error)), _CHECK
    )
