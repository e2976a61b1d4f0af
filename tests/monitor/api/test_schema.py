"""The OpenAPI description, checked by a fuzzer in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.served_monitor import ServedMonitor

EXAMPLES = "4"
"""Examples per operation, beyond those that cover the schema; thousands were run manually."""

# what a schema cannot express is refused with 400: for instance, an end before its beginning
CHECKS = """\
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "403", "404", "409", "503"]
negative_data_rejection.expected-statuses = ["4xx", "503"]
"""


@pytest.mark.parametrize("by", ["token", "session"])
def test_api_conforms_to_its_description(tmp_path: Path, by: str) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client() as client:
        served.publish_observation()
        description = served.app.openapi()
        if by == "token":
            headers = {"Authorization": f"Bearer {served.token()}"}
            chosen = ["--exclude-path-regex", "^/api/(users|tokens|me/)"]
        else:
            session = client.cookies["sentistream_session"]
            headers = {
                "Cookie": f"sentistream_session={session}",
                "X-CSRF-Token": client.headers["x-csrf-token"],
                "Origin": served.url,
            }
            chosen = ["--include-path-regex", "^/api/(users|tokens|me/)"]
            description = _without_logins(description)
        (tmp_path / "openapi.json").write_text(json.dumps(description), "utf-8")
        (tmp_path / "schemathesis.toml").write_text(CHECKS, "utf-8")
        arguments = [f"--header={name}: {value}" for name, value in headers.items()]
        run = subprocess.run(  # noqa: S603
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("run", "openapi.json", "--url", served.url, *arguments, *chosen),
                *("--checks", "all", "--max-examples", EXAMPLES, "--seed", "1"),
                *("--phases", "coverage,fuzzing", "--workers", "1", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "generated" in run.stdout


def _without_logins(description: dict[str, Any]) -> dict[str, Any]:
    """Otherwise the fuzzer would generate cookies of its own beside the real one."""
    plain: dict[str, Any] = json.loads(json.dumps(description))
    plain["components"].pop("securitySchemes")
    for methods in plain["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return plain
