"""Leaves out pictures before they are decoded.

Two kinds can be left out without harm to the others: a picture that no other one refers to
(``nal_ref_idc`` 0 in ITU-T H.264, 7.4.1; the sub-layer non-reference types of ITU-T H.265, table
7-1; every picture of a coding without prediction in time, such as MJPEG), and all that follow in a
group of pictures, up to the next key picture.
"""

from __future__ import annotations

import math
from typing import Any

from av import Packet

SHOWN_ON = 1.0
"""Seconds for which a picture is shown on where those behind it were left out; after that no
moments are made until the next one. A face that is lost for longer is another appearance."""

INTRA_ONLY = frozenset(
    {"mjpeg", "ljpeg", "jpegls", "png", "prores", "dnxhd", "dvvideo", "rawvideo", "gif", "webp"}
)
"""Codings, by FFmpeg's names, in which no picture refers to another."""

_LATE = 0.1  # share of its duration by which a picture may be shown longer than declared
_MOST_CREDIT = 2.0  # pictures
_ROUNDED = 0.001  # seconds by which timestamps may be rounded
_H264_SLICES = (1, 2, 5)
_H265_NON_REFERENCE = frozenset({0, 2, 4, 6, 8, 10, 12, 14})
_H265_LAST_SLICE = 31


class DisposablePackets:
    """Tells which packets hold a picture that no other one refers to.

    Args:
        codec: FFmpeg's name of the coding.
        extradata: The stream's global headers; tells length prefixes from start codes.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._length_size = _length_size(codec, extradata or b"")
        self._highest_layer = 0

    def __contains__(self, packet: Packet[Any]) -> bool:
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
                # lower layers' are referred to by the layers above
                return kind in _H265_NON_REFERENCE and layer == self._highest_layer
        return False

    def _units(self, data: memoryview) -> Any:
        """Where each NAL unit's header lies."""
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
    """Bytes of a NAL unit's length before it; 0 where start codes part them (Annex B)."""
    place = {"h264": 4, "hevc": 21}.get(codec)
    if place is None or len(extradata) <= place or extradata[0] != 1:
        return 0
    return (extradata[place] & 3) + 1


class PacketSkipper:
    """Decides which packets of a track of pictures are decoded.

    With ``set_ticks`` pictures that nothing refers to are left out where no tick shows them: the
    pictures of all ticks stay the same, as long as none is shown longer than it declares. With a
    ``share`` below 1 about that share of all pictures is decoded: first pictures that nothing
    refers to are left out, evenly; where that is not enough, the end of each group of pictures.

    Args:
        disposable: Which packets nothing refers to.

    Attributes:
        skipped: Packets left out so far.
        passed: Packets decoded so far.
        in_gap: Whether all is left out until the next key picture.
    """

    def __init__(self, disposable: DisposablePackets) -> None:
        self._disposable = disposable
        self._share = 1.0
        self._credit = _MOST_CREDIT
        self._ticks: tuple[float, float] | None = None
        self._group = 0
        self._last_group: int | None = None
        self._key_seen = False
        self.skipped: int = 0
        self.passed: int = 0
        self.in_gap: bool = False

    @property
    def share(self) -> float:
        """The share of pictures that is decoded at most, 0 to 1; 0 while only catching up."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share = min(1.0, max(0.0, share))

    def set_ticks(self, origin: float, interval: float) -> None:
        """Which times are shown: ``origin``, and every ``interval`` seconds from there on."""
        self._ticks = origin, interval

    def wants(self, packet: Packet[Any], time: float, duration: float) -> bool:
        """Whether the packet is to be decoded.

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
        is_key = packet.is_keyframe
        self._count(is_key)
        self._credit = min(_MOST_CREDIT, self._credit + self._share)
        if self._share >= 1:
            self._credit = _MOST_CREDIT
        if self.in_gap:
            if not is_key or self._credit < 0:
                return False
            self.in_gap = False
        # needed? is asked first: a picture nobody sees costs nothing
        if (not self._is_shown(time, duration) or self._credit < 1) and packet in self._disposable:
            return False
        if self._credit < self._floor():
            self.in_gap = True
            return False
        if self._share < 1:
            self._credit -= 1
        return True

    def _count(self, is_key: bool) -> None:
        """Learns how many pictures a group has."""
        if is_key:
            if self._key_seen:
                self._last_group = self._group
            self._key_seen, self._group = True, 0
        self._group += 1

    def _floor(self) -> float:
        """The debt at which the rest of a group is left out: after that share of its pictures."""
        if self._share >= 1 or self._last_group is None:
            return -math.inf
        group = max(self._group, self._last_group)
        return min(0.0, 1 - (1 - self._share) * self._share * group)

    def _is_shown(self, time: float, duration: float) -> bool:
        if self._ticks is None:
            return True
        origin, interval = self._ticks
        following = max(0, math.ceil((time - _ROUNDED - origin) / interval))
        return origin + following * interval < time + duration * (1 + _LATE) + _ROUNDED
