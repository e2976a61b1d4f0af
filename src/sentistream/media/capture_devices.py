"""This machine's cameras and microphones.

A webcam and its microphone are two FFmpeg inputs, stamped with one clock at capture:

========  ===================  ===============  ================================================
System    Camera               Microphone       Clock
========  ===================  ===============  ================================================
Linux     Video4Linux          ALSA             the system's: ``v4l2`` converts the driver's
                                                timestamps (``ts=abs``), ``alsa`` takes the time
                                                of a block minus what is still in the device
macOS     AVFoundation         AVFoundation     the host's, by which all captures are stamped
Windows   DirectShow           DirectShow       the graph's reference clock
========  ===================  ===============  ================================================
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import av.container
from av import FFmpegError
from av.container import InputContainer

from sentistream.errors import InputError
from sentistream.media.container import reason
from sentistream.media.network_stream import OPEN_TIMEOUT, READ_TIMEOUT
from sentistream.operating_system import System, system
from sentistream.translatable import Translatable

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that can be opened by its number.

    Attributes:
        index: The number for ``open_source``.
        device: Its device file; on systems without one, the name FFmpeg opens it by.
        name: Its driver's name for it; empty if unknown.
    """

    index: int
    device: str
    name: str

    def __str__(self) -> str:
        return f"{self.index}: {self.name or 'camera'} ({self.device})"


def list_cameras() -> tuple[Camera, ...]:
    """The cameras, by number."""
    return _capture().cameras()


def open_video_device(camera: int | str) -> InputContainer:
    """A camera by number; on Linux also by its device (``/dev/video0``, ``/dev/v4l/by-id/...``).

    Raises:
        InputError: There is none, or it cannot be read.
    """
    capture = _capture()
    device = capture.find(camera)
    if device is None:
        known = ", ".join(str(each.index) for each in list_cameras()) or Translatable("none")
        raise InputError(
            Translatable(
                "There is no camera {number}: this machine has {known}.", number=camera, known=known
            ),
            "See which exist: sentistream doctor.",
        )
    error: Exception | None = None
    for options in capture.camera_options:
        try:
            return _open(device, capture.camera_format, options)
        except (FFmpegError, OSError, ValueError) as refused:
            error = refused
    words = "" if error is None else reason(error)
    raise InputError(
        Translatable("Camera {number} cannot be opened ({words}).", number=camera, words=words),
        capture.camera_refused(device),
    ) from error


def open_microphone(device: str) -> InputContainer:
    """A microphone, by its system's name.

    On Linux its ALSA name, for instance ``hw:1`` or ``default``; on macOS its number or name in
    AVFoundation, or ``default`` for the one in use; on Windows its name.

    Raises:
        InputError: There is none, it cannot be read, or this FFmpeg cannot read microphones.
    """
    capture = _capture()
    if capture.microphone_format not in av.formats_available:
        raise InputError(
            Translatable(
                "This build of FFmpeg cannot read microphones (it lacks {format}).",
                format=capture.microphone_name,
            ),
            Translatable(
                "Switch the camera's sound off, or install PyAV with {format}.",
                format=capture.microphone_name,
            ),
        )
    try:
        return _open(capture.microphone(device), capture.microphone_format, {})
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(
            Translatable(
                "The microphone {device} cannot be opened ({words}).",
                device=device,
                words=reason(error),
            ),
            capture.microphone_refused(),
        ) from error


def _open(device: str, form: str, options: Options) -> InputContainer:
    return av.container.open(
        device, "r", format=form, options=dict(options), timeout=(OPEN_TIMEOUT, READ_TIMEOUT)
    )


class _Capture(Protocol):
    """How a system's cameras and microphones are found and opened."""

    camera_format: str
    camera_options: Sequence[Options]
    """Tried in this order; the first that the camera accepts is used."""
    microphone_format: str
    microphone_name: str

    def cameras(self) -> tuple[Camera, ...]: ...

    def find(self, camera: int | str) -> str | None:
        """FFmpeg's name for a camera; None if there is none."""

    def camera_refused(self, device: str) -> str: ...

    def microphone(self, device: str) -> str:
        """FFmpeg's name for a microphone."""

    def microphone_refused(self) -> str: ...


class _Linux:
    camera_format = "v4l2"
    # most cameras send their larger pictures only as JPEG
    camera_options: Sequence[Options] = (
        {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30", "ts": "abs"},
        {"ts": "abs"},
        {},
    )
    microphone_format = "alsa"
    microphone_name = "ALSA"
    devices = Path("/dev")
    facts = Path("/sys/class/video4linux")
    alsa_definitions = Path("/usr/share/alsa/alsa.conf")

    def cameras(self) -> tuple[Camera, ...]:
        cameras = []
        for path in self.devices.glob("video*"):
            number = re.fullmatch(r"video(\d+)", path.name)
            # a camera's second device file carries its metadata, not pictures
            if number is None or _fact(self.facts / path.name / "index") not in ("", "0"):
                continue
            name = _fact(self.facts / path.name / "name")
            cameras.append(Camera(int(number[1]), str(path), name))
        return tuple(sorted(cameras, key=lambda camera: camera.index))

    def find(self, camera: int | str) -> str | None:
        device = self.devices / f"video{camera}" if isinstance(camera, int) else Path(camera)
        return str(device) if device.exists() else None

    def camera_refused(self, device: str) -> str:
        return Translatable(
            "Close other programs that use it, and see that you may read {device}.", device=device
        )

    def microphone(self, device: str) -> str:
        # PyAV's bundled ALSA looks for its definitions under /tmp, which is world-writable
        os.environ.setdefault("ALSA_CONFIG_PATH", str(self.alsa_definitions))
        return device

    def microphone_refused(self) -> str:
        return Translatable(
            "arecord -l lists those that exist (hw:1 is card 1); ALSA's definitions must be "
            "in {path} (Debian: libasound2-data).",
            path=self.alsa_definitions,
        )


def _fact(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class _Enumerated:
    """FFmpeg lists the devices; a camera's number is its index among those with pictures."""

    camera_format: str
    microphone_format: str

    def cameras(self) -> tuple[Camera, ...]:
        found = enumerate(self._devices("video"))
        return tuple(Camera(index, device, name) for index, (device, name) in found)

    def find(self, camera: int | str) -> str | None:
        if not isinstance(camera, int):
            return None
        found = dict(enumerate(device for device, _ in self._devices("video")))
        return found.get(camera)

    def microphone_refused(self) -> str:
        known = ", ".join(name for _, name in self._devices("audio")) or Translatable("none")
        return Translatable("This machine has {known}.", known=known)

    def _devices(self, kind: str) -> Iterator[tuple[str, str]]:
        """FFmpeg's identifier and name of each."""
        try:
            found = av.enumerate_input_devices(self.camera_format)
        except (FFmpegError, OSError, ValueError):  # this FFmpeg lacks the format
            return
        for device in found:
            # AVFoundation lists screens as cameras, too
            if kind in device.media_types and not device.description.startswith("Capture screen"):
                yield self._opened_by(device.name, kind), device.description or device.name

    def _opened_by(self, name: str, kind: str) -> str:
        raise NotImplementedError


class _MacOS(_Enumerated):
    camera_format = microphone_format = "avfoundation"
    microphone_name = "AVFoundation"
    # Macs refuse FFmpeg's default of 29.97 pictures per second
    camera_options: Sequence[Options] = (
        {"video_size": "1280x720", "framerate": "30"},
        {"framerate": "30"},
        {},
    )

    def camera_refused(self, device: str) -> str:
        return Translatable(
            "Close other programs that use it, and allow your terminal the camera in System "
            "Settings, Privacy & Security."
        )

    def microphone(self, device: str) -> str:
        return self._opened_by(device, "audio")

    def _opened_by(self, name: str, kind: str) -> str:
        return f"{name}:none" if kind == "video" else f"none:{name}"


class _Windows(_Enumerated):
    camera_format = microphone_format = "dshow"
    microphone_name = "DirectShow"
    # as on Linux: the larger pictures only as JPEG
    camera_options: Sequence[Options] = (
        {"vcodec": "mjpeg", "video_size": "1280x720", "framerate": "30"},
        {"video_size": "1280x720"},
        {},
    )

    def camera_refused(self, device: str) -> str:
        return Translatable(
            "Close other programs that use it, and let desktop apps use the camera in Settings, "
            "Privacy & security."
        )

    def microphone(self, device: str) -> str:
        return self._opened_by(device, "audio")

    def _opened_by(self, name: str, kind: str) -> str:
        return f"{kind}={name}"


_CAPTURES: Mapping[System, _Capture] = {
    System.LINUX: _Linux(),
    System.MACOS: _MacOS(),
    System.WINDOWS: _Windows(),
}


def _capture() -> _Capture:
    return _CAPTURES[system()]
