"""Moments from a recorded file."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from av import FFmpegError
from av.audio.stream import AudioStream
from av.container import InputContainer

from sentistream.decoder_names import SOFTWARE
from sentistream.errors import InputError
from sentistream.media.container import describe, open_file, pixel_aspect
from sentistream.media.decoder import Decoder
from sentistream.media.demux import Demuxer
from sentistream.media.frame_geometry import PictureBuilder, with_orientation
from sentistream.media.frame_reader import FrameReader, TimedFrame, nanosecond
from sentistream.media.picture import YuvPicture
from sentistream.media.sound import SoundReader
from sentistream.media.source import Faults, MediaInfo, Source
from sentistream.media.track_selection import choose_tracks
from sentistream.translatable import Translatable
from sentistream.types import SOUND_RATE, FloatArray, Moment

LONGEST_STILL = 60.0
"""How long a picture stays current when none follows, seconds; the rest of a longer gap
has no moments."""
_MISSING_END = 0.5


class FileSource(Source):
    """A video file on the media clock, whose zero is where a player would start.

    A moment every ``tick`` seconds from the first picture's time to the last picture's end,
    each with the newest picture at or before it (ticks that share a frame share the very
    same picture object) and the ``sound_window`` seconds of sound that end at it.

    Memory is bounded however pictures and sound are interleaved. ``threads`` is the number of
    video decoding threads; 0 to let the decoder decide. Without ``sound`` its sound is
    not even decoded. ``video_track`` and ``audio_track`` are numbers within their kind,
    from 1; None to choose. ``decoder`` is one of ``decoder_names.DECODERS``.

    Pictures that no tick needs and no other picture refers to are not decoded, unless ``whole``.

    Raises:
        InputError: The file cannot be analyzed.
    """

    def __init__(
        self,
        path: Path,
        *,
        tick: float,
        sound_window: float,
        threads: int = 0,
        sound: bool = True,
        video_track: int | None = None,
        audio_track: int | None = None,
        decoder: str = SOFTWARE,
        whole: bool = False,
    ) -> None:
        self.faults: Faults = Faults()
        self._requested_tracks = video_track, audio_track
        self._requested_decoder = decoder
        self._whole = whole
        self._tick = tick
        self._decodes_sound = sound
        self._threads = threads
        self._sound_window = sound_window
        self._lock = threading.Lock()
        self._closed = False
        self._containers = [open_file(path)]
        try:
            self._open(path)
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path) -> None:
        container = self._containers[0]
        tracks = choose_tracks(
            container,
            str(path),
            video=self._requested_tracks[0],
            audio=self._requested_tracks[1] if self._decodes_sound else None,
            sound=self._decodes_sound,
            threads=self._threads,
            again=partial(open_file, path),
        )
        video, audio = tracks.video, tracks.audio
        self._decoder = decoder = Decoder(video, self._requested_decoder)
        self._sound: SoundReader | None = None
        if audio is None:
            self._reader = FrameReader(container, video, self.faults, decoder=decoder)
        else:
            again = partial(_open_again, path, self._containers, audio.index)
            both = Demuxer(container, audio, self.faults, again)
            self._reader = FrameReader(container, video, self.faults, both.video_packets(), decoder)
            self._sound = SoundReader(container, audio, self.faults, source=both.audio_packets())
        self._frames = with_orientation(self._reader)
        first = next(self._frames, None)
        if first is None:
            raise InputError(
                Translatable("None of the pictures of {path} can be decoded.", path=path),
                "It may be damaged; see whether a player shows it.",
            )
        self._pictures = PictureBuilder(
            self.faults, pixel_aspect=pixel_aspect(video), codec=video.codec_context
        )
        picture = self._pictures.picture(first)
        self.info: MediaInfo = describe(
            container,
            video,
            audio,
            name=path.name,
            size=(picture.width, picture.height),
            orientation=self._pictures.orientation,
            live=False,
            tracks=(tracks.video_number, tracks.audio_number),
            remarks=tracks.remarks,
        )
        self.info = decoder.described(self.info)
        self._declared_end = container.duration
        self._moments = self._pair(first, picture)

    def __next__(self) -> Moment:
        with self._lock:
            if self._closed:
                raise StopIteration
            return next(self._moments)

    def sound_after(self, time: float) -> FloatArray | None:
        """The sound of one window from ``time`` on, with silence where there is none.

        For the end of the file, after its last moment; None without sound.
        """
        with self._lock:
            if self._sound is None or self._closed:
                return None
            start = round(time * SOUND_RATE)
            stop = start + round(self._sound_window * SOUND_RATE)
            return np.asarray(self._sound.block(start, stop)[0])

    def limit_decoding(self, share: float) -> float:
        return self._reader.limit_decoding(share)

    def catch_up(self, now: float, until: float) -> None:
        """Skips decoding up to the first keyframe from ``until`` seconds on."""
        self._reader.skipper.catch_up(now, until)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            # generators that reference this object would keep its buffers until cycles are
            # collected
            self._moments, self._frames = iter(()), iter(())
            for container in self._containers:
                container.close()

    def _pair(self, current: TimedFrame, picture: YuvPicture) -> Iterator[Moment]:
        origin, ticks = current.time, 0
        # the pictures of all ticks stay the same
        if not self._whole:
            self._reader.skipper.set_ticks(origin, self._tick)
        pictured = current
        following = next(self._frames, None)
        while True:
            time = nanosecond(origin + ticks * self._tick)
            while following is not None and following.time <= time:
                current, following = following, next(self._frames, None)
            shown_until = max(nanosecond(current.end), self._reader.skipper.left_out_until)
            if following is None and time >= shown_until and ticks:
                break
            if following is not None and time >= self._shown_until(current, following):
                resumed = max(math.ceil((following.time - origin) / self._tick), ticks + 1)
                if following.after_gap:
                    self.faults.dropped_moments += resumed - ticks
                else:
                    self.faults.skipped_seconds += (resumed - ticks) * self._tick
                ticks = resumed
                continue
            if current is not pictured:
                try:
                    picture, pictured = self._pictures.picture(current), current
                    self.info = self.info.with_size(picture.width, picture.height)
                    self.info = self._decoder.described(self.info)
                except (FFmpegError, ValueError):
                    self.faults.video_errors += 1
            sound = None
            if self._sound is not None:
                sound = self._sound.window(time, self._sound_window)
            yield Moment(time, picture, pictured.time, sound)
            ticks += 1
        self._count_missing_end()

    def _shown_until(self, current: TimedFrame, following: TimedFrame) -> float:
        """Until when the current picture is valid while no other follows, seconds."""
        if following.after_fault or following.after_gap:
            return max(current.end, current.time + self._tick)
        return current.time + LONGEST_STILL

    def _count_missing_end(self) -> None:
        """Counts as skipped what a truncated file declares but does not contain."""
        if self._declared_end and self.info.container != "ogg":  # whose length is a guess
            missing = self._declared_end / 1e6 - self._reader.reached
            if missing > _MISSING_END:
                self.faults.skipped_seconds += missing


def _open_again(
    path: Path, containers: list[InputContainer], index: int
) -> tuple[InputContainer, AudioStream | None]:
    """Opens the file again; closed with the others."""
    container = open_file(path)
    containers.append(container)
    stream = container.streams[index] if index < len(container.streams) else None
    return container, stream if isinstance(stream, AudioStream) else None
