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

MAX_GROUP = 4.0
"""Longest interval of keyframes, seconds, with which the rest of a group is skipped as soon as
skipping unreferenced pictures is not enough. With longer ones, fewer of the decoded pictures are
analyzed first."""

MIN_ANALYZED = 0.6
"""Minimum share of the decoded pictures that is analyzed: below it, the rest of a group is skipped,
however long it is."""

MAX_GAP = 15.0
"""Longest wait for a keyframe, seconds of the media clock."""

_FORGETTING = 0.02
_KNOWN = 60  # packets after which it is known how many are referred to
_NEARLY, _ENOUGH = 0.95, 1.05  # of the pictures that others refer to: so many are all of them
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
    below 1 more of them are skipped, evenly. If that is not enough, each group of pictures is
    decoded up to some picture and the rest of it is skipped (``left_out_until``), provided that
    keyframes are close enough; otherwise only some of what is decoded has to be analyzed
    (``analyzed_share``). To ``catch_up`` everything is skipped up to a keyframe.

    Args:
        disposable: Which packets are unreferenced.

    Attributes:
        share: The share of pictures that is to be analyzed, 0 to 1.
        resumed_at: Time of the keyframe that ended the last gap, seconds.
        left_out_until: No picture from before this time (seconds) will follow: the rest of its
            group was skipped. The last one is shown until then.
        skipped: Packets skipped so far.
        passed: Packets decoded so far.
    """

    def __init__(self, disposable: Callable[[Packet[Any]], bool]) -> None:
        self._disposable = disposable
        self._credit = _MAX_CREDIT
        self._ticks: tuple[float, float] | None = None
        self._gap: tuple[float, float] | None = None
        self._key_time: float | None = None
        self._group: float | None = None
        self._group_packets = self._packets_since_key = 0
        self._cuts = False
        self._cut_at: float | None = None
        self._group_begin = -math.inf
        self._disposables = 0.0
        self.share: float = 1.0
        self.resumed_at: float = -math.inf
        self.left_out_until: float = -math.inf
        self.skipped: int = 0
        self.passed: int = 0

    @property
    def in_gap(self) -> bool:
        """Whether everything is skipped until a keyframe."""
        return self._gap is not None

    @property
    def leaves_out_rest(self) -> bool:
        """Whether the rest of a group of pictures is being skipped."""
        return self._cut_at is not None

    @property
    def analyzed_share(self) -> float:
        """The share of the decoded pictures to analyze, so that it is ``share`` of all.

        1 if enough can be skipped before decoding.
        """
        if self.share >= self._referred or (self._group is not None and self._group <= MAX_GROUP):
            return 1.0
        wanted = self.share / self._referred
        return wanted if self._group is None else max(wanted, MIN_ANALYZED)

    @property
    def _referred(self) -> float:
        """The share of the pictures that others refer to."""
        return 1 - self._disposables

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
        is_disposable = self._disposable(packet)
        self._note(packet, time, is_disposable)
        self._earn()
        if self._gap is not None:
            until, longest = self._gap
            if time < longest and not (packet.is_keyframe and time >= until):
                return False
            self._gap, self.resumed_at = None, time
            self._cut_at = None
        if self._cut_at is not None:
            is_affordable = self._credit >= 1 or not self._cuts
            if time < self._cut_at + MAX_GAP and not (packet.is_keyframe and is_affordable):
                self.left_out_until = max(self.left_out_until, time)
                return False
            self._cut_at, self._group_begin = None, time
            self.left_out_until = max(self.left_out_until, time)
        elif self._cuts and not is_disposable and self._credit < 1:
            self._cut_at = time
            self.left_out_until = max(self.left_out_until, time)
            return False
        if time < max(self.resumed_at, self._group_begin):  # it refers to what was left out
            return False
        if is_disposable and (self._cuts or self._credit < 1 or not self._is_shown(time, duration)):
            return False
        self._credit = max(_MIN_CREDIT, self._credit - 1)
        return True

    def _note(self, packet: Packet[Any], time: float, is_disposable: bool) -> None:
        """Learns how the stream is coded."""
        seen = self.passed + self.skipped
        forgetting = max(_FORGETTING, 1 / (seen + 1))
        self._disposables += forgetting * (is_disposable - self._disposables)
        if packet.is_keyframe:
            if self._key_time is not None:
                self._group = max(0.0, time - self._key_time)
                self._group_packets = self._packets_since_key
            self._key_time, self._packets_since_key = time, 0
        self._packets_since_key += 1

    def _earn(self) -> None:
        """Adds a packet's share of a picture; decides whether the rest of groups is left out."""
        share = self.share / self.analyzed_share
        enough = (_ENOUGH if self._cuts else _NEARLY) * self._referred
        self._cuts = share < min(1, enough) and self.passed + self.skipped >= _KNOWN
        most = _MAX_CREDIT
        if self._cuts:  # all that a group may have is decoded at its begin
            most = max(most, share * self._group_packets + 1)
            self._credit = max(0.0, self._credit)
        self._credit = min(most, self._credit + share)

    def _is_shown(self, time: float, duration: float) -> bool:
        if self._ticks is None:
            return True
        origin, interval = self._ticks
        following = max(0, math.ceil((time - _ROUNDED - origin) / interval))
        return origin + following * interval < time + duration * (1 + _LATE) + _ROUNDED
