"""A clip with one face always in view, so that a second without a reading is a lost one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from sentistream.demo.portrait import Portrait
from sentistream.demo.speech import speak
from sentistream.types import SOUND_RATE

LENGTH = 8.0
"""Seconds: before the demonstration's portrait looks away."""
RATE = 15
SIZE = (640, 360)


def write_portrait(path: Path) -> Path:
    """An mp4 of the demonstration's portrait, panned there and back, with its voice."""
    portrait = Portrait()
    pictures = round(LENGTH * RATE)
    samples = speak()[: round(LENGTH * SOUND_RATE)]
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "bf": "0"})
        assert isinstance(video, VideoStream)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = RATE
        audio = output.add_stream("aac", rate=SOUND_RATE, layout="mono")
        assert isinstance(audio, AudioStream)
        for number in range(pictures):
            # there and back: the end matches the beginning
            time = LENGTH * (1 - abs(2 * number / pictures - 1))
            frame = av.VideoFrame.from_ndarray(portrait.draw(time, SIZE), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(video.encode(frame))
            start = number * SOUND_RATE // RATE
            block = samples[start : start + SOUND_RATE // RATE]
            sound = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            sound.sample_rate, sound.pts = SOUND_RATE, start
            sound.time_base = Fraction(1, SOUND_RATE)
            output.mux(audio.encode(sound))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    return path
