"""Log lines: format, redaction, and output of libraries."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sentistream.errors import OutputError
from sentistream.monitor.logs import configure_logging, log_redactor, settings_secrets
from sentistream.monitor.logs.logging_setup import LIBRARIES
from sentistream.monitor.settings import LoggingSettings, Settings

PASSWORD = "hunter2-x&y"  # noqa: S105
SECRETS = {
    "cameras": {
        "door": {"source": f"rtsp://admin:{PASSWORD}@10.0.0.4/live?token=q1w2e3"},
        "hall": {"source": "0"},
        "file": {"source": "/films/shop.mp4"},
    },
    "storage": {"url": "postgresql://mood:pgpass@db/mood"},
    "mqtt": {"host": "broker", "password": "mqttpass"},
    "webhooks": [{"url": "https://hooks.example.org/T000/abcDEF", "secret": "sign-me"}],
}


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    libraries = {name: logging.getLogger(name) for name in LIBRARIES}
    states = {name: (each.level, each.propagate) for name, each in libraries.items()}
    yield
    for name, (level, propagate) in states.items():
        libraries[name].setLevel(level)
        libraries[name].propagate = propagate
    for handler in root.handlers:
        if handler not in before[0]:
            handler.close()
    root.handlers, _, sys.excepthook, threading.excepthook = before
    root.setLevel(before[1])
    logging.captureWarnings(False)
    log_redactor.set_secrets([])


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def to_file(path: Path, **settings: object) -> None:
    configure_logging(LoggingSettings.model_validate({"file": path, **settings}))


def test_text_format_is_readable(tmp_path: Path) -> None:
    to_file(tmp_path / "log")
    logging.getLogger("sentistream.monitor.x").info("up", extra={"camera": "door", "tick": 0.5})
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info sentistream\.monitor\.x: up "
        r"camera=door tick=0\.5",
        line,
    )


def test_json_format_is_one_object_per_line(tmp_path: Path) -> None:
    to_file(tmp_path / "log", format="json")
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        logging.getLogger("a").exception("it\nbroke", extra={"tries": 3})
    (line,) = written(tmp_path / "log")
    assert list(line) == ["time", "level", "logger", "message", "tries", "error"]
    assert (line["level"], line["logger"], line["tries"]) == ("error", "a", 3)
    assert line["message"] == "it\nbroke"
    assert str(line["error"]).endswith("ValueError: broken\nin two")


def test_line_breaks_cannot_forge_log_lines(tmp_path: Path) -> None:
    to_file(tmp_path / "log")
    logging.getLogger("a").warning("name\n2026-01-01T00:00:00.000Z info forged\x1b[31m")
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert "\\n" in line
    assert "\\x1b" in line


def test_levels_are_respected(tmp_path: Path) -> None:
    to_file(tmp_path / "log", level="warning")
    logging.getLogger("a").info("no")
    logging.getLogger("a").warning("yes")
    assert "no" not in (tmp_path / "log").read_text()
    to_file(tmp_path / "log", level="debug")
    logging.getLogger("a").debug("now")
    assert "now" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("known", [True, False])
def test_secrets_are_redacted(tmp_path: Path, style: str, known: bool) -> None:
    to_file(tmp_path / "log", format=style)
    settings = Settings.model_validate(SECRETS)
    if known:
        log_redactor.set_secrets_from(settings)
    log = logging.getLogger("a")
    log.info("opening %s", f"rtsp://admin:{PASSWORD}@10.0.0.4/live?token=q1w2e3")
    log.info("engine", extra={"url": "postgresql://mood:pgpass@db/mood"})
    log.info("at rtsp://user:p@ss@w0rd@host/1 password=letmein&x=1 Authorization: Bearer abcdefgh1")
    try:
        raise OSError("cannot open rtsp://admin:hunter2-x&y@10.0.0.4/live")
    except OSError:
        log.exception("failed")
    text = (tmp_path / "log").read_text()
    for secret in (PASSWORD, "pgpass", "p@ss", "w0rd", "letmein", "q1w2e3", "abcdefgh1"):
        assert secret not in text, secret
    assert "@10.0.0.4" in text or known


def test_known_secrets_are_redacted_everywhere(tmp_path: Path) -> None:
    to_file(tmp_path / "log", format="json")
    log_redactor.set_secrets_from(Settings.model_validate(SECRETS))
    log = logging.getLogger("a")
    log.info("login with mqttpass, signed sign-me, sent to hooks.example.org/T000/abcDEF")
    log.info("0 faces in /films/shop.mp4 of camera hall")
    first, second = written(tmp_path / "log")
    assert first["message"] == "login with ***, signed ***, sent to hooks.example.org***"
    assert second["message"] == "0 faces in /films/shop.mp4 of camera hall"


def test_secrets_are_collected_from_settings() -> None:
    secrets = settings_secrets(Settings.model_validate(SECRETS))
    assert {PASSWORD, "pgpass", "mqttpass", "sign-me", "/T000/abcDEF"} <= secrets
    assert not secrets & {"0", "/films/shop.mp4", "", "admin"}


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    password=st.text(
        st.characters(codec="ascii", exclude_characters=" \"'<>\\*", categories=("L", "N", "P")),
        min_size=4,
    ),
    around=st.text(st.characters(categories=("L", "Zs")), max_size=20),
)
def test_passwords_in_addresses_are_redacted(password: str, around: str) -> None:
    log_redactor.set_secrets([])
    text = log_redactor(f"{around} rtsp://u:{password}@10.1.2.3/live {around}")
    assert f":{password}@" not in text
    assert "10.1.2.3/live" in text


def test_long_lines_are_redacted_quickly() -> None:
    began = time.perf_counter()
    log_redactor("a://" * 50_000 + "password=" * 10_000 + "x" * 100_000)
    assert time.perf_counter() - began < 5


def test_library_output_is_formatted_and_redacted(tmp_path: Path) -> None:
    for name in ("uvicorn", "paho", "asyncio"):
        logging.getLogger(name).addHandler(logging.StreamHandler())
    logging.getLogger("uvicorn").propagate = False
    to_file(tmp_path / "log", format="json", level="debug")
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("paho").warning("lost")
    logging.getLogger("asyncio").info("ready")
    logging.getLogger("uvicorn.access").info("10.0.0.7 GET /?token=x")
    logging.getLogger("httpx").info("POST https://hooks.example.org/T000")
    logging.getLogger("sqlalchemy.engine").info("INSERT")
    warnings.warn("careful", stacklevel=1)
    lines = written(tmp_path / "log")
    assert [line["logger"] for line in lines] == ["uvicorn.error", "paho", "asyncio", "py.warnings"]


def test_uncaught_exceptions_are_logged_without_secrets(tmp_path: Path) -> None:
    to_file(tmp_path / "log", format="json")

    def fail() -> None:
        raise RuntimeError("at rtsp://a:secretword@host/")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = written(tmp_path / "log")
    assert line["level"] == "critical"
    assert "RuntimeError" in str(line["error"])
    assert "secretword" not in str(line["error"])


def test_unopenable_log_is_reported(tmp_path: Path) -> None:
    handlers = logging.getLogger().handlers[:]
    with pytest.raises(OutputError, match="cannot be written"):
        to_file(tmp_path / "nowhere" / "log")
    assert logging.getLogger().handlers == handlers
