"""Skips pictures before they are decoded.

Two kinds can be skipped without harm to the others: a picture that no other one refers to
(``nal_ref_idc`` 0 in ITU-T H.264, 7.4.1; the sub-layer non-reference types of ITU-T H.265, table
7-1; every picture of a coding without prediction in time, such as MJPEG), and all that follow in a
group of pictures, up to the next keyframe.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from av import Packet

INTRA_ONLY = frozenset(
    {"mjpeg", "ljpeg", "jpegls", "png", "prores", "dnxhd", "dvvideo", "rawvideo", "gif", "webp"}
)
"""Codecs, by FFmpeg's names, in which no picture refers to another."""

MIN_DISPOSABLE = 0.3
"""Share of unreferenced pictures from which skipping them is enough."""

MAX_GROUP = 4.0
"""Longest interval of keyframes, seconds, for which the rest of a group may be skipped."""

MAX_GAP = 15.0
"""Longest wait for a keyframe, seconds of the media clock."""

_FORGETTING = 0.02
_LATE = 0.1  # share of its duration by which a picture may be shown longer than declared
_MAX_CREDIT, _MIN_CREDIT = 2.0, -8.0  # pictures
_ROUNDED = 0.001  # seconds by which timestamps may be rounded
_H264_SLICES = (1, 2, 5)
_H265_NON_REFERENCE = frozenset({0, 2, 4, 6, 8, 10, 12, 14})
_H265_LAST_SLICE = 31


class DisposablePackets:
    """Tells which packets contain a picture that no other one refers to.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: The stream's global headers, which distinguish length prefixes from start codes.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._length_size = _length_size(codec, extradata or b"")
        self._highest_layer = 0

    def __call__(self, packet: Packet[Any]) -> bool:
        if packet.is_disposable or self._codec in INTRA_ONLY:
            return True
        if self._codec not in ("h264", "hevc"):
            return False
        data = memoryview(packet)
        for unit in self._units(data):
            if self._codec == "h264":
                if data[unit] & 0x1F in _H264_SLICES:
                    return not data[unit] & 0x60
            elif (kind := data[unit] >> 1 & 0x3F) <= _H265_LAST_SLICE:
                if unit + 1 >= len(data):
                    return False
                layer = (data[unit + 1] & 0x07) - 1
                self._highest_layer = max(self._highest_layer, layer)
                # pictures of lower layers are referenced by the layers above
                return kind in _H265_NON_REFERENCE and layer == self._highest_layer
        return False

    def _units(self, data: memoryview) -> Any:
        """The position of each NAL unit's header."""
        size = self._length_size
        if size:
            place = 0
            while place + size < len(data):
                yield place + size
                place += size + int.from_bytes(data[place : place + size], "big")
            return
        raw = bytes(data[:65536])
        place = raw.find(b"\0\0\1")
        while 0 <= place < len(raw) - 3:
            yield place + 3
            place = raw.find(b"\0\0\1", place + 3)


def _length_size(codec: str, extradata: bytes) -> int:
    """Bytes of a NAL unit's length prefix; 0 with start codes (Annex B)."""
    place = {"h264": 4, "hevc": 21}.get(codec)
    if place is None or len(extradata) <= place or extradata[0] != 1:
        return 0
    return (extradata[place] & 3) + 1


class PacketSkipper:
    """Decides which packets of a video track are decoded.

    With ``set_ticks`` unreferenced pictures are skipped if no tick needs them: the pictures of
    all ticks stay the same, as long as none is shown longer than it declares. With a ``share``
    below 1 more of them are skipped, evenly, until about that share of all pictures is decoded or
    none of them is left. To ``catch_up`` everything is skipped up to a keyframe.

    Args:
        disposable: Which packets are unreferenced.

    Attributes:
        share: The minimum share of pictures that is decoded, 0 to 1.
        resumed_at: Time of the keyframe that ended the last gap, seconds.
        skipped: Packets left out so far.
        passed: Packets decoded so far.
    """

    def __init__(self, disposable: Callable[[Packet[Any]], bool]) -> None:
        self._disposable = disposable
        self._credit = _MAX_CREDIT
        self._ticks: tuple[float, float] | None = None
        self._gap: tuple[float, float] | None = None
        self._key_time: float | None = None
        self._group: float | None = None
        self._disposables = 0.0
        self.share: float = 1.0
        self.resumed_at: float = -math.inf
        self.skipped: int = 0
        self.passed: int = 0

    @property
    def in_gap(self) -> bool:
        """Whether everything is skipped until a keyframe."""
        return self._gap is not None

    @property
    def is_effective(self) -> bool:
        """Whether skipping can halve the work without long gaps.

        Either many pictures are unreferenced, or keyframes are close together.
        """
        return self._disposables >= MIN_DISPOSABLE or (
            self._group is not None and self._group <= MAX_GROUP
        )

    def set_ticks(self, origin: float, interval: float) -> None:
        """Sets the times that are needed: ``origin``, and every ``interval`` seconds from there
        on."""
        self._ticks = origin, interval

    def catch_up(self, now: float, until: float) -> None:
        """Skips everything up to the first keyframe from some time on.

        Without one, skipping ends after ``MAX_GAP`` seconds.

        Args:
            now: The current reading position, seconds on the media clock.
            until: The sender's current position.
        """
        # pictures from before a gap may still arrive after it has ended
        if self._gap is None and now >= self.resumed_at:
            self._gap = until, now + MAX_GAP

    def wants(self, packet: Packet[Any], time: float, duration: float) -> bool:
        """Whether the packet should be decoded.

        Args:
            packet: The next one, in decoding order.
            time: When its picture is shown, seconds on the media clock.
            duration: For how long, seconds.
        """
        wanted = self._decide(packet, time, duration)
        if wanted:
            self.passed += 1
        else:
            self.skipped += 1
        return wanted

    def _decide(self, packet: Packet[Any], time: float, duration: float) -> bool:
        if packet.is_keyframe:
            if self._key_time is not None:
                self._group = max(0.0, time - self._key_time)
            self._key_time = time
        is_disposable = self._disposable(packet)
        self._disposables += _FORGETTING * (is_disposable - self._disposables)
        self._credit = min(_MAX_CREDIT, self._credit + self.share)
        if self._gap is not None:
            until, longest = self._gap
            if time < longest and not (packet.is_keyframe and time >= until):
                return False
            self._gap, self.resumed_at = None, time
        if time < self.resumed_at:  # it refers to a skipped picture
            return False
        if is_disposable and not (self._credit >= 1 and self._is_shown(time, duration)):
            return False
        self._credit = max(_MIN_CREDIT, self._credit - 1)
        return True

    def _is_shown(self, time: float, duration: float) -> bool:
        if self._ticks is None:
            return True
        origin, interval = self._ticks
        following = max(0, math.ceil((time - _ROUNDED - origin) / interval))
        return origin + following * interval < time + duration * (1 + _LATE) + _ROUNDED
