"""Moments from a live camera or network stream."""

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

from sentistream.decoder_names import SOFTWARE
from sentistream.errors import InputError
from sentistream.media.av_sync import AvSync, Sound
from sentistream.media.bounded_queue import BoundedQueue, QueuedSource
from sentistream.media.container import describe, pixel_aspect
from sentistream.media.decoder import Decoder
from sentistream.media.frame_geometry import OrientationTracker
from sentistream.media.frame_reader import FrameReader, TimedFrame, clock_zero
from sentistream.media.live_track_selection import LiveSound, choose_live_video
from sentistream.media.microphone import Microphone
from sentistream.media.network_stream import READ_TIMEOUT, lost
from sentistream.media.read_interruption import ended, interrupt
from sentistream.media.receive_clock import MAX_BEHIND, ArrivalPace
from sentistream.media.source import Faults, MediaInfo
from sentistream.media.timestamp_repair import TimestampRepair
from sentistream.media.track_selection import (
    choose_tracks,
    describe_choice,
    prepare_video,
    usable_tracks,
    video_tracks,
)
from sentistream.translatable import Translatable
from sentistream.types import Moment

QUEUE = 16
"""Moments that wait to be taken; when there are more the oldest are dropped."""
_COUNTED_GAP = 0.25
"""Share of ``READ_TIMEOUT`` that a gap between packets counts for at most, where pictures are
missing: when a silent connection times out, FFmpeg first returns the packets it held back."""
_UNTIMED = 30
# formats for which FFmpeg invents timestamps from a guessed rate
_WITHOUT_TIME = {"mjpeg", "mpjpeg", "h264", "hevc", "m4v", "mpegvideo", "obu", "vvc"}


class LiveSource(QueuedSource):
    """Moments from an opened camera or stream, optionally with a separate microphone.

    Its clock starts at 0 with the first picture that has a timestamp and advances in real time:
    if timestamps jump or restart, they continue from there (``timestamp_repair``). A thread
    makes moments as pictures arrive; if they arrive faster than they are read, the oldest are
    dropped and counted. A stream of known length is a recording: it is read as fast as its
    moments are consumed, without dropping.

    Args:
        container: Closed with this, also on failure.
        name: Its name, without a password.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each carries.
        sound: Whether its sound is decoded at all.
        microphone: Another input whose sound belongs to these pictures; closed with this.
        video_track, audio_track: Numbers within their kind, from 1; None to choose.
        decoder: One of ``decoder_names.DECODERS``.
        remarks: Additional remarks for ``info``.

    Raises:
        InputError: It sends no pictures, or, while reading, stops sending them.
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
        decoder: str = SOFTWARE,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.faults: Faults = Faults()
        self._started = False
        self._requested_decoder = decoder
        self._given_remarks = remarks
        self._pace = ArrivalPace()
        self._requested_tracks = video_track, audio_track
        self._name = name
        self._container = container
        self._microphone: Microphone | None = None
        try:
            if microphone is not None:
                self._microphone = Microphone(microphone, self.faults)
            self._start(tick, sound_window, sound and microphone is None)
        except BaseException:
            self._close_inputs()
            raise

    def _start(self, tick: float, sound_window: float, sound: bool) -> None:
        container = self._container
        tracks = choose_tracks(
            container,
            self._name,
            video=self._requested_tracks[0],
            audio=self._requested_tracks[1] if sound else None,
            sound=sound,
        )
        video_streams = [tracks.video]
        if self._requested_tracks[0] is None:
            video_streams = self._decodable(usable_tracks(container, video_tracks(container)))
        audio_streams = [] if tracks.audio is None else [tracks.audio]
        if audio_streams and self._requested_tracks[1] is None:
            audio_streams = usable_tracks(container, container.streams.audio)
        for stream in video_streams:
            # frame-parallel decoding would delay each frame by as many frames
            stream.thread_type = "SLICE"
        self._live = container.duration is None
        self._video_remark, self._audio_remark = tracks.video_remark, tracks.audio_remark
        packets: Iterator[Packet[Any]] = container.demux([*video_streams, *audio_streams])
        video, video_number = tracks.video, tracks.video_number
        if len(video_streams) > 1:
            video, packets = self._choose_video(_until_closed(packets), video_streams)
            video_number = video_tracks(container).index(video) + 1
        self._video_index = video.index
        self._decoder = Decoder(video, self._requested_decoder)
        self._reader = FrameReader(container, video, self.faults, decoder=self._decoder)
        self._orientations = OrientationTracker()
        self._timestamp_repair: TimestampRepair | None = None
        if self._live:
            self._timestamp_repair = TimestampRepair(untimed=container.format.name in _WITHOUT_TIME)
        self._sound: LiveSound | None = None
        zero = clock_zero(container)
        if audio_streams:
            self._sound = LiveSound(audio_streams, self.faults, zero=zero)
        first = self._first(packets)
        track: Sound | None = self._sound
        audio = None if self._sound is None else self._sound.stream
        if self._microphone is not None:
            track = self._microphone.place(first, time.monotonic(), zero)
            audio = self._microphone.stream
        self._av_sync = AvSync(
            first,
            track,
            self.faults,
            tick=tick,
            sound_window=sound_window,
            pixel_aspect=pixel_aspect(video),
            codec=video.codec_context,
        )
        self.info: MediaInfo = describe(
            container,
            video,
            audio,
            name=self._name,
            size=(self._av_sync.picture.width, self._av_sync.picture.height),
            orientation=self._av_sync.orientation,
            live=self._live,
            tracks=(video_number, 1 if self._microphone else tracks.audio_number),
        )
        self._update_info()
        self._started = True
        self._queue: BoundedQueue[Moment] = BoundedQueue(QUEUE, drop_oldest=self._live)
        self._thread = threading.Thread(
            target=self._fill, args=(packets,), name=f"source {self._name}", daemon=True
        )
        self._thread.start()

    def _decodable(self, streams: list[VideoStream]) -> list[VideoStream]:
        """The video streams whose picture size is accepted."""
        sensible = []
        for stream in streams:
            with suppress(InputError):
                prepare_video(stream, self._name)
                sensible.append(stream)
        return sensible

    def _choose_video(
        self, packets: Iterator[Packet[Any]], streams: list[VideoStream]
    ) -> tuple[VideoStream, Iterator[Packet[Any]]]:
        """The chosen video stream, and all packets from the start."""
        failure: InputError | None = None
        try:
            selection = choose_live_video(packets, streams, READ_TIMEOUT)
        except FFmpegError as error:
            failure = lost(self._name, error)
        if failure is not None:
            raise failure
        moving = video_tracks(self._container)
        self._video_remark = describe_choice(moving, selection.stream, selection.contents)
        return selection.stream, chain(selection.packets, packets)

    def _update_info(self) -> None:
        """Brings ``info`` up to date with the choice of tracks."""
        info = self.info
        if self._sound is not None:
            stream, streams = self._sound.stream, list(self._container.streams.audio)
            if self._requested_tracks[1] is None:
                self._audio_remark = describe_choice(streams, stream, self._sound.contents)
            info = replace(
                info,
                audio_track=streams.index(stream) + 1,
                audio_codec=stream.codec_context.codec.canonical_name,
                audio_rate=stream.sample_rate,
                audio_channels=stream.channels,
            )
        remarks = filter(None, (*self._given_remarks, self._video_remark, self._audio_remark))
        self.info = self._decoder.described(replace(info, remarks=tuple(remarks)))

    def _first(self, packets: Iterator[Packet[Any]]) -> TimedFrame:
        untimed, deadline = 0, time.monotonic() + READ_TIMEOUT
        failure: InputError | None = None
        try:
            for packet in packets:
                for timed in self._take(packet):
                    # a stream joined in the middle begins with pictures without timestamps
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
        if self._timestamp_repair is not None:
            self._timestamp_repair.adjust(packet)
        if packet.stream_index == self._video_index:
            self._note_lag(packet)
            return self._oriented(self._reader.decode(packet))
        if self._sound is not None and self._sound.feed(packet) and self._started:
            self._update_info()
        return []

    def _note_lag(self, packet: Packet[Any]) -> None:
        if not self._live or packet.dts is None or not packet.time_base:
            return
        self.lag: float = self._pace.lag(float(packet.dts * packet.time_base), time.monotonic())
        # far behind, nothing is decoded until the newest group of pictures is reached
        if self.lag > MAX_BEHIND:
            self._reader.catch_up(packet, self.lag)

    def limit_decoding(self, share: float) -> float:
        return self._reader.limit_decoding(share)

    def _oriented(self, frames: Iterable[TimedFrame]) -> list[TimedFrame]:
        return [turned for timed in frames for turned in self._orientations.take(timed)]

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
            self._close_inputs()
            self._queue.end(error)
            ended()

    def _read(self, packets: Iterator[Packet[Any]]) -> None:
        last_packet_at = time.monotonic()
        without_pictures = 0.0  # seconds in which data arrived
        for packet in _until_closed(packets):
            now = time.monotonic()
            without_pictures += min(now - last_packet_at, _COUNTED_GAP * READ_TIMEOUT)
            last_packet_at = now
            self._av_sync.add(self._take(packet), self._reader.skipper.left_out_until)
            if self._microphone is not None:
                self._microphone.feed()
            for moment in self._av_sync.ready():
                size = moment.picture.width, moment.picture.height
                self.info = self._decoder.described(self.info.with_size(*size))
                if not self._queue.put(moment):
                    return
                without_pictures = 0.0
            self._caught_up = self._av_sync.caught_up
            if self._live and without_pictures > READ_TIMEOUT:
                raise InputError(
                    Translatable(
                        "{name} still sends data, but no pictures any more.", name=self._name
                    ),
                    "See whether a player shows it, and start the camera again.",
                )
        self._av_sync.add([*self._oriented(self._reader.flush()), *self._orientations.flush()])
        if self._sound is not None:
            self._sound.end()
        for moment in self._av_sync.ready(ended=True):
            if not self._queue.put(moment):
                return

    def close(self) -> None:
        self._queue.stop()
        interrupt(self._thread)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)

    def _close_inputs(self) -> None:
        if self._microphone is not None:
            self._microphone.close()
        self._container.close()


def _until_closed(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets until the other side closes, which FFmpeg reports as an I/O error over HTTP."""
    try:
        yield from packets
    except OSError as error:
        if error.errno != errno.EIO:
            raise
