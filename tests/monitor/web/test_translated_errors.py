"""Camera errors are translated into every language."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import av.error
import pytest
from api.served_monitor import ServedMonitor

import update_translations as catalogues
from sentistream.errors import SentistreamError
from sentistream.monitor.cameras.capture import open_camera
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import CameraSettings
from sentistream.monitor.translation import translator
from web.fake_monitor import FakeMonitor

REASONS = set(catalogues.SYSTEM_REASONS)


@pytest.mark.parametrize(
    "number",
    [
        *(errno.ETIMEDOUT, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH),
        *(errno.ECONNRESET, errno.EPIPE, errno.EIO, errno.EACCES, errno.EPERM, errno.ENOENT),
        *(errno.EBUSY, errno.ENODEV, errno.ENXIO, errno.ENOSPC, errno.ENOMEM, errno.EROFS),
        *(errno.EMFILE, errno.EINVAL, errno.EADDRNOTAVAIL, errno.ENOTTY, errno.EAGAIN),
    ],
)
def test_operating_system_messages_are_known(number: int) -> None:
    assert os.strerror(number).lower() in REASONS


def test_ffmpeg_messages_are_known() -> None:
    wanted = (
        *("InvalidDataError", "EOFError", "HTTPUnauthorizedError", "HTTPForbiddenError"),
        *("HTTPNotFoundError", "HTTPServerError", "HTTPOtherClientError", "ExitError"),
        *("ProtocolNotFoundError", "DecoderNotFoundError", "DemuxerNotFoundError"),
    )
    codes = {getattr(kind, "__name__", ""): code for code, kind in av.error.classes.items()}
    for name in wanted:
        try:
            av.error.err_check(-codes[name])
        except av.error.FFmpegError as error:
            message = str(error.strerror).rstrip(".").lower()
            assert message in REASONS
        else:
            raise AssertionError(name)


def _failures(tmp_path: Path) -> list[str]:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        str(tmp_path),
        str(tmp_path / "missing.mp4"),
        str(tmp_path / "empty.mp4"),
        str(tmp_path / "noise.mp4"),
        f"rtsp://127.0.0.1:{port}/live",
        f"http://127.0.0.1:{port}/live",
        "gopher://127.0.0.1/live",
        "987",
    ]


@pytest.mark.parametrize("language", ["de", "fr"])
def test_real_camera_error_is_translated(
    tmp_path: Path, monitor: FakeMonitor, language: str
) -> None:
    for source in _failures(tmp_path):
        with pytest.raises(SentistreamError) as caught:
            open_camera(
                CameraSettings.model_validate({"source": source}), tick=0.03, sound_window=1.0
            )
        error = caught.value
        message = translator(language).translate(error.message)
        for sentence in (error.problem, error.way_out):
            assert sentence and sentence not in message, message
        monitor.health("yard", CameraState.WAITING, reason=error.message)
        page = monitor.request(
            "GET", "/live", headers={"Cookie": f"sentistream-language={language}"}
        ).text
        assert error.problem not in page
        assert message.partition(".")[0].replace("'", "&#39;") in page
        english = monitor.request("GET", "/live").text
        assert message not in english


@pytest.mark.parametrize(
    ("headers", "begin"),
    [
        ({}, "This is not a valid"),
        ({"accept-language": "de-AT"}, "Das ist kein Angebot"),
        ({"cookie": "sentistream-language=fr"}, "Ce n\u2019est pas l\u2019offre"),
    ],
    ids=str,
)
def test_api_errors_are_in_the_requested_language(
    tmp_path: Path, headers: dict[str, str], begin: str
) -> None:
    with ServedMonitor(tmp_path) as served, served.api_client() as client:
        answer = client.post("/api/browser-camera", json={"sdp": "nonsense"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(begin)
