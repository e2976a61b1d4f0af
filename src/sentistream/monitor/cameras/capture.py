"""Opens a camera and reads it in a thread; moments that cannot be taken in time are dropped."""

from __future__ import annotations

import dataclasses
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sentistream.errors import InputError, OutputError
from sentistream.media import Faults
from sentistream.media.bounded_queue import BoundedQueue
from sentistream.media.live_source import LiveSource
from sentistream.media.simulated_camera import LoopingSource
from sentistream.media.source import Source
from sentistream.media.source_address import DEVICE, scheme
from sentistream.media.source_factory import check_seconds, open_stream, open_webcam
from sentistream.monitor.settings import CameraSettings
from sentistream.operating_system import lock_file
from sentistream.reports.report_wording import faults_in_words
from sentistream.streams.multi_source import DecodedMoment
from sentistream.translatable import Translatable

DEPTH = 4
"""Moments that may wait; each holds one picture."""

MIN_SMALL_SIDE = 720
"""Least rows and columns of a camera's smaller stream for it to be used."""

DEMO = "demo:"
"""The source's name in the settings for the demo clip."""

DEMO_CLIP = "demonstration.mp4"
"""The clip's file name in the state folder."""

DEMO_SIZE = (960, 540)
"""Its width and height, pixels: drawn in half the time that 720p takes."""


class Capture:
    """Reads one camera in its own thread and keeps its newest moments.

    Args:
        opening: Opens the source; called in the thread, because it may hang.

    Attributes:
        source: The source; None before it is open.
    """

    def __init__(self, opening: Callable[[], Source]) -> None:
        self.source: Source | None = None
        self._opening = opening
        self._queue: BoundedQueue[DecodedMoment] = BoundedQueue(DEPTH, drop_oldest=True)
        threading.Thread(target=self._run, name="capture", daemon=True).start()

    def read(self, timeout: float) -> DecodedMoment | None:
        """The next moment; None if none came within ``timeout`` seconds.

        Raises:
            EOFError: The source has ended.
            Exception: Whatever the source failed with.
        """
        try:
            return self._queue.take(timeout)
        except TimeoutError:
            return None
        except StopIteration:
            raise EOFError from None

    @property
    def dropped(self) -> int:
        """Moments dropped so far, here and in the source."""
        return self._queue.dropped + self._faults.dropped_moments

    @property
    def lag(self) -> float:
        """Seconds by which reading is behind the source."""
        return self.source.lag if self.source else 0.0

    def limit_decoding(self, share: float) -> float:
        """Has the source decode about this share of its pictures, as ``Source`` does."""
        return share if self.source is None else self.source.limit_decoding(share)

    @property
    def damaged(self) -> int:
        """Packets and pictures so far that could not be decoded."""
        return self._faults.video_errors + self._faults.audio_errors

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks on the source, except ``dropped``, a sentence each."""
        if self.source is None:
            return ()
        info = self.source.info
        faults = dataclasses.asdict(self._faults) | {"dropped_moments": 0}
        return (*info.remarks, *faults_in_words(faults, info.sizes))

    @property
    def _faults(self) -> Faults:
        return self.source.faults if self.source else Faults()

    def close(self) -> None:
        """Stops reading, without waiting for a source that hangs."""
        self._queue.stop()
        if self.source is not None:
            self.source.close()

    def _run(self) -> None:
        error: Exception | None = None
        is_empty = True
        try:
            with self._opening() as self.source:
                for moment in self.source:
                    is_empty = False
                    if not self._queue.put(DecodedMoment(moment, time.monotonic())):
                        return
            if is_empty:
                raise InputError("It holds no pictures.", "Name another source.")
        except Exception as problem:
            error = problem
        finally:
            self._queue.end(error)


def open_camera(camera: CameraSettings, *, tick: float, sound_window: float) -> Source:
    """Opens a camera of the settings as an endless source of moments.

    The sound of a webcam is only read if its microphone is named. A file is played in real time, in
    a loop. Without ``camera.sound`` no sound is decoded.

    Args:
        camera: What and how to read.
        tick: Seconds between moments.
        sound_window: Seconds of sound that each moment carries.

    Raises:
        InputError: It cannot be read; the message holds no password.
        ValueError: ``tick`` or ``sound_window`` is not positive.
    """
    check_seconds(tick=tick, sound_window=sound_window)
    source = camera.source.get_secret_value().strip()
    if is_webcam(source):
        return open_webcam(
            int(source) if source.isdigit() else source,
            tick=tick,
            sound_window=sound_window,
            microphone=camera.microphone if camera.sound else "",
        )
    if scheme(source) is not None:
        return _open_stream(camera, source, tick=tick, sound_window=sound_window)
    if "\0" in source:
        raise InputError("A path must not contain zero bytes.", "Check the spelling of the path.")
    return LoopingSource(
        Path(source).expanduser(),
        tick=tick,
        sound_window=sound_window,
        pace=camera.pace,
        sound=camera.sound,
        video_track=camera.video_track or None,
        audio_track=camera.audio_track or None,
        decoder=camera.decoder,
    )


def _open_stream(
    camera: CameraSettings, source: str, *, tick: float, sound_window: float
) -> Source:
    """The camera's smaller stream if it is wanted and large enough, else its source."""

    def opened(address: str, remarks: tuple[str, ...] = ()) -> LiveSource:
        return open_stream(
            address,
            tick=tick,
            sound_window=sound_window,
            transport=camera.transport,
            sound=camera.sound,
            video_track=camera.video_track or None,
            audio_track=camera.audio_track or None,
            decoder=camera.decoder,
            remarks=remarks,
        )

    small = camera.small_source.get_secret_value().strip()
    if not small or camera.stream == "main":
        return opened(source)
    if camera.stream == "sub":
        return opened(small)
    problem: str = Translatable("Its pictures are too small.")
    try:
        smaller = opened(small)
        if min(smaller.info.width, smaller.info.height) >= MIN_SMALL_SIDE:
            return smaller
        smaller.close()
    except InputError as error:
        problem = error.problem
    remark = Translatable("The smaller stream is not used. {reason}", reason=problem)
    return opened(source, (remark,))


def file_problem(source: str) -> str:
    """What is wrong with the file or device that a source names; empty if nothing is.

    It is empty for addresses and webcam numbers: they may be available later.
    """
    path = Path(source).expanduser()
    if DEVICE.fullmatch(source):
        missing = Translatable("There is no such device on this machine.")
        return "" if path.exists() else missing
    if source == DEMO or not is_recording(source):
        return ""
    try:
        if path.is_dir():
            return Translatable("This is a folder; name a video file in it.")
        if not path.exists():
            return Translatable(
                "There is no such file on the machine of the monitor. The address of a network "
                "camera begins with rtsp://."
            )
        is_readable = os.access(path, os.R_OK)
    except OSError:
        is_readable = False
    return "" if is_readable else Translatable("The monitor may not read this file.")


def is_recording(source: str) -> bool:
    """Whether a source of the settings is a file: neither a webcam nor an address."""
    return not (is_webcam(source) or "://" in source)


def is_webcam(source: str) -> bool:
    """Whether a source of the settings is a camera of this machine: a number or a device."""
    return bool(re.fullmatch(r"[0-9]{1,3}", source) or DEVICE.fullmatch(source))


def ensure_demo_clip(path: Path) -> None:
    """Draws the demo clip if it does not exist; safe to call from several processes.

    Raises:
        OutputError: It cannot be written.
    """
    if path.exists():
        return
    from sentistream.demo import make_clip

    unfinished = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{path.name}.lock").open("ab") as lock:
            lock_file(lock, wait=True)  # released even if the process is killed
            if path.exists():  # drawn by another process in the meantime
                return
            make_clip(unfinished, size=DEMO_SIZE)
            unfinished.replace(path)
    except OSError as error:
        raise OutputError(
            Translatable(
                "{path} cannot be written ({words}).",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None
