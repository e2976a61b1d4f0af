"""Bugs reported by users of other projects, with the correct results."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import VideoFrame
from PIL import Image

from sentistream.errors import InputError
from sentistream.media import open_source
from sentistream.media.image_file import read_image
from synthetic_clips import flashing, write_clip

RED = (200, 60, 60)


def test_changing_pixel_format_in_mid_stream_is_converted(tmp_path: Path) -> None:
    """PyAV: a reformatter made for the first picture's format misreads later ones."""
    path = tmp_path / "formats.mkv"
    formats = ("yuvj420p", "yuvj444p", "yuvj422p")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, formats[0]
        for place, name in enumerate(formats):
            encoder: Any = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = 64, 48, name
            encoder.time_base = Fraction(1, 25)
            for number in range(10):
                frame = VideoFrame.from_ndarray(np.full((48, 64, 3), RED, np.uint8), format="rgb24")
                frame = frame.reformat(format=name)
                frame.pts, frame.time_base = place * 10 + number, Fraction(1, 25)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    with open_source(path, tick=0.04, sound_window=0.04) as source:
        seen = [moment.picture.rgb().mean((0, 1)) for moment in source]
        assert not source.faults
    assert len(seen) == 30
    assert np.allclose(seen, RED, atol=4)


def test_recording_whose_timestamps_restart_is_continued(tmp_path: Path) -> None:
    """Frigate: concatenated segments whose timestamps return to the start."""
    once = write_clip(
        tmp_path / "once.ts", flashing(2, []), codec="libx264", codec_options={"bf": "0"}
    )
    twice = tmp_path / "twice.ts"
    twice.write_bytes(once.read_bytes() * 2)
    with open_source(twice, tick=0.04, sound_window=0.04) as source:
        times = [moment.time for moment in source]
    assert len(times) == pytest.approx(100, abs=2)
    assert all(before < after for before, after in pairwise(times))


def test_grey_alpha_image_with_a_non_ascii_name_is_read(tmp_path: Path) -> None:
    """DeepFace: images with non-ASCII names or two channels are rejected."""
    path = tmp_path / "Zoë 图.png"
    Image.new("LA", (40, 30), (200, 255)).save(path)
    assert np.all(read_image(path) == 200)
    numbers = tmp_path / "numbers.tif"
    Image.fromarray(np.full((40, 40), 0.5, np.float32)).save(numbers)
    with pytest.raises(InputError, match=r"numbers\.tif cannot be read as an image"):
        read_image(numbers)
