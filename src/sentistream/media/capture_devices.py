"""This machine's cameras and microphones (Linux: Video4Linux and ALSA).

A webcam and its microphone are two inputs. Both are stamped with the system clock at capture:
FFmpeg's ``v4l2`` converts the driver's timestamps (``ts=abs``), and its ``alsa`` takes the time
of each block minus what is still buffered in the device.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import av
import av.container
from av import FFmpegError
from av.container import InputContainer

from sentistream.errors import InputError
from sentistream.media.container import reason
from sentistream.media.network_stream import OPEN_TIMEOUT, READ_TIMEOUT
from sentistream.translatable import Translatable


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that can be named by its number.

    Attributes:
        index: What to give to ``open_source``.
        path: Its device file.
        name: What its driver calls it; empty when it does not say.
    """

    index: int
    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.index}: {self.name or 'camera'} ({self.path})"


def list_cameras(
    devices: Path = Path("/dev"), facts: Path = Path("/sys/class/video4linux")
) -> tuple[Camera, ...]:
    """The cameras, by number; device files that carry only metadata are left out."""
    cameras = []
    for path in devices.glob("video*"):
        number = re.fullmatch(r"video(\d+)", path.name)
        # a camera's second device file carries its metadata, not pictures
        if number is None or _fact(facts / path.name / "index") not in ("", "0"):
            continue
        cameras.append(Camera(int(number[1]), path, _fact(facts / path.name / "name")))
    return tuple(sorted(cameras, key=lambda camera: camera.index))


def _fact(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


# most cameras reach their larger pictures only as JPEG
_CAMERA_OPTIONS: tuple[dict[str, str], ...] = (
    {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30", "ts": "abs"},
    {"ts": "abs"},
    {},
)
_ALSA_DEFINITIONS = Path("/usr/share/alsa/alsa.conf")


def open_video_device(camera: int | str) -> InputContainer:
    """A camera by number, or by the path of its device (``/dev/video0``, ``/dev/v4l/by-id/...``).

    Raises:
        InputError: There is none, or it cannot be read.
    """
    device = Path(f"/dev/video{camera}" if isinstance(camera, int) else camera)
    if not device.exists():
        known = ", ".join(str(camera.index) for camera in list_cameras()) or Translatable("none")
        raise InputError(
            Translatable(
                "There is no camera {number}: this machine has {known}.", number=camera, known=known
            ),
            "See which exist: sentistream doctor.",
        )
    error: Exception | None = None
    for options in _CAMERA_OPTIONS:
        try:
            return av.container.open(
                str(device),
                "r",
                format="v4l2",
                options=options,
                timeout=(OPEN_TIMEOUT, READ_TIMEOUT),
            )
        except (FFmpegError, OSError, ValueError) as refused:
            error = refused
    words = "" if error is None else reason(error)
    raise InputError(
        Translatable("Camera {number} cannot be opened ({words}).", number=camera, words=words),
        Translatable(
            "Close other programs that use it, and see that you may read {device}.", device=device
        ),
    ) from error


def open_microphone(device: str) -> InputContainer:
    """A microphone by its ALSA name, for instance ``hw:1`` or ``default``.

    Raises:
        InputError: There is none, it cannot be read, or this FFmpeg knows no ALSA.
    """
    if "alsa" not in av.formats_available:
        raise InputError(
            "This build of FFmpeg cannot read microphones (it lacks ALSA).",
            "Switch the camera's sound off, or install PyAV with ALSA.",
        )
    # PyAV's own ALSA looks for its definitions under /tmp, where anybody may write
    os.environ.setdefault("ALSA_CONFIG_PATH", str(_ALSA_DEFINITIONS))
    try:
        return av.container.open(device, "r", format="alsa", timeout=(OPEN_TIMEOUT, READ_TIMEOUT))
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(
            Translatable(
                "The microphone {device} cannot be opened ({words}).",
                device=device,
                words=reason(error),
            ),
            Translatable(
                "arecord -l lists those that exist (hw:1 is card 1); ALSA's definitions must be "
                "in {path} (Debian: libasound2-data).",
                path=_ALSA_DEFINITIONS,
            ),
        ) from error
