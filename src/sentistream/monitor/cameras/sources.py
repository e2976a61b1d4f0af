"""From a camera's settings to its moments."""

from __future__ import annotations

import re

from sentistream.media import Source, open_source
from sentistream.media.pacing import PacedSource
from sentistream.monitor.settings import CameraSettings


def open_camera(camera: CameraSettings, *, tick: float, sound_window: float) -> Source:
    """A configured camera's moments, as live as it is.

    Args:
        camera: Its settings.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.

    Raises:
        InputError: It cannot be opened.
    """
    text = camera.source.get_secret_value()
    source = int(text) if re.fullmatch(r"[0-9]{1,3}", text) else text
    opened = open_source(source, tick=tick, sound_window=sound_window, threads=1)
    return opened if opened.info.live else PacedSource(opened, camera.pace)
