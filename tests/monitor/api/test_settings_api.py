"""Settings, users and tokens, changed over the API."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

from api.served_monitor import PASSWORD, ServedMonitor
from sentistream.monitor.settings import overlay_path

HOUR = 3600


def test_settings_are_changed(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client() as client:
        changes: list[str] = []
        served.configuration.on_change(lambda new: changes.append(new.cameras["door"].name))
        patch = {"cameras": {"door": {"name": "Front door"}}, "privacy": {"smallest_group": 7}}
        shown = client.patch("/api/settings", json=patch)
        assert shown.status_code == 200
        assert shown.json()["cameras"]["door"]["name"] == "Front door"
        assert "hidden-71" not in shown.text
        now = served.configuration.settings
        assert now.cameras["door"].source.get_secret_value().startswith("rtsp://eye:hidden-71@")
        assert now.privacy.smallest_group == 7
        assert changes == ["Front door"]
        kept = yaml.safe_load(overlay_path(served.configuration.path).read_text("utf-8"))
        assert kept == {
            "cameras": {"door": {"name": "Front door"}},
            "privacy": {"smallest_group": 7},
        }
        wrong = client.patch("/api/settings", json={"privacy": {"smallest_group": 0}})
        assert wrong.status_code == 400
        assert "privacy.smallest_group" in wrong.json()["detail"]
        locked = client.patch("/api/settings", json={"logging": {"file": "/etc/passwd"}})
        assert locked.status_code == 403
        assert changes == ["Front door"]
        schema = client.get("/api/settings/schema").json()
        assert schema["properties"]["cameras"]["title"] == "Cameras"
        served.configuration.path = Path("/proc/none/monitor.yaml")
        full = client.patch("/api/settings", json={"language": "de"})
        assert full.status_code == 503
        assert served.configuration.settings.language == "en"


def test_users_and_tokens_are_managed(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client() as client:
        new = {"name": "otto", "password": PASSWORD, "role": "viewer"}
        assert client.post("/api/users", json=new).status_code == 201
        assert client.post("/api/users", json=new | {"name": "OTTO"}).status_code == 409
        assert client.post("/api/users", json=new | {"name": "o o"}).status_code == 422
        weak = client.post("/api/users", json=new | {"name": "x", "password": "1" * 12})
        assert weak.status_code == 400
        assert [one["name"] for one in client.get("/api/users").json()] == ["anna", "otto", "vera"]
        assert client.patch("/api/users/otto", json={"role": "manager"}).status_code == 204
        assert client.patch("/api/users/nobody", json={}).status_code == 404
        assert client.patch("/api/users/nobody", json={"role": "manager"}).status_code == 404
        with served.browser_client("otto") as otto:
            assert otto.get("/api/users").status_code == 200
            assert client.patch("/api/users/otto", json={"role": "viewer"}).status_code == 204
            assert otto.get("/api/users").status_code == 403
            assert client.delete("/api/users/otto").status_code == 204
            assert otto.get("/api/me").status_code == 401
        assert client.delete("/api/users/anna").status_code == 409
        expires = datetime.fromtimestamp(int(time.time()) + 3600, UTC).isoformat()
        created = client.post("/api/tokens", json={"name": "probe", "expires": expires})
        assert created.status_code == 201
        token = created.json()["token"]
        shown = client.get("/api/tokens")
        assert token not in shown.text
        assert shown.json()[0]["maker"] == "anna"
        with served.anonymous(headers={"authorization": f"Bearer {token}"}) as program:
            me = program.get("/api/me").json()
            assert (me["name"], me["role"], me["by_token"]) == ("probe", "viewer", True)
            assert client.delete("/api/tokens/probe").status_code == 204
            assert program.get("/api/me").status_code == 401
        assert client.delete("/api/tokens/probe").status_code == 404
