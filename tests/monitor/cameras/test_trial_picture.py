"""A picture before a camera is saved: from a real stream, unrecognizable, without secrets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from free_port import free_port
from rtsp_sender import python_with_gstreamer, rtsp
from sentistream.errors import InputError
from sentistream.monitor.cameras import trial_picture
from sentistream.monitor.cameras.trial_picture import COLUMNS, take_trial_picture
from sentistream.monitor.cameras.worker_protocol import CameraOpener
from sentistream.monitor.settings import CameraSettings
from sentistream.types import UInt8Array

SECRET = "hunter2"  # noqa: S105


def opener(source: str, folder: Path) -> CameraOpener:
    settings = CameraSettings.model_validate({"source": source})
    return CameraOpener(settings, folder / "demonstration.mp4")


def pixels(jpeg: bytes | None) -> UInt8Array:
    assert jpeg is not None
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def test_real_stream_is_tried(demonstration_clip: Path, tmp_path: Path) -> None:
    with rtsp(python_with_gstreamer(), demonstration_clip, "owner", SECRET) as (port, _):
        good = opener(f"rtsp://owner:{SECRET}@127.0.0.1:{port}/camera", tmp_path)
        seen = take_trial_picture(good, preview=True, blur=True, timeout=60)
        assert (seen.width, seen.height, seen.sound) == (640, 360, True)
        assert seen.faces >= 1
        bad = opener(f"rtsp://owner:{SECRET}x@127.0.0.1:{port}/camera", tmp_path)
        with pytest.raises(InputError, match="wrong user or password") as caught:
            take_trial_picture(bad, preview=True, blur=True, timeout=60)
        assert SECRET not in caught.value.message
        nowhere = opener(f"rtsp://owner:{SECRET}@127.0.0.1:{port}/other", tmp_path)
        with pytest.raises(InputError, match="no such stream"):
            take_trial_picture(nowhere, preview=True, blur=True, timeout=60)
    with pytest.raises(InputError, match="nothing listens there"):
        take_trial_picture(
            opener(f"rtsp://127.0.0.1:{free_port()}/x", tmp_path),
            preview=True,
            blur=True,
            timeout=60,
        )


def test_faces_are_unrecognizable_unless_the_settings_allow_it(
    demonstration_clip: Path, tmp_path: Path
) -> None:
    file = opener(str(demonstration_clip), tmp_path)
    coarse = pixels(take_trial_picture(file, preview=True, blur=True, timeout=60).jpeg)
    clear = pixels(take_trial_picture(file, preview=True, blur=False, timeout=60).jpeg)
    assert coarse.shape == clear.shape == (360, 640, 3)

    def detail(picture: UInt8Array) -> float:
        """Remaining contrast of neighboring pixels within cells of COLUMNS across."""
        few = Image.fromarray(picture).resize((COLUMNS, 27), Image.Resampling.BOX)
        smooth = np.asarray(few.resize((640, 360), Image.Resampling.BILINEAR), dtype=float)
        return float(np.abs(picture - smooth).mean())

    assert detail(coarse) < 0.35 * detail(clear)
    assert take_trial_picture(file, preview=False, blur=True, timeout=60).jpeg is None


def test_unresponsive_source_times_out(demonstration_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No picture came in time"):
        take_trial_picture(
            opener(str(demonstration_clip), tmp_path), preview=True, blur=True, timeout=0.001
        )


def test_concurrent_trials_are_limited(demonstration_clip: Path, tmp_path: Path) -> None:
    for _ in range(trial_picture.AT_ONCE):
        assert trial_picture._places.acquire(blocking=False)
    try:
        with pytest.raises(InputError, match="Other cameras are being tried"):
            take_trial_picture(opener(str(demonstration_clip), tmp_path), preview=True, blur=True)
    finally:
        for _ in range(trial_picture.AT_ONCE):
            trial_picture._places.release()
