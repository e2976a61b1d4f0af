"""Opening containers safely: a local file is read as that one file and nothing else."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import av.container
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image, UnidentifiedImageError

from sentistream.errors import InputError
from sentistream.media.frame_reader import clock_zero
from sentistream.media.orientation import Orientation
from sentistream.media.source import MediaInfo
from sentistream.redaction import shown_address
from sentistream.translatable import Translatable

MAX_PIXELS = 8192 * 8192
"""The largest picture that is decoded; a larger one is an InputError."""

# Self-contained formats only. Excluded on purpose: playlists and anything else that refers to other
# files or addresses (hls, dash, concat, sdp, image2, imf, vobsub), scripts (avisynth, lavfi), and
# single pictures.
FORMATS = (
    "3g2,3gp,aac,ac3,aiff,amr,ape,apng,asf,asf_o,au,av1,avi,avs2,avs3,caf,cavsvideo,dirac,"
    "dnxhd,dts,dv,eac3,flac,flv,gif,gxf,h261,h263,h264,hevc,ivf,kux,live_flv,m4a,m4v,"
    "matroska,mj2,mjpeg,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mpjpeg,mxf,nistsphere,nsv,nut,nuv,obu,ogg,"
    "rm,swf,tta,ty,vc1,vvc,w64,wav,webm,wtv,wv,yuv4mpegpipe"
)
_PICTURES = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM", "ICO", "JPEG2000", "PSD")


def open_file(path: Path) -> InputContainer:
    """A local video file.

    Raises:
        InputError: It is missing, unreadable, not a video, or its pictures are too large.
    """
    if path.is_dir():
        raise InputError(Translatable("{path} is a folder.", path=path), "Name a video file in it.")
    if not path.exists():
        raise InputError(
            Translatable("There is no file {path}.", path=shown_address(str(path))),
            "Check the spelling of the path.",
        )
    if not path.is_file():
        raise InputError(
            Translatable("{path} is not an ordinary file.", path=path), "Name a video file."
        )
    if not os.access(path, os.R_OK):
        raise InputError(
            Translatable("{path} may not be read.", path=path),
            "Give yourself permission to read it.",
        )
    if path.stat().st_size == 0:
        raise InputError(
            Translatable("{path} is empty (zero bytes).", path=path),
            "Copy or record the video again.",
        )
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        container = av.container.open(
            f"file:{path}", "r", options=options, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        if _is_picture(path):
            raise InputError(
                Translatable("{path} is a single picture, not a video.", path=path),
                "Name a video; sentiment is read over time, from moving pictures and sound.",
            ) from None
        raise InputError(
            Translatable(
                "{path} cannot be read as a video ({words}).", path=path, words=reason(error)
            ),
            "It may be damaged, cut short or of another kind; see whether a player shows it.",
        ) from error
    return container


def _is_picture(path: Path) -> bool:
    Image.init()
    try:
        with Image.open(path, formats=_PICTURES) as image:
            return image.format is not None
    except Image.DecompressionBombError:
        return True
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return False


def reason(error: Exception) -> str:
    """FFmpeg's error message, without the path."""
    words = getattr(error, "strerror", None) or str(error)
    return Translatable(str(words).rstrip(".").lower())


def pixel_aspect(stream: VideoStream) -> float:
    """Width of a pixel divided by its height; 1 if the video has no usable ratio."""
    return sensible_aspect(stream.sample_aspect_ratio)


def sensible_aspect(ratio: Fraction | None) -> float:
    """A video's sample aspect ratio; 1 if it has none, or one outside 1/4 to 4."""
    value = float(ratio or 1)
    return value if 1 / 4 <= value <= 4 else 1.0


def describe(
    container: InputContainer,
    video: VideoStream,
    audio: AudioStream | None,
    *,
    name: str,
    size: tuple[int, int],
    orientation: Orientation,
    live: bool,
    tracks: tuple[int, int | None] = (1, None),
    remarks: tuple[str, ...] = (),
) -> MediaInfo:
    """The facts about an opened container.

    Args:
        size: The size of its upright pictures.
        tracks: The numbers of the video and audio tracks that are read, from 1.
        remarks: Remarks on their choice.
    """
    duration: float | None = None
    if not live:
        if video.duration and video.time_base:
            start = float((video.start_time or 0) * video.time_base) - clock_zero(container)
            duration = start + float(video.duration * video.time_base)
        elif container.duration:
            duration = container.duration / av.time_base
    return MediaInfo(
        name=name,
        container=container.format.name,
        duration=duration,
        width=size[0],
        height=size[1],
        frame_rate=float(video.average_rate) if video.average_rate else None,
        rotation=orientation.degrees,
        video_codec=video.codec_context.codec.canonical_name,
        audio_codec=None if audio is None else audio.codec_context.codec.canonical_name,
        audio_rate=None if audio is None else audio.sample_rate,
        audio_channels=None if audio is None else audio.channels,
        live=live,
        video_track=tracks[0],
        audio_track=tracks[1],
        remarks=remarks,
        sizes=(size,),
    )
