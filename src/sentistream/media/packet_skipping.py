"""Leaves out pictures before they are decoded.

Two kinds can be left out without harm to the others: a picture that no other one refers to
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
"""Codings, by FFmpeg's names, in which no picture refers to another."""

MIN_DISPOSABLE = 0.3
"""Share of pictures that nothing refers to from which leaving them out is enough."""

MAX_GROUP = 4.0
"""Seconds between keyframes up to which the rest of a group may be left out."""

MAX_GAP = 15.0
"""Seconds for which a keyframe is waited for at most, by the media clock."""

_FORGETTING = 0.02
_LATE = 0.1  # share of its duration by which a picture may be shown longer than declared
_MAX_CREDIT, _MIN_CREDIT = 2.0, -8.0  # pictures
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
    ``share`` below 1 more of them are left out, evenly, until about that share of all pictures is
    decoded or none of them is left. To ``catch_up`` everything is left out up to a keyframe.

    Args:
        disposable: Which packets nothing refers to.

    Attributes:
        share: The share of pictures that is decoded at least, 0 to 1.
        resumed_at: Time of the keyframe with which the last gap ended, seconds.
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
        """Whether all is left out until a keyframe."""
        return self._gap is not None

    @property
    def is_effective(self) -> bool:
        """Whether leaving out can halve the work without long gaps.

        Either many pictures are not referred to, or keyframes are close together.
        """
        return self._disposables >= MIN_DISPOSABLE or (
            self._group is not None and self._group <= MAX_GROUP
        )

    def set_ticks(self, origin: float, interval: float) -> None:
        """Which times are shown: ``origin``, and every ``interval`` seconds from there on."""
        self._ticks = origin, interval

    def catch_up(self, now: float, until: float) -> None:
        """Leaves out everything up to the first keyframe from some time on.

        Without one nothing is left out from ``MAX_GAP`` seconds on.

        Args:
            now: What is read now, seconds on the media clock.
            until: What is sent now.
        """
        # pictures from before a gap may still come while it is over already
        if self._gap is None and now >= self.resumed_at:
            self._gap = until, now + MAX_GAP

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
        if time < self.resumed_at:  # it refers to what was left out
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
