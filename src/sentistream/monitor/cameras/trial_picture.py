"""A picture of a camera before its settings are saved, taken in its own process."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from PIL import Image

from sentistream.errors import InputError, SentistreamError
from sentistream.monitor.cameras.preview import PreviewRenderer
from sentistream.monitor.cameras.worker import (
    PRELOAD,
    die_with_server,
    make_analyzer,
)
from sentistream.monitor.cameras.worker_protocol import CameraOpener, WorkerExit
from sentistream.operating_system import disable_core_dumps, ignore_stop_signals, worker_context
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, get_profile
from sentistream.redaction import without_secrets
from sentistream.translatable import Translatable
from sentistream.types import Moment

TIMEOUT = 25.0
"""Seconds within which a picture has to arrive; opening a stream alone may take ten."""

AT_ONCE = 2
"""Most pictures taken at the same time."""

COLUMNS = 48
"""Cells across to which a picture is reduced if people must be unrecognizable."""

LOOK = 1.5
"""Seconds for which faces are detected, and pictures and sound counted."""

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPicture:
    """The result of a trial.

    Attributes:
        width, height: Of its pictures, pixels.
        faces: How many faces were found.
        sound: Whether sound came with them.
        jpeg: The picture; None where live pictures are turned off.
    """

    width: int
    height: int
    faces: int
    sound: bool
    jpeg: bytes | None = field(repr=False)


def take_trial_picture(
    opener: CameraOpener, *, preview: bool, blur: bool, timeout: float = TIMEOUT
) -> TrialPicture:
    """Opens a camera, takes a picture and closes it again.

    With ``blur`` faces are blurred as in the live picture, and all of it is reduced to
    ``COLUMNS`` cells across: enough to tell which camera it is and where it points.

    Args:
        opener: Opens the camera.
        preview: Whether its picture may be shown at all.
        blur: Whether people are made unrecognizable in it.
        timeout: Seconds to wait.

    Raises:
        InputError: It cannot be opened, sends nothing in time, or too many others are being tried.
    """
    if not _places.acquire(blocking=False):
        raise InputError("Other cameras are being tried.", "Try again in a few seconds.")
    try:
        return _take(opener, preview, blur, timeout)
    finally:
        _places.release()


def _take(opener: CameraOpener, preview: bool, blur: bool, timeout: float) -> TrialPicture:
    context = worker_context(PRELOAD)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_look, args=(opener, preview, blur, theirs), name="trial picture", daemon=True
    )
    with ours:
        try:
            process.start()
        finally:
            theirs.close()
        answer: TrialPicture | WorkerExit | None = None
        with contextlib.suppress(EOFError, OSError):
            if ours.poll(timeout):
                answer = ours.recv()
        process.kill()
        process.join(5)
    if isinstance(answer, TrialPicture):
        return answer
    if answer is not None and answer.problem:
        raise InputError(answer.problem, answer.way_out)
    raise InputError("No picture came in time.", "Check the address and the network.")


def _look(opener: CameraOpener, preview: bool, blur: bool, connection: Connection) -> None:
    """The process's main function."""
    die_with_server()
    disable_core_dumps()
    ignore_stop_signals()
    secrets = opener.camera.secrets

    def redact(text: str) -> str:
        def without(text: str) -> str:
            return without_secrets(text, secrets)

        return text.mapped(without) if isinstance(text, Translatable) else without(text)

    answer: TrialPicture | WorkerExit
    try:
        answer = _picture(opener, preview, blur)
    except SentistreamError as error:
        answer = WorkerExit(redact(error.problem), redact(error.way_out))
    except Exception as error:
        answer = WorkerExit(
            Translatable("It failed unexpectedly ({kind}).", kind=type(error).__name__),
            "Check the address, or choose another source.",
        )
    with contextlib.suppress(OSError):
        connection.send(answer)
    connection.close()
    # a source that hangs must not keep the process alive
    os._exit(0)


def _picture(opener: CameraOpener, preview: bool, blur: bool) -> TrialPicture:
    opener.prepare()
    profile = get_profile(DEFAULT_PROFILE)
    analyzer = make_analyzer(profile, MAX_FACES)
    renderer = PreviewRenderer(blur=blur, moving=True)
    faces, has_sound, last = 0, False, None
    with opener.open(tick=profile.tick, sound_window=profile.sound_window) as source:
        for moment in _some(source):
            readings = analyzer.process(moment)
            found = sum(reading.face is not None for reading in readings)
            faces = max(faces, found)
            has_sound = has_sound or moment.sound is not None
            renderer.observe(moment.picture, readings, time.monotonic())
            last = moment
            if found and has_sound:
                break
    if last is None:
        raise InputError("It holds no pictures.", "Name another source.")
    jpeg = renderer.render(last.picture, time.monotonic()) if preview else None
    return TrialPicture(
        width=last.picture.width,
        height=last.picture.height,
        faces=faces,
        sound=has_sound,
        jpeg=_coarse(jpeg) if jpeg is not None and blur else jpeg,
    )


def _some(source: Iterator[Moment]) -> Iterator[Moment]:
    """The moments of the first seconds."""
    end = None
    for moment in source:
        yield moment
        end = end or time.monotonic() + LOOK
        if time.monotonic() > end:
            return


def _coarse(jpeg: bytes) -> bytes:
    """A picture in few cells."""
    with Image.open(io.BytesIO(jpeg)) as image:
        few = COLUMNS, max(1, round(COLUMNS * image.height / image.width))
        small = image.resize(few, Image.Resampling.BOX)
        coarse = small.resize(image.size, Image.Resampling.BILINEAR)
    encoded = io.BytesIO()
    coarse.save(encoded, "JPEG", quality=80)
    return encoded.getvalue()
