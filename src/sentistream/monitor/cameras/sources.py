"""From a camera's settings to the source that reads it."""

from __future__ import annotations

import re
from pathlib import Path

from sentistream.errors import InputError
from sentistream.media.addresses import DEVICE, scheme
from sentistream.media.looping import LoopSource
from sentistream.media.opening import check_seconds, open_stream, open_webcam
from sentistream.media.source import Source
from sentistream.monitor.settings import CameraSettings


def open_camera(camera: CameraSettings, *, tick: float, sound_window: float) -> Source:
    """The moments of a camera, which go on by themselves.

    A webcam is heard only where its microphone is named. A file is played at its pace, again
    and again. Without ``camera.sound`` no sound is decoded.

    Args:
        camera: What and how to read.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.

    Raises:
        InputError: It cannot be read; the words hold no password.
        ValueError: ``tick`` or ``sound_window`` is not positive.
    """
    check_seconds(tick=tick, sound_window=sound_window)
    source = camera.source.get_secret_value().strip()
    if re.fullmatch(r"[0-9]{1,3}", source) or DEVICE.fullmatch(source):
        return open_webcam(
            int(source) if source.isdigit() else source,
            tick=tick,
            sound_window=sound_window,
            microphone=camera.microphone if camera.sound else "",
        )
    if scheme(source) is not None:
        return open_stream(
            source,
            tick=tick,
            sound_window=sound_window,
            transport=camera.transport,
            sound=camera.sound,
            video_track=camera.video_track or None,
            audio_track=camera.audio_track or None,
        )
    return LoopSource(
        _file(source),
        tick=tick,
        sound_window=sound_window,
        pace=camera.pace,
        sound=camera.sound,
        video_track=camera.video_track or None,
        audio_track=camera.audio_track or None,
    )


def _file(path: str) -> Path:
    if "\0" in path:
        raise InputError("A path holds no zero bytes.", "Check the spelling of the path.")
    return Path(path).expanduser()
