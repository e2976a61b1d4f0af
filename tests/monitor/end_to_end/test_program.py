"""The monitor from the command line: start, requests, kills, restarts."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from end_to_end.monitor_process import Program, wait_until
from processes import is_running
from sentistream.monitor.settings import overlay_path


@pytest.fixture
def config(tmp_path: Path, clip: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(
        f"cameras:\n  door:\n    name: Door\n    source: {clip}\nprivacy:\n  smallest_group: 1\n"
    )
    return path


def seconds_stored(state: Path) -> int:
    """How many different seconds with faces the database holds."""
    with closing(sqlite3.connect(f"file:{state / 'monitor.db'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(DISTINCT second) FROM readings").fetchone()[0])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "sentistream", "monitor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_monitor_answers_reads_faces_and_survives_kills(tmp_path: Path, config: Path) -> None:
    state = tmp_path / "state"
    with Program(state, ["--config", str(config)]) as program:
        page = program.page()
        health = httpx.get(f"{page}/health")
        assert health.status_code == 200
        assert health.json().keys() == {"status"}
        assert httpx.get(f"{page}/api/readings").status_code == 401
        client = program.client()
        wait_until(lambda: client.get("/api/readings").json(), "the first reading")
        assert client.get("/").status_code == 200
        assert client.get("/metrics").status_code == 200

        again = run("--state", str(state), "--no-browser", "--port", "0", "--no-guard")
        assert again.returncode == 2
        assert "Another monitor uses the state folder" in again.stderr

        wait_until(lambda: seconds_stored(state) >= 3, "seconds in the database")
        before = seconds_stored(state)
        server = program.server()
        program.kill_server()
        wait_until(lambda: program.starts() == 2, "the monitor to restart")
        assert "was killed by signal 9; it is restarted" in program.output
        assert program.server() != server
        assert seconds_stored(state) >= before, "stored data is kept"
        wait_until(lambda: seconds_stored(state) >= before + 2, "readings after the restart")
        # the session outlives the restart; any port was allowed
        cookies = client.cookies
        with httpx.Client(base_url=program.page(), cookies=cookies, timeout=30) as later:
            assert later.get("/api/cameras").status_code == 200

        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(40) == 0
        assert not is_running(program.process.pid)


def test_server_exits_when_its_parent_is_killed(tmp_path: Path, config: Path) -> None:
    with Program(tmp_path / "state", ["--config", str(config)]) as program:
        program.page()
        server = program.server()
        program.process.kill()
        wait_until(lambda: not is_running(server), "the server to exit")


def test_port_in_use_is_reported(tmp_path: Path, config: Path) -> None:
    with Program(tmp_path / "one", ["--config", str(config)]) as program:
        port = program.page().rpartition(":")[2]
        second = run("--config", str(config), "--state", str(tmp_path / "two"), "--port", port)
    assert second.returncode == 2
    assert "cannot listen on 127.0.0.1" in second.stderr
    assert "--port" in second.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cameras: [1, 2]\n", "cameras"),
        ("camera:\n  source: 0\n", "line 1: camera is not a setting; did you mean cameras?"),
        (
            "server:\n  port: 99999\n",
            "line 2: server.port is 99999; allowed: whole number, ≥ 0, ≤ 65535.",
        ),
        ("cameras:\n  a: {source: 0\n", "is not YAML"),
    ],
)
def test_invalid_settings_are_reported_in_a_sentence(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    result = run("--config", str(path), "--check")
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_informational_options_print_and_exit(tmp_path: Path, config: Path) -> None:
    assert run("--config", str(config), "--check").stdout == "The settings are valid: 1 camera.\n"
    schema = json.loads(run("--schema").stdout)
    assert "cameras" in schema["properties"]
    notice, assessment = tmp_path / "notice.html", tmp_path / "assessment.html"
    files = ["--notice", str(notice), "--assessment", str(assessment)]
    assert run("--config", str(config), *files).returncode == 0
    assert "<html" in notice.read_text()
    assert "<html" in assessment.read_text()
    missing = run("--config", str(tmp_path / "no.yaml"), "--check")
    assert missing.returncode == 2
    assert "There is no file" in missing.stderr
    missing = run("--state", str(tmp_path / "empty"), "--check")
    assert missing.returncode == 2
    assert "There is no file" in missing.stderr


def test_changes_of_the_page_are_listed_and_undone(tmp_path: Path, config: Path) -> None:
    changes = overlay_path(config)
    changes.write_text(
        "cameras: {door: {name: Front door, source: 'rtsp://a:hunter2@10.0.0.2/', zones: null}}"
    )
    listed = run("--config", str(config), "--check").stdout
    assert listed.splitlines()[1:-1] == [
        f"Changed on the page ({changes}):",
        "  cameras.door.name: Front door",
        "  cameras.door.source: changed (kept secret)",
        "  cameras.door.zones: removed",
    ]
    result = run("--config", str(config), "--discard-changes")
    assert (result.returncode, changes.exists()) == (0, False)
    assert str(changes) in result.stdout
    assert run("--config", str(config), "--check").stdout == "The settings are valid: 1 camera.\n"
    again = run("--config", str(config), "--discard-changes")
    assert again.stdout.startswith("Nothing was changed on the page")
