"""Alerts held in quiet hours are sent afterwards, even if the program was killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from end_to_end.monitor_process import Program, wait_until
from http_receiver import receiving


def test_held_alerts_survive_a_kill(tmp_path: Path) -> None:
    now = datetime.now()
    hours = {
        "begin": f"{now - timedelta(hours=1):%H:%M}",
        "end": f"{now + timedelta(hours=1):%H:%M}",
    }
    config, state = tmp_path / "shop.yaml", tmp_path / "state"
    with receiving(200) as receiver:

        def configure(quiet_hours: list[dict[str, str]]) -> list[str]:
            values: dict[str, Any] = {
                "cameras": {"door": {"name": "Front door", "source": str(tmp_path / "none.mp4")}},
                "health_alerts": {"camera_minutes": 0, "disk": False},
                "webhooks": [
                    {"url": receiver.url(), "events": ["camera"], "quiet_hours": quiet_hours}
                ],
            }
            config.write_text(json.dumps(values))  # JSON is valid YAML
            return ["--config", str(config)]

        with Program(state, configure([hours])) as program:
            client = program.client()

            def deliveries() -> list[dict[str, Any]]:
                found: list[dict[str, Any]] = client.get("/api/deliveries").json()
                return found

            wait_until(deliveries, "a held message")
            assert [each["state"] for each in deliveries()] == ["held"]
            incident = client.get("/api/alerts").json()[0]["incident"]
            server = program.server()
            os.kill(program.process.pid, signal.SIGKILL)
            os.kill(server, signal.SIGKILL)
            program.process.wait()
        assert receiver.requests == []

        with Program(state, configure([])) as program:
            client = program.client()

            def summaries() -> list[dict[str, Any]]:
                """The new run's own alert may arrive before the held ones."""
                bodies = [json.loads(request.body) for request in list(receiver.requests)]
                return [body for body in bodies if body["event"] == "summary"]

            wait_until(summaries, "the held messages")
            (held,) = summaries()
            assert [(each["event"], each["failing"]) for each in held["alerts"]] == [
                ("camera", True),
                ("camera", False),
            ]
            held_alert = client.get(f"/api/alerts/{incident}").json()
            wait_until(
                lambda: any(
                    each["state"] == "delivered"
                    for each in client.get(f"/api/alerts/{incident}").json()["deliveries"]
                ),
                "its log entry",
            )
            assert held_alert["begin"]["camera"] == "door"
