"""Permissions of each role, and the completeness of the API description."""

from __future__ import annotations

from store.sample_readings import TEN

from api.served_monitor import PASSWORD, VIEWER, ServedMonitor
from sentistream.monitor.accounts import Role

HOUR = 3600


VIEWERS = {
    ("DELETE", "/api/browser-camera/{camera}"),
    ("GET", "/api/annotations"),
    ("GET", "/api/alerts"),
    ("GET", "/api/alerts/active"),
    ("GET", "/api/alerts/{incident}"),
    ("GET", "/api/cameras"),
    ("GET", "/api/cameras/{camera}/preview.jpg"),
    ("GET", "/api/export/{what}.{kind}"),
    ("GET", "/api/history"),
    ("GET", "/api/live"),
    ("GET", "/api/me"),
    ("GET", "/api/overview"),
    ("GET", "/api/series"),
    ("GET", "/api/series.{kind}"),
    ("GET", "/api/together"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/ready"),
    ("POST", "/api/browser-camera"),
    ("POST", "/api/me/password"),
}
"""Everything viewers may do; any change here must be deliberate."""


def test_viewers_can_do_only_what_viewers_may(populated: ServedMonitor) -> None:
    operations = {
        (method.upper(), path)
        for path, methods in populated.app.openapi()["paths"].items()
        for method in methods
    }
    bodies = {
        "/api/forget": {"begin": 1, "end": 2},
        "/api/users": {"name": "x", "password": PASSWORD},
        "/api/tokens": {"name": "x"},
        "/api/users/{name}": {"role": "manager"},
        "/api/settings": {"language": "de"},
    }
    assert operations > VIEWERS
    with populated.browser_client(VIEWER) as client:
        for method, path in sorted(operations - VIEWERS):
            body = bodies.get(path) if method in ("POST", "PATCH") else None
            answer = client.request(
                method, path.replace("{camera}", "door").replace("{name}", "vera"), json=body
            )
            assert answer.status_code == 403, (method, path)
        assert client.get(f"/api/export/readings.csv?begin={TEN}&end={TEN + 1}").status_code == 403


def test_tokens_cannot_manage_accounts(populated: ServedMonitor) -> None:
    with populated.api_client(Role.MANAGER) as client:
        for method, path in (
            ("GET", "/api/users"),
            ("POST", "/api/users"),
            ("PATCH", "/api/users/vera"),
            ("DELETE", "/api/users/vera"),
            ("GET", "/api/tokens"),
            ("POST", "/api/tokens"),
            ("DELETE", "/api/tokens/x"),
            ("POST", "/api/me/password"),
            ("GET", "/logout"),
            ("POST", "/logout"),
        ):
            body = {"name": "x", "password": PASSWORD, "old": PASSWORD, "new": PASSWORD}
            answer = client.request(
                method, path, json=None if method in ("GET", "DELETE") else body
            )
            assert answer.status_code == 403, (method, path)


def test_api_documentation_loads_nothing_external(served: ServedMonitor) -> None:
    with served.browser_client() as client:
        page = client.get("/api/docs")
        schema = client.get("/api/openapi.json").json()
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
    for path in schema["paths"]:
        assert path in page.text
    for name in schema["components"]["schemas"]:
        assert f'id="{name}"' in page.text


def test_every_operation_is_described(served: ServedMonitor) -> None:
    for path, methods in served.app.openapi()["paths"].items():
        for method, operation in methods.items():
            where = (method, path)
            assert operation["summary"], where
            assert operation["description"], where
            assert operation["security"] or path == "/health", where
            assert "429" in operation["responses"], where
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (where, parameter["name"])
