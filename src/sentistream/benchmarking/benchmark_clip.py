"""The clip that everything is measured on, made as long as necessary."""

from __future__ import annotations

import math
from pathlib import Path

import av
import av.container

from sentistream.errors import InputError
from sentistream.media import open_source


def loop_clip(source: Path, seconds: float, folder: Path, *, form: str = "mkv") -> Path:
    """The clip repeated, without re-encoding, until it is long enough.

    Args:
        source: A video; one that is long enough is returned as it is.
        seconds: How long it has to be.
        folder: Where to write.
        form: The suffix of the file; ``ts`` has no index that grows with its length.

    Raises:
        InputError: It cannot be analyzed, or its length is not known.
    """
    with open_source(source, tick=1.0, sound_window=0.03) as opened:
        duration = opened.info.duration
    if duration is None or duration <= 0:
        raise InputError(f"The length of {source} is not known.", "Name an ordinary video file.")
    times = math.ceil(seconds / duration)
    if times == 1:
        return source
    target = folder / f"{times} times {source.stem}.{form}"
    with av.container.open(str(target), "w") as written:
        streams = {}
        with av.container.open(str(source)) as read:
            for stream in (*read.streams.video[:1], *read.streams.audio[:1]):
                streams[stream.index] = written.add_stream_from_template(stream)
        last: dict[int, int] = {}
        for number in range(times):
            with av.container.open(str(source)) as read:
                for packet in read.demux():
                    if packet.dts is None or packet.stream.index not in streams:
                        continue
                    later = round(number * duration / packet.time_base)
                    pts, dts = (packet.pts or 0) + later, packet.dts + later
                    # sound begins before its picture and ends after it: copies overlap a little
                    if dts <= last.get(packet.stream.index, dts - 1):
                        continue
                    last[packet.stream.index] = dts
                    packet.pts, packet.dts = pts, dts
                    packet.stream = streams[packet.stream.index]
                    written.mux(packet)
    return target
