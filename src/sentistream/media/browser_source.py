"""Moments from a visitor's camera and microphone, sent by the browser (WebRTC)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from av import AudioFrame, FFmpegError, VideoFrame

from sentistream.errors import InputError, MissingExtraError
from sentistream.media.av_sync import AvSync
from sentistream.media.bounded_queue import BoundedQueue, QueuedSource
from sentistream.media.frame_reader import TimedFrame, nanosecond
from sentistream.media.receive_clock import ReceiveClock
from sentistream.media.sdp import check_offer, offer_error
from sentistream.media.sound import SoundBuffer
from sentistream.media.source import Faults, MediaInfo
from sentistream.translatable import Translatable
from sentistream.types import SOUND_RATE, FloatArray, Moment

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack, RTCPeerConnection

QUEUE = 16
"""Moments that wait to be taken; when there are more the oldest are dropped."""
ANSWER_TIMEOUT = 10.0
"""Seconds in which an answer is found."""
FIRST_PICTURE = 30.0
"""Seconds in which the first picture must come."""
SILENCE = 10.0
"""Seconds without a picture after which the visitor has left."""
MAX_LATE = 10.0
"""Accumulated delay of pictures, seconds, above which this machine is too slow."""
MAX_PIXELS = 2560 * 1440
_STEP = 1 / 15


class BrowserSource(QueuedSource):
    """Video and sound of a browser whose WebRTC offer has been answered.

    The answer names only this machine's own addresses, and no other server is contacted (no
    STUN, no TURN). Data channels are ignored. It ends when the visitor leaves or no picture
    comes for ``SILENCE`` seconds; moments that are not read in time are dropped, the oldest
    first, and counted. Sound and pictures are paired by arrival time, to a few hundredths of a
    second.

    ``info`` has a width and height of 0 until the first picture has arrived.

    Args:
        offer: The browser's SDP, including all candidates.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.

    Attributes:
        answer: The SDP for the browser.

    Raises:
        InputError: The offer is not valid; or, while reading, there is no picture or they are
            too large.
        MissingExtraError: aiortc is not installed.
    """

    def __init__(self, offer: str, *, tick: float, sound_window: float) -> None:
        try:
            import aiortc  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("A browser's camera", "monitor") from error
        offer = check_offer(offer)
        self.faults: Faults = Faults()
        self._has_sound = "\nm=audio " in offer
        self.info: MediaInfo = _info(0, 0, has_sound=self._has_sound)
        self._tick = tick
        self._sound_window = sound_window
        self._queue: BoundedQueue[Moment] = BoundedQueue(QUEUE, drop_oldest=True)
        self._av_sync: AvSync | None = None
        self._sound = ReceivedSound()
        self._video_clock, self._audio_clock = ReceiveClock(), ReceiveClock()
        self._begun = time.monotonic()
        self._before = 0.0
        self._failure: InputError | None = None
        self._left: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        answer: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._run, args=(offer, answer), name="source browser", daemon=True
        )
        self._thread.start()
        refusal: InputError | None = None
        try:
            self.answer: str = answer.result(ANSWER_TIMEOUT)
        except Exception:  # whatever WebRTC rejects in an offer
            refusal = offer_error()
        if refusal is not None:
            self.close()
            raise refusal

    def close(self) -> None:
        self._queue.stop()
        loop, left = self._loop, self._left
        if loop is not None and left is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(left.set)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2)

    def _run(self, offer: str, answer: concurrent.futures.Future[str]) -> None:
        """The thread, with an event loop of its own."""
        error: BaseException | None = None
        try:
            asyncio.run(self._serve(offer, answer))
        except BaseException as failed:
            error = failed
            if not answer.done():
                answer.set_exception(failed)
        finally:
            self._queue.end(error or self._failure)

    async def _serve(self, offer: str, answer: concurrent.futures.Future[str]) -> None:
        from aiortc import RTCConfiguration, RTCPeerConnection

        self._loop, self._left = asyncio.get_running_loop(), asyncio.Event()
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        tasks: list[asyncio.Task[None]] = []

        @connection.on("track")
        def _(track: MediaStreamTrack) -> None:
            receive = self._receive_video if track.kind == "video" else self._receive_audio
            tasks.append(asyncio.create_task(receive(track)))

        @connection.on("datachannel")
        def _(channel: Any) -> None:
            channel.close()

        @connection.on("connectionstatechange")
        def _() -> None:
            if connection.connectionState in ("closed", "failed"):
                self._leave()

        try:
            answer.set_result(await _answered(connection, offer))
            await self._left.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.close()

    def _leave(self, failure: InputError | None = None) -> None:
        self._failure = self._failure or failure
        if self._left is not None:
            self._left.set()

    async def _receive_video(self, track: MediaStreamTrack) -> None:
        from aiortc.mediastreams import MediaStreamError

        try:
            while True:
                patience = SILENCE if self._av_sync else FIRST_PICTURE
                frame = await asyncio.wait_for(track.recv(), patience)
                if isinstance(frame, VideoFrame):
                    self._add_video_frame(frame)
        except MediaStreamError:
            self._leave()
        except TimeoutError:
            self._leave(None if self._av_sync else _no_picture())
        except InputError as error:
            self._leave(error)
        except (FFmpegError, ValueError):
            self._leave(_no_picture())

    async def _receive_audio(self, track: MediaStreamTrack) -> None:
        from aiortc.mediastreams import MediaStreamError

        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._add_audio_frame(frame)
        except MediaStreamError:  # the pictures may continue without sound
            pass

    def _add_video_frame(self, frame: VideoFrame) -> None:
        if frame.width * frame.height > MAX_PIXELS:
            raise InputError(
                Translatable(
                    "The browser's pictures are too large ({width} x {height}).",
                    width=frame.width,
                    height=frame.height,
                ),
                "Choose a smaller resolution, 1280 x 720 or less.",
            )
        place = self._video_clock.place(_stamp(frame), time.monotonic() - self._begun)
        if self._video_clock.lag > MAX_LATE:
            raise InputError(
                "This machine cannot decode the browser's pictures as fast as they come.",
                "Watch fewer cameras at once, or choose a smaller resolution.",
            )
        self._before = when = max(nanosecond(place), self._before)
        timed = TimedFrame(frame, when, when + _STEP, after_fault=False)
        if self._av_sync is None:
            self._av_sync = AvSync(
                timed,
                self._sound if self._has_sound else None,
                self.faults,
                tick=self._tick,
                sound_window=self._sound_window,
            )
            picture = self._av_sync.picture
            self.info = _info(picture.width, picture.height, has_sound=self._has_sound)
        else:
            self._av_sync.add([timed])
        for moment in self._av_sync.ready():
            self.info = self.info.with_size(moment.picture.width, moment.picture.height)
            self._queue.put(moment)

    def _add_audio_frame(self, frame: AudioFrame) -> None:
        # an audio frame arrives once its last sample has been captured
        length = frame.samples / frame.sample_rate
        arrived = time.monotonic() - self._begun - length
        try:
            self._sound.add(frame, self._audio_clock.place(_stamp(frame), arrived))
        except (FFmpegError, ValueError):
            self.faults.audio_errors += 1
        self.faults.cancelling_seconds = round(self._sound.cancelling, 3)
        self.faults.sound_changes = self._sound.shape_changes


class ReceivedSound:
    """Decoded sound as it arrives, by its time on the receiver's clock."""

    def __init__(self) -> None:
        self._buffer = SoundBuffer()

    @property
    def until(self) -> float:
        """Where the newest sample ends, seconds."""
        return self._buffer.until / SOUND_RATE

    @property
    def cancelling(self) -> float:
        """As ``SoundBuffer.cancelling``."""
        return self._buffer.cancelling

    @property
    def shape_changes(self) -> int:
        """As ``SoundBuffer.shape_changes``."""
        return self._buffer.shape_changes

    def add(self, frame: AudioFrame, time: float) -> None:
        """Takes in a frame that begins at ``time``."""
        self._buffer.add(frame, time)

    def window(self, end: float, seconds: float) -> FloatArray | None:
        """As ``SoundTrack.window``."""
        stop = round(end * SOUND_RATE)
        start = stop - round(seconds * SOUND_RATE)
        return self._buffer.window(start, stop)


async def _answered(connection: RTCPeerConnection, offer: str) -> str:
    from aiortc import RTCSessionDescription

    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    answer = await connection.createAnswer()
    assert answer is not None  # noqa: S101 - for the type checker
    await connection.setLocalDescription(answer)
    return str(connection.localDescription.sdp)


def _stamp(frame: VideoFrame | AudioFrame) -> float:
    if frame.pts is None or frame.time_base is None:
        raise ValueError("A received frame has a time.")
    return float(frame.pts * frame.time_base)


def _no_picture() -> InputError:
    return InputError(
        "No picture came from the browser.",
        "Let the page use the camera, and see that both are in the same network.",
    )


def _info(width: int, height: int, *, has_sound: bool) -> MediaInfo:
    return MediaInfo(
        name="Browser",
        container="webrtc",
        duration=None,
        width=width,
        height=height,
        frame_rate=None,
        rotation=0,
        video_codec="",
        audio_codec="opus" if has_sound else None,
        audio_rate=SOUND_RATE if has_sound else None,
        audio_channels=2 if has_sound else None,
        live=True,
    )
