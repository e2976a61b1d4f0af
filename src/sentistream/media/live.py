"""Moments from a camera or a stream, which go on by themselves."""

from __future__ import annotations

import errno
import math
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.container
from av import FFmpegError, Packet
from av.container import InputContainer
from av.error import ExitError

from sentistream.errors import InputError
from sentistream.media.cameras import list_cameras
from sentistream.media.container import (
    MAX_PIXELS,
    choose_audio,
    choose_video,
    describe,
    pixel_aspect,
    reason,
)
from sentistream.media.frames import FrameReader, TimedFrame, clock_zero, nanosecond
from sentistream.media.picture import YuvPicture, display_orientation
from sentistream.media.queue import BoundedQueue
from sentistream.media.sound import SoundTrack
from sentistream.media.source import Faults, Source
from sentistream.types import Moment

ADDRESSES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp", "rtp", "srt")
"""What a stream's address may begin with."""
OPEN_TIMEOUT = 10.0
READ_TIMEOUT = 10.0
"""Seconds without an answer after which a stream counts as lost."""
QUEUE = 16
"""Moments that wait to be taken; when there are more the oldest are dropped."""
LONGEST_GAP = 5.0
"""Seconds for which a picture is shown on while none follows; a longer gap is skipped."""
PATIENCE = 0.5
"""Seconds by which sound may come later than its picture."""
# from the network nothing may lead to this machine's files
_PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,httpproxy,rtmp,rtmps,srt,crypto"
_OPTIONS = {
    "protocol_whitelist": _PROTOCOLS,
    "rtsp_transport": "tcp",
    "analyzeduration": "2000000",
    "max_pixels": str(MAX_PIXELS),
}
# most cameras reach their larger pictures only as JPEG
_CAMERA_OPTIONS: tuple[dict[str, str], ...] = (
    {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30"},
    {},
)
_MOST_WAITING = 256
_UNTIMED = 30


class CameraSource(Source):
    """A camera of this machine, by number, or a stream, by address.

    Its clock starts at 0 with the first picture that has a timestamp. Moments are made in a
    thread of their own as pictures arrive; when they come faster than they are taken the
    oldest are dropped and counted. An address that turns out to be a recording of known
    length is read at the pace at which its moments are taken, without dropping.

    Raises:
        InputError: There is no such camera, it does not answer, or sends no pictures.
    """

    def __init__(self, source: int | str, *, tick: float, sound_window: float) -> None:
        self.faults = Faults()
        self._tick = tick
        self._sound_window = sound_window
        self._name = f"Camera {source}" if isinstance(source, int) else without_password(source)
        container = _open_camera(source) if isinstance(source, int) else _open_address(source)
        try:
            self._start(container)
        except BaseException:
            container.close()
            raise

    def _start(self, container: InputContainer) -> None:
        video, audio = choose_video(container, self._name), choose_audio(container)
        # frames decoded in parallel would each come later by as many frames
        video.thread_type = "SLICE"
        self._container = container
        self._video_index = video.index
        self._reader = FrameReader(container, video, self.faults)
        self._sound: SoundTrack | None = None
        if audio is not None:
            self._sound = SoundTrack(audio, self.faults, zero=clock_zero(container))
        packets = container.demux([video] if audio is None else [video, audio])
        first = self._first(packets)
        self._pairing = Pairing(
            first,
            self._sound,
            self.faults,
            tick=self._tick,
            sound_window=self._sound_window,
            pixel_aspect=pixel_aspect(video),
        )
        recorded = container.duration is not None
        self.info = describe(
            container,
            video,
            audio,
            name=self._name,
            size=(self._pairing.picture.width, self._pairing.picture.height),
            orientation=self._pairing.orientation,
            live=not recorded,
        )
        self._queue: BoundedQueue[Moment] = BoundedQueue(QUEUE, drop_oldest=not recorded)
        self._thread = threading.Thread(
            target=self._fill, args=(packets,), name=f"source {self._name}", daemon=True
        )
        self._thread.start()

    def _first(self, packets: Iterator[Packet[Any]]) -> TimedFrame:
        untimed = 0
        try:
            for packet in packets:
                for timed in self._take(packet):
                    # a stream joined in the middle begins with pictures without a time
                    untimed += 1
                    if timed.frame.pts is not None or untimed > _UNTIMED:
                        return timed
        except FFmpegError as error:
            raise self._lost(error) from error
        raise InputError(
            f"No picture of {self._name} can be decoded.", "See whether a player shows it."
        )

    def _take(self, packet: Packet[Any]) -> list[TimedFrame]:
        if packet.stream_index == self._video_index:
            return list(self._reader.decode(packet))
        if self._sound is not None:
            self._sound.feed(packet)
        return []

    def _fill(self, packets: Iterator[Packet[Any]]) -> None:
        """The thread: from packets to moments in the queue."""
        error: BaseException | None = None
        try:
            for packet in _until_closed(packets):
                self._pairing.add(self._take(packet))
                if not self._put(self._pairing.ready()):
                    return
            self._pairing.add(list(self._reader.flush()))
            if self._sound is not None:
                self._sound.end()
            self._put(self._pairing.ready(ended=True))
        except FFmpegError as lost:
            error = self._lost(lost)
        except BaseException as other:
            error = other
        finally:
            self._container.close()
            self._queue.end(error)

    def _put(self, moments: Iterator[Moment]) -> bool:
        return all(self._queue.put(moment) for moment in moments)

    def _lost(self, error: FFmpegError) -> InputError:
        words = "no answer" if isinstance(error, ExitError) else reason(error)
        return InputError(
            f"{self._name} stopped sending ({words}).",
            "Check the camera, its cable or the network, and start again.",
        )

    def __next__(self) -> Moment:
        try:
            return self._queue.take()
        finally:
            self.faults.dropped_moments = self._queue.dropped

    def close(self) -> None:
        self._queue.stop()
        # a reader that waits for the network ends by itself at its time limit
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)


class Pairing:
    """Moments from pictures and sound as they arrive, once it is known what belongs to them.

    A moment is ready when a later picture has come, and sound up to it (or ``PATIENCE``
    seconds of pictures without any).

    Attributes:
        picture: The picture of the newest moment.
        orientation: How the pictures are turned upright.
    """

    def __init__(
        self,
        first: TimedFrame,
        sound: SoundTrack | None,
        faults: Faults,
        *,
        tick: float,
        sound_window: float,
        pixel_aspect: float,
    ) -> None:
        self.orientation = display_orientation(first.frame)
        self._size = (first.frame.width, first.frame.height)
        self._pixel_aspect = pixel_aspect
        self._sound = sound
        self._faults = faults
        self._tick = tick
        self._sound_window = sound_window
        self._waiting: deque[TimedFrame] = deque()
        self._origin = first.time
        self._ticks = 0
        self._current = self._pictured = first
        self.picture = self._picture(first)

    def add(self, frames: list[TimedFrame]) -> None:
        """Take in the next pictures."""
        self._waiting.extend(frames)

    def ready(self, *, ended: bool = False) -> Iterator[Moment]:
        """The moments of which everything has come; the rest too once the stream has ended."""
        while True:
            time = nanosecond(self._origin + self._ticks * self._tick)
            if not ended and not self._is_complete(time):
                return
            while self._waiting and self._waiting[0].time <= time:
                self._current = self._waiting.popleft()
            if not self._waiting and time >= self._current.end:
                return
            if self._waiting and time > self._current.time + LONGEST_GAP:
                ahead = (self._waiting[0].time - self._origin) / self._tick
                resumed = max(math.ceil(ahead), self._ticks + 1)
                self._faults.skipped_seconds += (resumed - self._ticks) * self._tick
                self._ticks = resumed
                continue
            yield self._moment(time)
            self._ticks += 1

    def _is_complete(self, time: float) -> bool:
        if not self._waiting or self._waiting[-1].time <= time:
            return False
        if self._sound is None or self._sound.until >= time:
            return True
        late = self._waiting[-1].time - time
        return late > PATIENCE or len(self._waiting) > _MOST_WAITING

    def _moment(self, time: float) -> Moment:
        if self._current is not self._pictured:
            try:
                self.picture, self._pictured = self._picture(self._current), self._current
            except (FFmpegError, ValueError):
                self._faults.video_errors += 1
        sound = None if self._sound is None else self._sound.window(time, self._sound_window)
        picture_time = nanosecond(self._pictured.time - self._origin)
        return Moment(nanosecond(time - self._origin), self.picture, picture_time, sound)

    def _picture(self, timed: TimedFrame) -> YuvPicture:
        frame = timed.frame
        if (frame.width, frame.height) != self._size:
            frame = frame.reformat(width=self._size[0], height=self._size[1])
        return YuvPicture(frame, orientation=self.orientation, pixel_aspect=self._pixel_aspect)


def without_password(address: str) -> str:
    """The address as it may be shown."""
    return re.sub(r"//[^/@]*@", "//", address)


def _until_closed(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets until the other side hangs up, which over HTTP FFmpeg calls an I/O error."""
    try:
        yield from packets
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def _open_address(address: str) -> InputContainer:
    try:
        return av.container.open(
            address,
            "r",
            options=_OPTIONS,
            timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        words = "no answer" if isinstance(error, ExitError) else reason(error)
        raise InputError(
            f"{without_password(address)} cannot be opened ({words}).",
            "Check the address, its password and the network.",
        ) from error


def _open_camera(index: int) -> InputContainer:
    device = Path(f"/dev/video{index}")
    if not device.exists():
        known = ", ".join(str(camera.index) for camera in list_cameras()) or "none"
        raise InputError(
            f"There is no camera {index}: this machine has {known}.",
            "See which exist: sentistream doctor.",
        )
    error: Exception | None = None
    for options in _CAMERA_OPTIONS:
        try:
            return av.container.open(
                str(device),
                "r",
                format="v4l2",
                options=options,
                timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
            )
        except (FFmpegError, OSError, ValueError) as refused:
            error = refused
    words = "" if error is None else reason(error)
    raise InputError(
        f"Camera {index} cannot be opened ({words}).",
        "Close other programs that use it, and see that you may read " + f"{device}.",
    ) from error
