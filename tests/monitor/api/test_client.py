"""The Python client against a running monitor, and the documented example."""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store.sample_readings import TEN, alert, crowd

import sentistream.client as client_package
from api.served_monitor import ServedMonitor, settings
from sentistream.client import (
    Alert,
    Client,
    Health,
    MonitorError,
    Observation,
    UnreachableError,
)
from sentistream.errors import InputError, OutputError
from sentistream.monitor.accounts import Role
from waiting import wait_until

BEGIN = datetime.fromtimestamp(TEN, UTC)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMonitor]:
    custom_settings = settings(privacy={"smallest_group": 5})
    with ServedMonitor(tmp_path_factory.mktemp("client"), custom_settings) as served:
        served.store.add(crowd(TEN, TEN + 1500))
        served.store.add(crowd(TEN, TEN + 10, ("x",), camera="till"))
        served.store.add_alert(alert(TEN + 300))
        served.publish_observation()
        yield served


@pytest.fixture
def client(populated: ServedMonitor) -> Iterator[Client]:
    with Client(populated.url, populated.token(Role.MANAGER)) as client:
        yield client


def test_history_is_returned(client: Client) -> None:
    for begin in (BEGIN, float(TEN), BEGIN.replace(tzinfo=None)):
        found = client.history(begin, BEGIN + timedelta(hours=1), camera="door")
        assert [one.begin for one in found] == [BEGIN]
        assert (found[0].appearances, found[0].seen) == (5, 7500)
        with pytest.warns(DeprecationWarning, match="appearances"):
            assert found[0].people == 5
    minutes = client.history(BEGIN, BEGIN + timedelta(hours=1), step="minute", camera="door")
    assert len(minutes) == 25
    both = {one.camera: one for one in client.aggregate(BEGIN, BEGIN + timedelta(hours=1))}
    assert both["door"].negative == pytest.approx(0.3, abs=1e-3)
    assert both["till"].withheld
    assert both["till"].positive is None


def test_deprecated_names_work_and_name_their_replacements(client: Client) -> None:
    with pytest.warns(DeprecationWarning, match="called Aggregate"):
        old = client_package.Sum
    assert old is client_package.Aggregate
    with pytest.raises(AttributeError, match="Total"):
        _ = client_package.Total
    begin, end = BEGIN, BEGIN + timedelta(hours=1)
    with pytest.warns(DeprecationWarning, match="called aggregate"):
        assert client.together(begin, end) == client.aggregate(begin, end)


def test_readings_are_paged(client: Client) -> None:
    found = list(client.readings(BEGIN, BEGIN + timedelta(hours=1), camera="door"))
    assert len(found) == 7500
    assert len({(one.time, one.track) for one in found}) == 7500
    assert found[0].time == BEGIN
    assert found[0].neutral == pytest.approx(0.5)


def test_live_state_is_returned(client: Client) -> None:
    (seen,) = client.live()
    assert (seen.camera, seen.max_faces, seen.left_out) == ("door", 2, 3)
    front, aside = seen.faces
    assert (front.positive, front.flags) == (0.7, ("small_face", "more_faces"))
    assert (front.yaw, front.pitch, front.roll) == (12.5, -3.0, 4.0)
    assert (front.voice_share, aside.voice_share) == (0.125, None)
    assert (aside.label, aside.positive, aside.mouth_open) == ("unknown", None, None)
    assert (aside.flags[0], aside.yaw) == ("turned_away", -71.0)
    door, till = client.cameras()
    assert door.health is not None
    assert door.health.state == "running"
    assert till.health is None
    assert [one.sentiment for one in client.alerts()] == ["negative"]
    assert client.alerts(since=BEGIN + timedelta(days=1)) == []


def test_exports_are_written_to_files(client: Client, tmp_path: Path) -> None:
    path = client.export(tmp_path / "hours.csv", "hour", BEGIN, BEGIN + timedelta(hours=1))
    with path.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["hours.csv"]
    with pytest.raises(InputError, match=r"neither \.csv nor \.parquet"):
        client.export(tmp_path / "hours.xlsx", "hour", BEGIN)
    with pytest.raises(OutputError, match="cannot be written"):
        client.export(tmp_path / "none" / "hours.csv", "hour", BEGIN, BEGIN + timedelta(hours=1))
    with pytest.raises(MonitorError, match="come after the beginning"):
        client.export(tmp_path / "x.csv", "hour", BEGIN, BEGIN)
    assert [one.name for one in tmp_path.iterdir()] == ["hours.csv"]


def test_events_are_streamed(client: Client, populated: ServedMonitor) -> None:
    def happen() -> None:
        wait_until(lambda: populated.bus.subscribers == 1)
        populated.publish_observation()
        populated.bus.publish(alert(TEN))

    thread = threading.Thread(target=happen)
    thread.start()
    events = client.events()
    health, seen, alert_event = next(events), next(events), next(events)
    events.close()  # type: ignore[attr-defined]
    thread.join()
    assert isinstance(health, Health)
    assert isinstance(seen, Observation)
    assert isinstance(alert_event, Alert)
    wait_until(lambda: populated.bus.subscribers == 0)


def test_revoking_the_token_ends_the_event_stream(populated: ServedMonitor) -> None:
    with Client(populated.url, populated.token(Role.VIEWER, "short")) as client:
        events = client.events()

        def revoke() -> None:
            wait_until(lambda: populated.bus.subscribers == 1)
            name = next(t.name for t in populated.accounts.tokens() if t.name.startswith("short"))
            populated.accounts.revoke_token(name)

        thread = threading.Thread(target=revoke)
        thread.start()
        with pytest.raises(MonitorError) as refused:
            next(events)
        thread.join()
        assert refused.value.status == 401
        with pytest.raises(MonitorError) as refused:
            client.live()
        assert refused.value.status == 401


def test_refusals_raise_errors(populated: ServedMonitor) -> None:
    with Client(populated.url, populated.token(Role.VIEWER)) as client:
        with pytest.raises(MonitorError, match="Only managers") as refused:
            next(client.readings(BEGIN))
        assert refused.value.status == 403
        with pytest.raises(MonitorError) as refused:
            next(client.events(["reading"]))
        assert refused.value.status == 403
        with pytest.raises(MonitorError, match=r"query\.step"):
            client.history(BEGIN, step="second")  # type: ignore[arg-type]
    with Client(populated.url, "none") as client:
        with pytest.raises(MonitorError, match="needs a login") as refused:
            client.live()
        assert refused.value.status == 401
        with pytest.raises(MonitorError, match="needs a login"):
            next(client.events())


def test_rate_limit_reports_the_waiting_time(tmp_path: Path) -> None:
    custom_settings = settings(server={"requests_a_minute": 10})
    with (
        ServedMonitor(tmp_path, custom_settings) as served,
        Client(served.url, served.token()) as client,
    ):
        with pytest.raises(MonitorError) as refused:
            for _ in range(20):
                client.live()
        assert refused.value.status == 429
        assert refused.value.wait is not None
        assert 0 < refused.value.wait <= 6


def test_unreachable_server_is_reported() -> None:
    with Client("http://127.0.0.1:9", "x", timeout=2) as client:
        with pytest.raises(UnreachableError, match="does not answer"):
            client.live()
        with pytest.raises(UnreachableError, match="does not answer"):
            next(client.events())
    with pytest.raises(InputError, match="no address"):
        Client("ftp://monitor", "x")


def test_token_is_not_shown() -> None:
    assert (
        repr(Client("http://127.0.0.1:9", "sentistream_hidden")) == "Client('http://127.0.0.1:9')"
    )


def test_client_imports_nothing_of_the_monitor() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['fastapi', 'sqlalchemy', 'pydantic', "
        "'argon2'])); from sentistream.client import Client; "
        "Client('http://127.0.0.1:9', 'x'); "
        "assert not [m for m in sys.modules if m.startswith('sentistream.monitor')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603


def test_documented_example_runs(populated: ServedMonitor, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    example = text.split("```python\n", 1)[1].split("```", 1)[0]
    assert "Client(" in example
    token = populated.token(Role.MANAGER)
    example = example.replace("http://127.0.0.1:8420", populated.url)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", example],
        env={"SENTISTREAM_TOKEN": token, "PYTHONPATH": ":".join(sys.path), "PATH": ""},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: populated.bus.subscribers == 1 or process.poll() is not None)
        populated.publish_observation()
        populated.bus.publish(alert(TEN))
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert "Grim faces" in output
    assert (tmp_path / "yesterday.csv").exists()
