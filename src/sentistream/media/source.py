"""The interface of all sources: their metadata, fault counts and moments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from sentistream.types import Moment

MAX_SIZES = 16
"""Sizes of pictures that ``MediaInfo`` lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """A source's metadata.

    Attributes:
        name: The file's name, the camera's path or the address (without a password).
        container: FFmpeg's name of the container format.
        duration: Seconds of picture as far as the container says; None when it does not.
        width, height: Pixels of the upright picture.
        frame_rate: Average pictures a second; None when the container does not say.
        rotation: Clockwise degrees by which pictures are turned upright: 0, 90, 180, 270.
        video_codec: FFmpeg's name of the picture's codec.
        audio_codec: FFmpeg's name of the sound's codec; None without sound.
        audio_rate: The sound's own sampling rate, Hz; None without sound.
        audio_channels: The sound's own channels; None without sound.
        live: True for cameras and streams, which go on by themselves.
        video_track, audio_track: The tracks that are read, among those of their kind, from 1;
            None if no sound is.
        remarks: A sentence for each choice between several tracks.
        sizes: Every size of upright pictures so far, (width, height), the first 16 of them;
            ``width`` and ``height`` are those of the first.
        decoder: What decodes its pictures: ``software``, or one of ``decoder_names.HARDWARE``.
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
        """The same where that size was seen before, else with it; pixels."""
        size = width, height
        if size in self.sizes or len(self.sizes) >= MAX_SIZES:
            return self
        return replace(self, sizes=(*self.sizes, size))


@dataclass(slots=True)
class Faults:
    """Counts of what could not be decoded, kept while the moments are read.

    Attributes:
        video_errors: Packets that could not be decoded and pictures that came out damaged.
        audio_errors: Packets of sound that could not be read or decoded.
        skipped_seconds: Seconds of the media clock without moments because their pictures
            were damaged, missing at the end, or absent for longer than a still is believed.
        dropped_moments: Moments of a live source that came faster than they were taken.
        size_changes: How often the pictures changed their size, shape or turn; nothing is left
            out of them: each is analyzed as it is.
        cancelling_seconds: Seconds of sound whose channels would have cancelled each other;
            nothing is left out of it, as one was turned over before they were mixed.
        unheard_seconds: Seconds of sound in packets that could not be decoded, as far as they
            say how long they are.
        sound_changes: How often the sound changed its rate or channels; nothing is left out.
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
    """Moments on one clock, read once: iterate it, and close it (it is a context manager).

    Attributes:
        info: Facts about it.
        faults: What was left out so far.
        lag: Seconds by which reading a live source is behind what it sends, as far as is known.
    """

    info: MediaInfo
    faults: Faults
    lag: float = 0.0

    @property
    def skips_pictures(self) -> bool:
        """Whether ``limit_decoding``, or reading that is behind, makes for less work here."""
        return False

    def limit_decoding(self, share: float) -> None:  # noqa: B027 - most have nothing to limit
        """Decodes about this share (0 to 1) of the pictures from now on.

        Only pictures that no other refers to are left out, so it may be more. May be called from
        any thread; sources that do not decode themselves ignore it.
        """

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
