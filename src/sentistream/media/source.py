"""The interface of all sources: their metadata, fault counts and moments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from sentistream.types import Moment

MAX_SIZES = 16
"""Most picture sizes that ``MediaInfo`` lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """A source's metadata.

    Attributes:
        name: The file's name, the camera's path or the address (without a password).
        container: FFmpeg's name of the container format.
        duration: Seconds of video according to the container; None if unknown.
        width, height: Pixels of the upright picture.
        frame_rate: Average pictures a second; None if unknown.
        rotation: Clockwise degrees by which pictures are turned upright: 0, 90, 180, 270.
        video_codec: FFmpeg's name of the video codec.
        audio_codec: FFmpeg's name of the audio codec; None without sound.
        audio_rate: The sound's own sampling rate, Hz; None without sound.
        audio_channels: The sound's own channels; None without sound.
        live: True for cameras and streams, which do not wait for the reader.
        video_track, audio_track: The tracks that are read, counted within their kind from 1;
            None if no sound is.
        remarks: A sentence for each choice between several tracks.
        sizes: The sizes of upright pictures so far, (width, height), the first 16 of them;
            ``width`` and ``height`` are the first.
        decoder: The decoder of its pictures: ``software``, or one of ``decoder_names.HARDWARE``.
    """

    name: str
    container: str
    duration: float | None
    width: int
    height: int
    frame_rate: float | None
    rotation: int
    video_codec: str
    audio_codec: str | None
    audio_rate: int | None
    audio_channels: int | None
    live: bool
    video_track: int = 1
    audio_track: int | None = None
    remarks: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    decoder: str = "software"

    def with_size(self, width: int, height: int) -> MediaInfo:
        """The metadata with this size, in pixels, added to ``sizes`` if it is new."""
        size = width, height
        if size in self.sizes or len(self.sizes) >= MAX_SIZES:
            return self
        return replace(self, sizes=(*self.sizes, size))


@dataclass(slots=True)
class Faults:
    """Counts of what could not be decoded, kept while the moments are read.

    Attributes:
        video_errors: Packets that could not be decoded, and damaged pictures.
        audio_errors: Audio packets that could not be read or decoded.
        skipped_seconds: Seconds of the media clock without moments because their pictures
            were damaged, missing at the end, or absent for longer than a still is believed.
        dropped_moments: Moments of a live source that came faster than they were taken, or were
            left out where reading caught up.
        size_changes: How often the pictures changed their size, shape or turn; nothing is left
            out of them: each is analyzed as it is.
        cancelling_seconds: Seconds of sound whose channels would have cancelled each other;
            nothing is skipped, because one was inverted before mixing.
        unheard_seconds: Seconds of sound in packets that could not be decoded, as far as their
            duration is known.
        sound_changes: How often the sound changed its rate or channels; nothing is skipped.
    """

    video_errors: int = 0
    audio_errors: int = 0
    skipped_seconds: float = 0.0
    dropped_moments: int = 0
    size_changes: int = 0
    cancelling_seconds: float = 0.0
    unheard_seconds: float = 0.0
    sound_changes: int = 0

    def __bool__(self) -> bool:
        return bool(
            self.video_errors or self.audio_errors or self.skipped_seconds or self.dropped_moments
        )


class Source(ABC):
    """Moments on one clock, read once: iterate over it, and close it (it is a context manager).

    Attributes:
        info: Its metadata.
        faults: What was skipped so far.
        lag: Seconds by which reading lags behind a live source, as far as known.
    """

    info: MediaInfo
    faults: Faults
    lag: float = 0.0

    def limit_decoding(self, share: float) -> float:
        """Decodes about this share (0 to 1) of the pictures from now on, as far as coding allows.

        May be called from any thread; sources that do not decode themselves ignore it.

        Returns:
            The share of the decoded pictures that is to be analyzed, so that it is about ``share``
            of all: 1 where enough can be left out before it is decoded.
        """
        return share

    def __iter__(self) -> Iterator[Moment]:
        return self

    @abstractmethod
    def __next__(self) -> Moment:
        """The next moment; StopIteration at the end and after ``close``."""

    @abstractmethod
    def close(self) -> None:
        """Releases files, devices and threads; safe to call twice and from another thread."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
