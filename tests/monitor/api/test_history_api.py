"""History, as the API answers it from a real database."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from store.sample_readings import TEN, crowd

from api.served_monitor import ServedMonitor, settings
from sentistream.errors import StorageError
from sentistream.monitor.accounts import Role
from sentistream.monitor.api.history import EXPORTS_AT_ONCE
from waiting import wait_until

HOUR = 3600


def test_history_is_grouped_by_hour(populated: ServedMonitor) -> None:
    with populated.api_client(Role.VIEWER) as client:
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
        assert (found[0]["appearances"], found[0]["seen"], found[0]["withheld"]) == (5, 3000, False)
        assert found[0]["people"] == 5  # its deprecated name
        assert found[0]["negative"] == pytest.approx(0.3, abs=1e-3)
        query = {"begin": str(TEN), "end": str(TEN + HOUR), "camera": "door"}
        few = client.get("/api/history", params=query | {"camera": "till"}).json()
        assert few[0]["withheld"]
        assert few[0]["seen"] is None
        by_minute = client.get("/api/history", params=query | {"step": "minute"}).json()
        assert len(by_minute) == 10


def test_unencoded_plus_sign_is_accepted(populated: ServedMonitor) -> None:
    with populated.api_client() as client:
        answer = client.get(
            f"/api/history?begin=2026-01-05T11:00:00+01:00&end={TEN + HOUR}&camera=door"
        )
        assert len(answer.json()) == 1
        answer = client.get("/api/history?begin=2026-01-05 10:00:00&end=2026-01-05 11:00:00")
        assert answer.status_code == 200


def test_aggregate_of_a_period(populated: ServedMonitor) -> None:
    with populated.api_client(Role.VIEWER) as client:
        query = {"begin": TEN, "end": TEN + HOUR}
        found = {one["camera"]: one for one in client.get("/api/together", params=query).json()}
    assert found["door"]["appearances"] == 5
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
def test_every_query_parameter_is_bounded(
    populated: ServedMonitor, path: str, query: dict[str, str | int], status: int
) -> None:
    with populated.api_client() as client:
        answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_too_many_buckets_are_refused(tmp_path: Path) -> None:
    cameras = {f"cam{n}": {"source": "demo:"} for n in range(40)}
    with (
        ServedMonitor(tmp_path, settings(cameras=cameras)) as served,
        served.api_client() as client,
    ):
        query = {"begin": str(TEN), "end": str(TEN + 14 * 86_400), "step": "minute"}
        assert client.get("/api/history", params=query).status_code == 400
        assert client.get("/api/history", params=query | {"camera": "cam1"}).status_code == 200


def test_readings_continue_at_the_next_page(populated: ServedMonitor) -> None:
    seen: list[tuple[str, str]] = []
    begin: int | str | None = TEN
    with populated.api_client() as client:
        for _ in range(100):
            query = {"begin": str(begin), "end": str(TEN + 60), "camera": "door", "limit": "7"}
            answer = client.get("/api/readings", params=query).json()
            seen += [(one["time"], one["track"]) for one in answer["readings"]]
            begin = answer["next_begin"]
            if begin is None:
                break
    assert len(seen) == len(set(seen)) == 300
    assert seen[0] == ("2026-01-05T10:00:00Z", "a")


def test_page_break_does_not_split_a_second(populated: ServedMonitor) -> None:
    with populated.api_client() as client:
        query = {"begin": str(TEN), "end": str(TEN + 60), "camera": "door", "limit": "2"}
        answer = client.get("/api/readings", params=query).json()
    assert len(answer["readings"]) == 5
    assert answer["next_begin"] == "2026-01-05T10:00:01Z"


def test_default_period_of_readings_is_the_last_minute(populated: ServedMonitor) -> None:
    populated.store.add(crowd(int(time.time()) - 5, int(time.time()) - 4, ("late",)))
    with populated.api_client() as client:
        found = client.get("/api/readings").json()["readings"]
    assert {one["track"] for one in found} == {"late"}


def test_alerts_are_newest_first(populated: ServedMonitor) -> None:
    with populated.api_client(Role.VIEWER) as client:
        found = client.get("/api/alerts").json()
        assert [one["active"] for one in found] == [False, True]
        assert found[1]["time"] == "2026-01-05T10:05:00Z"
        since = client.get("/api/alerts", params={"since": TEN + 400}).json()
        assert len(since) == 1


def test_exports_are_downloaded(populated: ServedMonitor) -> None:
    query = {"begin": TEN, "end": TEN + HOUR}
    with populated.api_client() as client:
        text = client.get("/api/export/hour.csv", params=query)
        assert text.headers["content-type"] == "text/csv; charset=utf-8"
        assert (
            text.headers["content-disposition"]
            == 'attachment; filename="sentistream-hour-2026-01-05.csv"'
        )
        assert len(text.text.splitlines()) == 3
        for_excel = client.get("/api/export/hour.csv", params=query | {"excel": "comma"})
        assert for_excel.content.startswith(b"\xef\xbb\xbfbegin;end;camera;")
        refused = client.get("/api/export/hour.csv", params=query | {"excel": "yes"})
        assert refused.status_code == 422
        columns = client.get("/api/export/readings.parquet", params=query).content
        assert pq.read_table(io.BytesIO(columns)).num_rows == 7 * 600


@pytest.mark.usefixtures("without_pyarrow")
def test_parquet_without_pyarrow_names_the_package(populated: ServedMonitor) -> None:
    query = {"begin": TEN, "end": TEN + HOUR}
    with populated.api_client() as client:
        for _ in range(EXPORTS_AT_ONCE + 1):  # a refused export takes no slot
            refused = client.get("/api/export/hour.parquet", params=query)
            assert refused.status_code == 501
            assert refused.headers["content-type"] == "application/problem+json"
            problem = refused.json()
            assert problem["detail"] == "A Parquet file needs packages that are not installed."
            assert "pip install 'sentistream[parquet]'" in problem["way_out"]
        assert client.get("/api/export/hour.csv", params=query).status_code == 200


def test_concurrent_exports_are_limited(tmp_path: Path) -> None:
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
                for _number in range(1000):
                    yield b"b" * 100_000
            finally:
                closed.append(True)

    with ServedMonitor(tmp_path, store=Slow) as served, served.api_client() as client:
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
        # a disconnected client frees its slot, and the rest of the file is not produced
        for stream in streams:
            stream.__exit__(None, None, None)
        wait_until(lambda: len(closed) == 2)
        with client.stream(
            "GET", "/api/export/hour.csv", params={"begin": TEN, "end": TEN + 1}
        ) as fourth:
            assert fourth.status_code == 200


def test_readings_are_erased(tmp_path: Path) -> None:
    with ServedMonitor(tmp_path) as served, served.browser_client() as client:
        served.store.add(crowd(TEN, TEN + 10))
        served.store.add(crowd(TEN, TEN + 10, camera="till"))
        body = {"begin": "2026-01-05T10:00:02Z", "end": TEN + 5, "camera": "door"}
        assert client.post("/api/forget", json=body).json() == {"readings": 15}
        query = {"begin": TEN, "end": TEN + 10}
        left = client.get("/api/readings", params=query).json()["readings"]
        assert len(left) == 35 + 50


def test_unavailable_database_is_reported(tmp_path: Path) -> None:
    class Broken:
        def __init__(self, store: object) -> None: ...

        def is_writable(self) -> bool:
            return False

        def __getattr__(self, name: str) -> object:
            raise StorageError("The database rtsp://eye:hidden-71@x is locked.", "Wait.")

    with ServedMonitor(tmp_path, store=Broken) as served, served.api_client() as client:
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
