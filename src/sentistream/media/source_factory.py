"""Opens the source that fits a path, camera number or address."""

from __future__ import annotations

import math
import re
from pathlib import Path

from sentistream.decoder_names import SOFTWARE
from sentistream.errors import InputError
from sentistream.media.capture_devices import open_microphone, open_video_device
from sentistream.media.file_source import FileSource
from sentistream.media.live_source import LiveSource
from sentistream.media.network_stream import Transport, open_address
from sentistream.media.source import Source
from sentistream.media.source_address import DEVICE, scheme
from sentistream.redaction import shown_address


def open_source(
    source: str | Path | int,
    *,
    tick: float,
    sound_window: float,
    threads: int = 0,
    video_track: int | None = None,
    audio_track: int | None = None,
    decoder: str = SOFTWARE,
) -> Source:
    """The moments of a video file, a camera or a stream.

    Args:
        source: A file's path; a camera's number (an int, or a str of digits when no file is
            called that) or device path such as ``/dev/video0``; or an address such as
            ``rtsp://...`` or ``http://...``.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.
        threads: Threads that decode a file; 0 to let the decoder decide. One takes the least
            work and memory, several are faster.
        video_track, audio_track: Tracks of a file or stream, numbered within their kind
            from 1; None to choose those that can be decoded and are not empty.
        decoder: One of ``decoder_names.DECODERS``; webcams are always decoded in software.

    Raises:
        InputError: It cannot be analyzed.
        ValueError: ``tick`` or ``sound_window`` is not positive.
    """
    check_seconds(tick=tick, sound_window=sound_window)
    if isinstance(source, int):
        return open_webcam(source, tick=tick, sound_window=sound_window)
    if isinstance(source, str) and not Path(source).exists():
        if scheme(source) is not None:
            return open_stream(
                source,
                tick=tick,
                sound_window=sound_window,
                video_track=video_track,
                audio_track=audio_track,
                decoder=decoder,
            )
        if re.fullmatch(r"[0-9]{1,3}", source):
            return open_webcam(int(source), tick=tick, sound_window=sound_window)
    if DEVICE.fullmatch(str(source)):
        return open_webcam(str(source), tick=tick, sound_window=sound_window)
    if "\0" in str(source):
        raise InputError("A path must not contain zero bytes.", "Check the spelling of the path.")
    return FileSource(
        Path(source),
        tick=tick,
        sound_window=sound_window,
        threads=threads,
        video_track=video_track,
        audio_track=audio_track,
        decoder=decoder,
    )


def open_webcam(
    camera: int | str, *, tick: float, sound_window: float, microphone: str = ""
) -> LiveSource:
    """The moments of a camera of this machine.

    Args:
        camera: Its number, or the path of its device.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.
        microphone: The ALSA name of its microphone; None for none.

    Raises:
        InputError: There is no such camera or microphone, or it sends nothing.
    """
    pictures = open_video_device(camera)
    try:
        sound = open_microphone(microphone) if microphone else None
    except BaseException:
        pictures.close()
        raise
    return LiveSource(
        pictures,
        name=f"Camera {camera}",
        tick=tick,
        sound_window=sound_window,
        microphone=sound,
    )


def open_stream(
    address: str,
    *,
    tick: float,
    sound_window: float,
    transport: Transport = "tcp",
    sound: bool = True,
    video_track: int | None = None,
    audio_track: int | None = None,
    decoder: str = SOFTWARE,
    remarks: tuple[str, ...] = (),
) -> LiveSource:
    """The moments of a stream, for instance ``rtsp://...`` or ``http://...``.

    Args:
        address: Its address.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.
        transport: RTSP transport.
        sound: Whether its sound is decoded at all.
        video_track, audio_track: Numbers within their kind, from 1; None to choose.
        decoder: One of ``decoder_names.DECODERS``.
        remarks: Additional remarks for ``info``.

    Raises:
        InputError: It does not answer, or sends no pictures.
    """
    return LiveSource(
        open_address(address, transport=transport),
        name=shown_address(address),
        tick=tick,
        sound_window=sound_window,
        sound=sound,
        video_track=video_track,
        audio_track=audio_track,
        decoder=decoder,
        remarks=remarks,
    )


def check_seconds(**values: float) -> None:
    """Raises ValueError for the first value that is not positive."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is a positive number of seconds, not {value}.")
