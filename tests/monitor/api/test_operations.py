"""What the REST operations answer, from a real database."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from store.making import TEN, alert, crowd

from api.serving import PASSWORD, VIEWER, Served, settings, wait_for
from sentistream.errors import StorageError
from sentistream.monitor.accounts import Role
from sentistream.monitor.observations import CameraHealth, CameraState

HOUR = 3600


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Five people at the door for ten minutes, two at the till: too few to be told."""
    given = settings(privacy={"smallest_group": 5})
    with Served(tmp_path_factory.mktemp("lived"), given) as served:
        served.store.add(crowd(TEN, TEN + 600))
        served.store.add(crowd(TEN, TEN + 600, ("x", "y"), camera="till"))
        served.store.add_alert(alert(TEN + 300))
        served.store.add_alert(alert(TEN + 500, active=False))
        served.sees()
        yield served


def test_history_by_hour(lived: Served) -> None:
    with lived.by_token(Role.VIEWER) as client:
        for begin in (
            str(TEN),
            "2026-01-05T10:00:00Z",
            "2026-01-05T11:00:00+01:00",
            "2026-01-05T10:00",
        ):
            query = {"begin": begin, "end": str(TEN + HOUR), "camera": "door"}
            found = client.get("/api/history", params=query).json()
            assert len(found) == 1
        assert found[0]["begin"] == "2026-01-05T10:00:00Z"
        assert found[0]["end"] == "2026-01-05T11:00:00Z"
        assert (found[0]["people"], found[0]["seen"], found[0]["withheld"]) == (5, 3000, False)
        assert found[0]["negative"] == pytest.approx(0.3, abs=1e-3)
        query = {"begin": str(TEN), "end": str(TEN + HOUR), "camera": "door"}
        few = client.get("/api/history", params=query | {"camera": "till"}).json()
        assert few[0]["withheld"]
        assert few[0]["seen"] is None
        by_minute = client.get("/api/history", params=query | {"step": "minute"}).json()
        assert len(by_minute) == 10


def test_a_plus_sign_that_was_not_encoded(lived: Served) -> None:
    with lived.by_token() as client:
        answer = client.get(
            f"/api/history?begin=2026-01-05T11:00:00+01:00&end={TEN + HOUR}&camera=door"
        )
        assert len(answer.json()) == 1
        answer = client.get("/api/history?begin=2026-01-05 10:00:00&end=2026-01-05 11:00:00")
        assert answer.status_code == 200


def test_together(lived: Served) -> None:
    with lived.by_token(Role.VIEWER) as client:
        query = {"begin": TEN, "end": TEN + HOUR}
        found = {one["camera"]: one for one in client.get("/api/together", params=query).json()}
    assert found["door"]["people"] == 5
    assert found["till"]["withheld"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("history", {"begin": TEN, "end": TEN}, 400),
        ("history", {"begin": TEN, "end": TEN - 1}, 400),
        ("history", {"begin": TEN, "end": TEN + 15 * 86_400, "step": "minute"}, 400),
        ("history", {"begin": TEN, "end": TEN + 401 * 86_400}, 400),
        ("history", {"begin": 0, "end": TEN, "step": "day"}, 400),
        ("history", {}, 422),
        ("history", {"begin": -1}, 422),
        ("history", {"begin": "yesterday"}, 422),
        ("history", {"begin": "nan"}, 422),
        ("history", {"begin": "9" * 400}, 422),
        ("history", {"begin": TEN, "step": "second"}, 422),
        ("history", {"begin": TEN, "camera": "x" * 65}, 422),
        ("together", {"begin": 0, "end": TEN}, 400),
        ("readings", {"begin": TEN, "end": TEN + 3 * 86_400}, 400),
        ("readings", {"begin": TEN, "end": TEN + 1, "limit": 0}, 422),
        ("readings", {"begin": TEN, "end": TEN + 1, "limit": 10_001}, 422),
        ("alerts", {"limit": 1001}, 422),
        ("export/hour.csv", {"begin": 0, "end": TEN}, 400),
        ("export/hour.exe", {"begin": TEN}, 422),
        ("export/users.csv", {"begin": TEN}, 422),
    ],
)
def test_no_question_is_without_bounds(
    lived: Served, path: str, query: dict[str, str | int], status: int
) -> None:
    with lived.by_token() as client:
        answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_too_many_sums_at_once_are_refused(tmp_path: Path) -> None:
    cameras = {f"cam{n}": {"source": "demo:"} for n in range(40)}
    with Served(tmp_path, settings(cameras=cameras)) as served, served.by_token() as client:
        query = {"begin": TEN, "end": TEN + 14 * 86_400, "step": "minute"}
        assert client.get("/api/history", params=query).status_code == 400
        assert client.get("/api/history", params=query | {"camera": "cam1"}).status_code == 200


def test_readings_go_on_where_they_were_cut(lived: Served) -> None:
    seen: list[tuple[str, str]] = []
    begin: int | str | None = TEN
    with lived.by_token() as client:
        for _ in range(100):
            query = {"begin": begin, "end": TEN + 60, "camera": "door", "limit": 7}
            answer = client.get("/api/readings", params=query).json()  # type: ignore[arg-type]
            seen += [(one["time"], one["track"]) for one in answer["readings"]]
            begin = answer["next_begin"]
            if begin is None:
                break
    assert len(seen) == len(set(seen)) == 300
    assert seen[0] == ("2026-01-05T10:00:00Z", "a")


def test_a_second_is_not_torn_apart(lived: Served) -> None:
    with lived.by_token() as client:
        query = {"begin": TEN, "end": TEN + 60, "camera": "door", "limit": 2}
        answer = client.get("/api/readings", params=query).json()
    assert len(answer["readings"]) == 5
    assert answer["next_begin"] == "2026-01-05T10:00:01Z"


def test_readings_of_the_last_minute_by_themselves(lived: Served) -> None:
    lived.store.add(crowd(int(time.time()) - 5, int(time.time()) - 4, ("late",)))
    with lived.by_token() as client:
        found = client.get("/api/readings").json()["readings"]
    assert {one["track"] for one in found} == {"late"}


def test_alerts_newest_first(lived: Served) -> None:
    with lived.by_token(Role.VIEWER) as client:
        found = client.get("/api/alerts").json()
        assert [one["active"] for one in found] == [False, True]
        assert found[1]["time"] == "2026-01-05T10:05:00Z"
        since = client.get("/api/alerts", params={"since": TEN + 400}).json()
        assert len(since) == 1


def test_live_and_cameras(lived: Served) -> None:
    with lived.by_token(Role.VIEWER) as client:
        seen = client.get("/api/live").json()
        assert [one["camera"] for one in seen] == ["door"]
        assert seen[0]["time"] == "2026-01-05T10:00:00.500000Z"
        assert seen[0]["faces"][0]["smoothed"] == {"positive": 0.7, "neutral": 0.2, "negative": 0.1}
        door, till = client.get("/api/cameras").json()
        assert door["source"] == "rtsp://***@camera.test/stream"
        assert door["health"]["state"] == "running"
        assert till["health"] is None


def test_previews_ask_the_camera_for_pictures(lived: Served) -> None:
    lived.cameras.watched.clear()
    with lived.by_token(Role.VIEWER) as client:
        picture = client.get("/api/cameras/door/preview.jpg")
        assert picture.content == b"\xff\xd8 picture"
        assert picture.headers["content-type"] == "image/jpeg"
        assert client.get("/api/cameras/till/preview.jpg").status_code == 404
        assert client.get("/api/cameras/other/preview.jpg").status_code == 404
    assert lived.cameras.watched == ["door", "till"]


def test_restarting(lived: Served) -> None:
    with lived.by_token() as client:
        assert client.post("/api/cameras/door/restart").status_code == 204
        assert client.post("/api/cameras/none/restart").status_code == 404
    assert lived.cameras.restarted == ["door"]


def test_files(lived: Served) -> None:
    query = {"begin": TEN, "end": TEN + HOUR}
    with lived.by_token() as client:
        text = client.get("/api/export/hour.csv", params=query)
        assert text.headers["content-type"] == "text/csv; charset=utf-8"
        assert text.headers["content-disposition"] == 'attachment; filename="sentistream-hour.csv"'
        assert len(text.text.splitlines()) == 3
        columns = client.get("/api/export/readings.parquet", params=query).content
        assert pq.read_table(io.BytesIO(columns)).num_rows == 7 * 600


def test_files_are_not_made_without_end_at_once(tmp_path: Path) -> None:
    going, go_on = threading.Semaphore(0), threading.Event()
    closed: list[bool] = []

    class Slow:
        def __init__(self, store: object) -> None:
            self._store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self._store, name)

        def export(self, *_: object, **__: object) -> Iterator[bytes]:
            try:
                yield b"a" * 100_000
                going.release()
                go_on.wait(30)
                for _ in range(1000):
                    yield b"b" * 100_000
            finally:
                closed.append(True)

    with Served(tmp_path, store=Slow) as served, served.by_token() as client:
        streams = [
            client.stream("GET", "/api/export/hour.csv", params={"begin": TEN, "end": TEN + 1})
            for _ in range(2)
        ]
        for stream in streams:
            stream.__enter__()
        for _ in streams:
            assert going.acquire(timeout=30)
        third = client.get("/api/export/hour.csv", params={"begin": TEN, "end": TEN + 1})
        assert third.status_code == 429
        go_on.set()
        # a client that goes away frees its place, and the file's rest is not made
        for stream in streams:
            stream.__exit__(None, None, None)
        wait_for(lambda: len(closed) == 2)
        with client.stream(
            "GET", "/api/export/hour.csv", params={"begin": TEN, "end": TEN + 1}
        ) as fourth:
            assert fourth.status_code == 200


def test_forgetting(tmp_path: Path) -> None:
    with Served(tmp_path) as served, served.person() as client:
        served.store.add(crowd(TEN, TEN + 10))
        served.store.add(crowd(TEN, TEN + 10, camera="till"))
        body = {"begin": "2026-01-05T10:00:02Z", "end": TEN + 5, "camera": "door"}
        assert client.post("/api/forget", json=body).json() == {"readings": 15}
        query = {"begin": TEN, "end": TEN + 10}
        left = client.get("/api/readings", params=query).json()["readings"]
        assert len(left) == 35 + 50


def test_changing_settings(tmp_path: Path) -> None:
    with Served(tmp_path) as served, served.person() as client:
        told: list[str] = []
        served.configuration.listen(lambda new: told.append(new.cameras["door"].name))
        patch = {"cameras": {"door": {"name": "Front door"}}, "privacy": {"smallest_group": 7}}
        shown = client.patch("/api/settings", json=patch)
        assert shown.status_code == 200
        assert shown.json()["cameras"]["door"]["name"] == "Front door"
        assert "hidden-71" not in shown.text
        now = served.configuration.settings
        assert now.cameras["door"].source.get_secret_value().startswith("rtsp://eye:hidden-71@")
        assert now.privacy.smallest_group == 7
        assert told == ["Front door"]
        kept = yaml.safe_load(served.configuration.path.read_text("utf-8"))
        assert kept["cameras"]["door"]["name"] == "Front door"
        wrong = client.patch("/api/settings", json={"privacy": {"smallest_group": 0}})
        assert wrong.status_code == 400
        assert "privacy.smallest_group" in wrong.json()["detail"]
        locked = client.patch("/api/settings", json={"logging": {"file": "/etc/passwd"}})
        assert locked.status_code == 403
        assert told == ["Front door"]
        schema = client.get("/api/settings/schema").json()
        assert schema["properties"]["cameras"]["title"] == "Cameras"
        served.configuration.path = Path("/proc/none/monitor.yaml")
        full = client.patch("/api/settings", json={"language": "de"})
        assert full.status_code == 503
        assert served.configuration.settings.language == "en"


def test_users_and_tokens(tmp_path: Path) -> None:
    with Served(tmp_path) as served, served.person() as client:
        new = {"name": "otto", "password": PASSWORD, "role": "viewer"}
        assert client.post("/api/users", json=new).status_code == 201
        assert client.post("/api/users", json=new | {"name": "OTTO"}).status_code == 409
        assert client.post("/api/users", json=new | {"name": "o o"}).status_code == 422
        weak = client.post("/api/users", json=new | {"name": "x", "password": "1" * 12})
        assert weak.status_code == 400
        assert [one["name"] for one in client.get("/api/users").json()] == ["anna", "otto", "vera"]
        assert client.patch("/api/users/otto", json={"role": "manager"}).status_code == 204
        assert client.patch("/api/users/nobody", json={"role": "manager"}).status_code == 404
        with served.person("otto") as otto:
            assert otto.get("/api/users").status_code == 200
            assert client.patch("/api/users/otto", json={"role": "viewer"}).status_code == 204
            assert otto.get("/api/users").status_code == 403
            assert client.delete("/api/users/otto").status_code == 204
            assert otto.get("/api/me").status_code == 401
        assert client.delete("/api/users/anna").status_code == 409
        expires = datetime.fromtimestamp(int(time.time()) + 3600, UTC).isoformat()
        made = client.post("/api/tokens", json={"name": "probe", "expires": expires})
        assert made.status_code == 201
        token = made.json()["token"]
        shown = client.get("/api/tokens")
        assert token not in shown.text
        assert shown.json()[0]["maker"] == "anna"
        with served.stranger(headers={"authorization": f"Bearer {token}"}) as program:
            me = program.get("/api/me").json()
            assert (me["name"], me["role"], me["by_token"]) == ("probe", "viewer", True)
            assert client.delete("/api/tokens/probe").status_code == 204
            assert program.get("/api/me").status_code == 401
        assert client.delete("/api/tokens/probe").status_code == 404


def test_visitors_cameras(tmp_path: Path) -> None:
    with Served(tmp_path) as served, served.person(VIEWER) as one, served.by_token() as manager:
        assert one.post("/api/browser-camera", json={"sdp": "nonsense"}).status_code == 400
        answer = one.post("/api/browser-camera", json={"type": "offer", "sdp": "v=0"}).json()
        assert answer == {"type": "answer", "sdp": "v=0 answer", "camera": "visitor-1"}
        second = one.post("/api/browser-camera", json={"sdp": "v=0"}).json()["camera"]
        with served.person(VIEWER) as other:
            assert other.delete("/api/browser-camera/visitor-1").status_code == 404
        # a camera of the configuration is nobody's to end
        assert manager.delete("/api/browser-camera/door").status_code == 404
        assert one.delete("/api/browser-camera/visitor-1").status_code == 204
        assert one.delete("/api/browser-camera/visitor-1").status_code == 404
        assert manager.delete(f"/api/browser-camera/{second}").status_code == 204
        assert served.cameras.dismissed == ["visitor-1", "visitor-2"]
        assert one.post("/api/browser-camera", json={"sdp": "v" * 65_537}).status_code == 422


def test_what_is_switched_off(tmp_path: Path) -> None:
    given = settings(server={"browser_cameras": 0}, privacy={"preview": False})
    with Served(tmp_path, given) as served, served.by_token() as client:
        served.sees()
        assert client.get("/api/cameras/door/preview.jpg").status_code == 403
        assert client.post("/api/browser-camera", json={"sdp": "v=0"}).status_code == 403
        assert served.cameras.watched == []


VIEWERS = {
    ("DELETE", "/api/browser-camera/{camera}"),
    ("GET", "/api/alerts"),
    ("GET", "/api/cameras"),
    ("GET", "/api/cameras/{camera}/preview.jpg"),
    ("GET", "/api/export/{what}.{kind}"),
    ("GET", "/api/history"),
    ("GET", "/api/live"),
    ("GET", "/api/me"),
    ("GET", "/api/together"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/ready"),
    ("POST", "/api/browser-camera"),
    ("POST", "/api/me/password"),
}
"""All that viewers may do; a change here is a decision."""


def test_viewers_do_what_viewers_may(lived: Served) -> None:
    operations = {
        (method.upper(), path)
        for path, methods in lived.app.openapi()["paths"].items()
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
    with lived.person(VIEWER) as client:
        for method, path in sorted(operations - VIEWERS):
            body = bodies.get(path) if method in ("POST", "PATCH") else None
            answer = client.request(
                method, path.replace("{camera}", "door").replace("{name}", "vera"), json=body
            )
            assert answer.status_code == 403, (method, path)
        assert client.get(f"/api/export/readings.csv?begin={TEN}&end={TEN + 1}").status_code == 403


def test_a_token_makes_no_accounts(lived: Served) -> None:
    with lived.by_token(Role.MANAGER) as client:
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


def test_a_database_that_is_gone_is_told(tmp_path: Path) -> None:
    class Broken:
        def __init__(self, store: object) -> None: ...

        def is_well(self) -> bool:
            return False

        def __getattr__(self, name: str) -> object:
            raise StorageError("The database rtsp://eye:hidden-71@x is locked.", "Wait.")

    with Served(tmp_path, store=Broken) as served, served.by_token() as client:
        for path in (
            "/api/history?begin=1&end=2",
            "/api/readings",
            "/api/export/hour.csv?begin=1&end=2",
        ):
            answer = client.get(path)
            assert answer.status_code == 503
            assert "locked" in answer.json()["detail"]
            assert "hidden-71" not in answer.text
            assert answer.headers["retry-after"] == "5"


def test_health_ready_and_metrics(tmp_path: Path) -> None:
    well = [True]

    class Watched:
        def __init__(self, store: object) -> None: ...

        def is_well(self) -> bool:
            return well[0]

    def both() -> tuple[str, int]:
        served.app.state.store_watch._known = (False, float("-inf"))
        status: str = client.get("/health").json()["status"]
        return status, client.get("/ready").status_code

    with Served(tmp_path, store=Watched) as served, served.by_token(Role.VIEWER) as client:
        assert both() == ("degraded", 503)
        served.sees()
        assert both() == ("ok", 200)
        well[0] = False
        assert both() == ("degraded", 503)
        well[0] = True
        served.hub.publish(CameraHealth(camera="door", state=CameraState.PAUSED, since=0))
        # nobody is to be watched now: that is as it should be
        assert both() == ("ok", 200)
        served.hub.publish(CameraHealth(camera="till", state=CameraState.WAITING, since=0))
        assert both() == ("degraded", 503)
        served.sees()
        text = client.get("/metrics").text
    lines = text.splitlines()
    assert 'sentistream_camera_state{camera="door",state="running"} 1.0' in lines
    assert 'sentistream_camera_state{camera="till",state="waiting"} 1.0' in lines
    assert 'sentistream_camera_dropped_moments_total{camera="door"} 3.0' in lines
    assert 'sentistream_camera_damaged_total{camera="door"} 2.0' in lines
    assert 'sentistream_camera_restarts_total{camera="door"} 1.0' in lines
    assert 'sentistream_camera_moments_per_second{camera="door"} 33.0' in lines
    assert 'sentistream_camera_tick_seconds{camera="door"} 0.03' in lines
    assert 'sentistream_camera_latency_seconds{camera="door"} 0.08' in lines
    assert "sentistream_store_written_total 7.0" in lines
    assert "sentistream_subscriber_drops_total 0.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_the_documentation_needs_nothing_from_elsewhere(served: Served) -> None:
    with served.person() as client:
        page = client.get("/api/docs")
        schema = client.get("/api/openapi.json").json()
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
    for path in schema["paths"]:
        assert path in page.text
    for name in schema["components"]["schemas"]:
        assert f'id="{name}"' in page.text


def test_every_operation_is_described(served: Served) -> None:
    for path, methods in served.app.openapi()["paths"].items():
        for method, operation in methods.items():
            where = (method, path)
            assert operation["summary"], where
            assert operation["description"], where
            assert operation["security"] or path == "/health", where
            assert "429" in operation["responses"], where
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (where, parameter["name"])
