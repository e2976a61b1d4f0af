"""Moments from a camera or a stream, which go on by themselves."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any

from av import FFmpegError, Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from sentistream.errors import InputError
from sentistream.media.container import describe, pixel_aspect
from sentistream.media.frames import FrameReader, TimedFrame, clock_zero
from sentistream.media.interrupting import ended, interrupt
from sentistream.media.live_tracks import LiveSound, choose_pictures
from sentistream.media.microphone import Microphone
from sentistream.media.network import READ_TIMEOUT, lost
from sentistream.media.pairing import Pairing, Sound
from sentistream.media.queue import BoundedQueue
from sentistream.media.queued import QueuedSource
from sentistream.media.source import Faults
from sentistream.media.steadiness import Steadiness
from sentistream.media.tracks import (
    choice_in_words,
    choose_tracks,
    moving_tracks,
    prepare_pictures,
    usable_tracks,
)
from sentistream.media.turns import Turns
from sentistream.translatable import Translatable
from sentistream.types import Moment

QUEUE = 16
"""Moments that wait to be taken; when there are more the oldest are dropped."""
_UNTIMED = 30
# formats in which FFmpeg makes timestamps up from a guessed rate
_WITHOUT_TIME = {"mjpeg", "mpjpeg", "h264", "hevc", "m4v", "mpegvideo", "obu", "vvc"}


class LiveSource(QueuedSource):
    """A camera's or a stream's opened container, and perhaps a microphone's beside it.

    Its clock starts at 0 with the first picture that has a timestamp, and passes as time does:
    where a stream's timestamps leap or begin anew, they go on from there. Moments are made in
    a thread of their own as pictures arrive; when they come faster than they are taken the
    oldest are dropped and counted. What turns out to be a recording of known length is read at
    the pace at which its moments are taken, without dropping.

    Args:
        container: Closed with this, also where it fails.
        name: What it is called, without a password.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each carries.
        sound: Whether its sound is decoded at all.
        microphone: Another input whose sound belongs to these pictures; closed with this.
        video_track, audio_track: Numbers among those of their kind, from 1; None to choose.

    Raises:
        InputError: It sends no pictures; or, while it is read, it sends none any more.
    """

    def __init__(
        self,
        container: InputContainer,
        *,
        name: str,
        tick: float,
        sound_window: float,
        sound: bool = True,
        microphone: InputContainer | None = None,
        video_track: int | None = None,
        audio_track: int | None = None,
    ) -> None:
        self.faults = Faults()
        self._started = False
        self._wanted = video_track, audio_track
        self._name = name
        self._container = container
        self._microphone: Microphone | None = None
        try:
            if microphone is not None:
                self._microphone = Microphone(microphone, self.faults)
            self._start(tick, sound_window, sound and microphone is None)
        except BaseException:
            self._let_go()
            raise

    def _start(self, tick: float, sound_window: float, sound: bool) -> None:
        container = self._container
        tracks = choose_tracks(
            container,
            self._name,
            video=self._wanted[0],
            audio=self._wanted[1] if sound else None,
            sound=sound,
        )
        seen = [tracks.video]
        if self._wanted[0] is None:
            seen = self._sensible(usable_tracks(container, moving_tracks(container)))
        heard = [] if tracks.audio is None else [tracks.audio]
        if heard and self._wanted[1] is None:
            heard = usable_tracks(container, container.streams.audio)
        for stream in seen:
            # frames decoded in parallel would each come later by as many frames
            stream.thread_type = "SLICE"
        self._live = container.duration is None
        self._video_remark, self._audio_remark = tracks.video_remark, tracks.audio_remark
        packets: Iterator[Packet[Any]] = container.demux([*seen, *heard])
        video, video_number = tracks.video, tracks.video_number
        if len(seen) > 1:
            video, packets = self._choose_pictures(_until_closed(packets), seen)
            video_number = moving_tracks(container).index(video) + 1
        self._video_index = video.index
        self._reader = FrameReader(container, video, self.faults)
        self._turns = Turns()
        self._steadiness: Steadiness | None = None
        if self._live:
            self._steadiness = Steadiness(untimed=container.format.name in _WITHOUT_TIME)
        self._sound: LiveSound | None = None
        zero = clock_zero(container)
        if heard:
            self._sound = LiveSound(heard, self.faults, zero=zero)
        first = self._first(packets)
        track: Sound | None = self._sound
        audio = None if self._sound is None else self._sound.stream
        if self._microphone is not None:
            track = self._microphone.place(first, time.monotonic(), zero)
            audio = self._microphone.stream
        self._pairing = Pairing(
            first,
            track,
            self.faults,
            tick=tick,
            sound_window=sound_window,
            pixel_aspect=pixel_aspect(video),
            codec=video.codec_context,
        )
        self.info = describe(
            container,
            video,
            audio,
            name=self._name,
            size=(self._pairing.picture.width, self._pairing.picture.height),
            orientation=self._pairing.orientation,
            live=self._live,
            tracks=(video_number, 1 if self._microphone else tracks.audio_number),
        )
        self._say_what_is_heard()
        self._started = True
        self._queue: BoundedQueue[Moment] = BoundedQueue(QUEUE, drop_oldest=self._live)
        self._thread = threading.Thread(
            target=self._fill, args=(packets,), name=f"source {self._name}", daemon=True
        )
        self._thread.start()

    def _sensible(self, streams: list[VideoStream]) -> list[VideoStream]:
        """Those whose pictures have a size that is decoded."""
        sensible = []
        for stream in streams:
            with suppress(InputError):
                prepare_pictures(stream, self._name)
                sensible.append(stream)
        return sensible

    def _choose_pictures(
        self, packets: Iterator[Packet[Any]], streams: list[VideoStream]
    ) -> tuple[VideoStream, Iterator[Packet[Any]]]:
        """The track of pictures, and the packets from the stream's start."""
        failure: InputError | None = None
        try:
            seen = choose_pictures(packets, streams, READ_TIMEOUT)
        except FFmpegError as error:
            failure = lost(self._name, error)
        if failure is not None:
            raise failure
        moving = moving_tracks(self._container)
        self._video_remark = choice_in_words(moving, seen.stream, seen.contents)
        return seen.stream, chain(seen.packets, packets)

    def _say_what_is_heard(self) -> None:
        """Brings ``info`` up to date with the choice of tracks."""
        info = self.info
        if self._sound is not None:
            stream, streams = self._sound.stream, list(self._container.streams.audio)
            if self._wanted[1] is None:
                self._audio_remark = choice_in_words(streams, stream, self._sound.contents)
            info = replace(
                info,
                audio_track=streams.index(stream) + 1,
                audio_codec=stream.codec_context.codec.canonical_name,
                audio_rate=stream.sample_rate,
                audio_channels=stream.channels,
            )
        said = filter(None, (self._video_remark, self._audio_remark))
        self.info = replace(info, remarks=tuple(said))

    def _first(self, packets: Iterator[Packet[Any]]) -> TimedFrame:
        untimed, deadline = 0, time.monotonic() + READ_TIMEOUT
        failure: InputError | None = None
        try:
            for packet in packets:
                for timed in self._take(packet):
                    # a stream joined in the middle begins with pictures without a time
                    untimed += 1
                    if timed.frame.pts is not None or untimed > _UNTIMED:
                        return timed
                if self._live and time.monotonic() > deadline:
                    break
        except FFmpegError as error:
            failure = lost(self._name, error)
        raise failure or InputError(
            Translatable("No picture of {name} can be decoded.", name=self._name),
            "See whether a player shows it.",
        )

    def _take(self, packet: Packet[Any]) -> list[TimedFrame]:
        if self._steadiness is not None:
            self._steadiness.adjust(packet)
        if packet.stream_index == self._video_index:
            return self._turned(self._reader.decode(packet))
        if self._sound is not None and self._sound.feed(packet) and self._started:
            self._say_what_is_heard()
        return []

    def _turned(self, frames: Iterable[TimedFrame]) -> list[TimedFrame]:
        return [turned for timed in frames for turned in self._turns.take(timed)]

    def _fill(self, packets: Iterator[Packet[Any]]) -> None:
        """The thread: from packets to moments in the queue."""
        error: BaseException | None = None
        try:
            self._read(packets)
        except FFmpegError as failed:
            error = lost(self._name, failed)
        except BaseException as other:
            error = other
        finally:
            self._let_go()
            self._queue.end(error)
            ended()

    def _read(self, packets: Iterator[Packet[Any]]) -> None:
        heard = time.monotonic()
        for packet in _until_closed(packets):
            self._pairing.add(self._take(packet))
            if self._microphone is not None:
                self._microphone.feed()
            for moment in self._pairing.ready():
                size = moment.picture.width, moment.picture.height
                self.info = self.info.with_size(*size)
                if not self._queue.put(moment):
                    return
                heard = time.monotonic()
            if self._live and time.monotonic() - heard > READ_TIMEOUT:
                raise InputError(
                    Translatable(
                        "{name} sends no pictures any more, though it still sends.", name=self._name
                    ),
                    "See whether a player shows it, and start the camera again.",
                )
        self._pairing.add([*self._turned(self._reader.flush()), *self._turns.flush()])
        if self._sound is not None:
            self._sound.end()
        for moment in self._pairing.ready(ended=True):
            if not self._queue.put(moment):
                return

    def close(self) -> None:
        self._queue.stop()
        interrupt(self._thread)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)

    def _let_go(self) -> None:
        if self._microphone is not None:
            self._microphone.close()
        self._container.close()


def _until_closed(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets until the other side hangs up, which over HTTP FFmpeg calls an I/O error."""
    try:
        yield from packets
    except OSError as error:
        if error.errno != errno.EIO:
            raise
