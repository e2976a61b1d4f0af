"""Why a camera fails is said in German too: every sentence that the source has for it."""

from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path

import av.error
import pytest

from page.made_up import House
from page.sentences import sentences
from sentistream.errors import SentistreamError
from sentistream.monitor.cameras.capture import open_camera
from sentistream.monitor.observations import CameraState
from sentistream.monitor.page.reasons import Reasons
from sentistream.monitor.page.words import words
from sentistream.monitor.settings import CameraSettings

GERMAN = words("de").reasons
PASSED_ON = {"monitor/cameras/camera_process.py", "monitor/cameras/browser_camera.py"}
PASSED_ON |= {"monitor/cameras/worker.py"}
"""Where sentences of others are passed on."""


def test_every_sentence_of_the_source_has_its_german_one() -> None:
    found = list(sentences())
    assert len(found) > 130
    lacking = []
    for sentence in found:
        if sentence.text == "{}":
            assert sentence.place.partition(":")[0] in PASSED_ON, sentence
            continue
        values = ("rtsp://10.0.0.2/live", "7", "Wort")
        told = GERMAN.find(sentence.filled(*values).strip())
        if told is None:
            lacking.append(sentence)
            continue
        filled = sentence.text.count("{}")
        for value in values[:filled]:
            assert value in told, (sentence, told)
    assert lacking == [], "these lack a line in messages/reasons.de.yaml"


def test_every_german_sentence_is_of_a_sentence_of_the_source() -> None:
    texts = [sentence.text.strip() for sentence in sentences()]
    unused = []
    for key in (key for key in _messages() if key[-1] == "."):
        bare = re.sub(r"\{[a-z]+\}", "{}", key)
        if (
            bare not in texts
            and f"{bare[:-1]}" not in texts
            and not any(bare in text for text in texts)
        ):
            unused.append(key)
    assert unused == []


def _messages() -> list[str]:
    from sentistream.monitor.page.words import _read

    return list(_read("reasons.de.yaml"))


def test_what_is_not_known_stays_and_what_follows_is_known_again() -> None:
    assert GERMAN.find("The cat sat on the cable.") is None
    assert GERMAN("The cat sat on the cable.") == "The cat sat on the cable."
    assert GERMAN.find("") is None
    assert GERMAN("A. b is a folder. Name a video file in it.") == (
        "A. b ist ein Ordner. Geben Sie eine Videodatei darin an."
    )
    assert GERMAN("Its worker was killed (SIGKILL). Perhaps memory ran out.") == (
        "Ihr Prozess wurde abgebrochen (SIGKILL). Vielleicht war der Arbeitsspeicher voll."
    )
    assert GERMAN("x.yaml is not YAML in line 3. Indent with spaces, name: value.").startswith(
        "x.yaml ist kein YAML in Zeile 3."
    )
    assert Reasons({})("It stopped sending.") == "It stopped sending."
    # a hostile text takes no time
    assert GERMAN.find("( is a folder. " * 100) is None


@pytest.mark.parametrize(
    "number",
    [
        *(errno.ETIMEDOUT, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH),
        *(errno.ECONNRESET, errno.EPIPE, errno.EIO, errno.EACCES, errno.EPERM, errno.ENOENT),
        *(errno.EBUSY, errno.ENODEV, errno.ENXIO, errno.ENOSPC, errno.ENOMEM, errno.EROFS),
        *(errno.EMFILE, errno.EINVAL, errno.EADDRNOTAVAIL, errno.ENOTTY, errno.EAGAIN),
    ],
)
def test_words_of_the_system_are_known(number: int) -> None:
    assert GERMAN.find(os.strerror(number).lower()) is not None


def test_words_of_ffmpeg_are_known() -> None:
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
            told = str(error.strerror).rstrip(".").lower()
            assert GERMAN.find(told) is not None, told
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


def test_a_real_cameras_failure_is_told_in_german(tmp_path: Path, house: House) -> None:
    for source in _failures(tmp_path):
        with pytest.raises(SentistreamError) as caught:
            open_camera(
                CameraSettings.model_validate({"source": source}), tick=0.03, sound_window=1.0
            )
        told = GERMAN.find(str(caught.value))
        assert told is not None, str(caught.value)
        house.health("yard", CameraState.WAITING, reason=str(caught.value))
        page = house.ask("GET", "/", headers={"Cookie": "sentistream-language=de"}).text
        assert caught.value.problem not in page
        assert told.partition(".")[0].replace("'", "&#39;") in page
        english = house.ask("GET", "/").text
        assert told not in english


def test_why_a_visitors_camera_was_declined_is_told_in_german(house: House) -> None:
    def told(text: str, language: str) -> str:
        cookie = {"Cookie": f"sentistream-language={language}"}
        return house.ask("GET", "/try/told", params={"text": text}, headers=cookie).text

    english = "Too many visitors try it with their cameras already. Try again later."
    assert told(english, "en") == english
    assert told(english, "de").startswith("Zu viele Besucher")
    assert told("<b>anything</b>", "de") == ""
    answer = house.ask("GET", "/try/told", params={"text": "<b>"})
    assert answer.headers["content-type"].startswith("text/plain")
