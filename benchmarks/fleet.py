"""What a headquarters of many shops costs: a thousand simulated sites, one broker, one PostgreSQL.

Starts mosquitto with TLS, PostgreSQL, and ``sentistream monitor`` as headquarters, all on this
machine, and simulates the sites in sped-up time: every site keeps its own connection, signs its
own messages, and resends unanswered ones. Each minute of each site has a row for each
camera and each of its zones; about three rows in ten are withheld, which saves a few bytes.
The sites' messages are spread evenly over the minute.

While that runs, the pages are read over HTTP, and one more site, with the product's own outbox and
sender, comes back after two weeks offline.

Usage: python -m benchmarks.fleet [--sites 1000] [--speed 10] [--minutes 30] [--json FILE]
"""

from __future__ import annotations

import json
import os
import random
import selectors
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, insert, text

from sentistream.benchmarking.system_facts import describe_machine
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.fleet.broker_connection import BrokerConnection
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.monitor.fleet.messages import FleetTopics, decode, encode, split
from sentistream.monitor.fleet.records import (
    MINUTE,
    SumRow,
    about_record,
    alert_record,
    sums_record,
)
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.headquarters.fleet_tables import SITES
from sentistream.monitor.headquarters.headquarters import MIGRATIONS
from sentistream.monitor.headquarters.record_parsing import SiteSum
from sentistream.monitor.headquarters.sites import JOINED
from sentistream.monitor.headquarters.sum_storage import SumBatch, SumStorage
from sentistream.monitor.observations import Alert
from sentistream.monitor.site_link.outbox import Outbox
from sentistream.monitor.site_link.sender import Sender
from sentistream.monitor.store import migrate, open_database

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE / "tests"), str(HERE / "tests" / "monitor")]

from store.postgres import Server  # noqa: E402

from mqtt_broker import Mosquitto, mosquitto  # noqa: E402

TOPIC = "sentistream/fleet"
PASSWORD = "long enough to measure"  # noqa: S105
BROKER_LINES = ("max_queued_messages 100000", "max_inflight_messages 1000")
"""As in deploy/headquarters/mosquitto.conf."""
ANSWER_TIMEOUT = 30.0
HEALTH_MINUTES = 5
PAGES = ("/shops", "/shops?period=month&order=worse", "/shops/shop/site-0000", "/shops/alerts")
PAGE_PAUSE = 5.0
LAG_GOAL, PAGE_GOAL = 10.0, 0.5


class Database(Server):
    """PostgreSQL as in production: commits reach the disk."""

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            "-c shared_buffers=512MB -c max_wal_size=2GB -c fsync=on -c synchronous_commit=on"
        )
        self._run(
            "pg_ctl",
            *("-D", str(self.folder / "data"), "-o", options, "-w", "-t", "60"),
            *("-l", str(self.folder / "log"), "start"),
        )


@dataclass
class Figures:
    """Counters on the sites' side."""

    lags: list[float] = field(default_factory=list)
    pages: dict[str, list[float]] = field(default_factory=dict)
    sent: int = 0
    sent_bytes: int = 0
    answer_bytes: int = 0
    repeated: int = 0
    rows: int = 0
    catch_up: dict[str, float] = field(default_factory=dict)


class SimulatedSite:
    """One site: a connection, a key, and messages awaiting an answer."""

    def __init__(self, number: int, broker: Mosquitto, figures: Figures) -> None:
        self.name = f"site-{number:04d}"
        self.key = SigningKey.generate()
        self.phase = random.random()  # noqa: S311
        self.waiting: dict[int, tuple[float, float, list[dict[str, Any]]]] = {}
        self._figures = figures
        self._topics = FleetTopics(TOPIC)
        self._number = int(time.time() * 1000)
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self.name, protocol=paho.MQTTv5
        )
        context = ssl.create_default_context(cafile=str(broker.certificate))
        self.client.tls_set_context(context)
        self.client.on_connect = lambda client, *_: client.subscribe(
            self._topics.down(self.name), qos=1
        )
        self.client.on_message = self._answered
        self._port = broker.port

    def connect(self) -> None:
        """Connects; the answer is read by the event loop."""
        self.client.connect("127.0.0.1", self._port, keepalive=600)

    def send(self, records: list[dict[str, Any]], first: float | None = None) -> None:
        self._number += 1
        topic = self._topics.up(self.name)
        fields = {"site": self.name, "n": self._number, "sent": time.time(), "kind": "data"}
        fields |= {"live": True, "offset": 0.0, "waiting": 0, "dropped": 0, "records": records}
        payload = encode(fields, topic, self.key)
        now = time.monotonic()
        self.client.publish(topic, payload, qos=1)
        self.waiting[self._number] = (first or now, now, records)
        self._figures.sent += 1
        self._figures.sent_bytes += len(payload)

    def send_again(self) -> None:
        now = time.monotonic()
        for number, (first, sent, records) in list(self.waiting.items()):
            if now - sent > ANSWER_TIMEOUT:
                del self.waiting[number]
                self._figures.repeated += 1
                self.send(records, first)

    def _answered(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        self._figures.answer_bytes += len(payload)
        answer = decode(split(payload)[1])
        found = self.waiting.pop(answer.get("of", -1), None)
        if found is not None and answer["kind"] == "ack":
            self._figures.lags.append(time.monotonic() - found[0])


class Network:
    """Serves the sockets of all clients from one thread."""

    def __init__(self, sites: list[SimulatedSite]) -> None:
        self._sites = sites
        self._selector = selectors.DefaultSelector()
        self.reconnected = 0
        for site in sites:
            self._connect(site)
        self._misc = deque(sites)

    def turn(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            site: SimulatedSite = key.data
            if site.client.loop_read(50) != paho.MQTT_ERR_SUCCESS:
                self._selector.unregister(key.fileobj)
                self.reconnected += 1
                self._connect(site)
        for site in self._sites:
            if site.client.want_write():
                site.client.loop_write()
        for _ in range(20):
            self._misc.rotate(-1)
            self._misc[0].client.loop_misc()

    def _connect(self, site: SimulatedSite) -> None:
        site.connect()
        sock = site.client.socket()
        assert sock is not None
        self._selector.register(sock, selectors.EVENT_READ, site)


def minute_rows(cameras: int, zones: int, generator: random.Random) -> list[SumRow]:
    """One minute of a site."""
    rows = []
    for camera in range(cameras):
        for zone in range(-1, zones):
            appearances = generator.randint(1, 14)
            few = appearances < 5
            positive = generator.randint(500, 4000)
            negative = generator.randint(300, 4000)
            rows.append(
                SumRow(
                    camera=f"camera-{camera + 1}",
                    zone="" if zone < 0 else f"zone-{zone + 1}",
                    appearances=appearances,
                    arrived=generator.randint(0, appearances),
                    watched=60 if zone < 0 else 0,
                    seen=None if few else generator.randint(20_000, 400_000),
                    speaking=None if few else generator.randint(0, 20_000),
                    positive=None if few else positive,
                    neutral=None if few else 10_000 - positive - negative,
                    negative=None if few else negative,
                )
            )
    return rows


def health(camera: int, now: float) -> dict[str, Any]:
    """A camera's state as a site sends it."""
    return {
        "kind": "health",
        "camera": f"camera-{camera + 1}",
        "state": "running",
        "since": round(now, 3),
        "reason": "",
        "restarts": 0,
        "moments_per_second": 28.4,
        "dropped": 12,
        "damaged": 0,
    }


def add_sites(engine: Engine, sites: list[tuple[str, str]]) -> None:
    """Sites that have already joined, by name and public key."""
    now = time.time()
    rows = [
        {
            "key": name,
            "name": name.title(),
            "state": JOINED,
            "time_zone": "Europe/Berlin",
            "chosen_time_zone": "",
            "program": "0.1.0",
            "created": now,
            "joined": now,
            "public_key": public,
            "key_made": now,
            "renew_key": False,
            "retired_keys": "[]",
            "code_key": "",
            "code_expires": 0.0,
            "code_used_by": "",
            "last_number": 0,
            "last_seen": now,
            "waiting": 0,
            "dropped": 0,
            "discarded": 0,
        }
        for name, public in sites
    ]
    with engine.begin() as connection:
        connection.execute(insert(SITES), rows)


def fill_past(engine: Engine, cameras: int, zones: int, now: float) -> None:
    """56 days of totals for every site, and six days of minutes for the site whose page is read."""
    today, hour = int(now // 86_400) + 719_163, int(now // 3600)
    totals = "900, 700, 40000, 90000000, 9000000, 25000000, 45000000, 20000000 + (random() * 1e7)"
    with engine.begin() as connection:
        for table, newest, count in (("fleet_days", today, 56), ("fleet_hours", hour, 56 * 24)):
            connection.execute(
                text(
                    f"INSERT INTO {table} SELECT s.id, g, {totals}::bigint "  # noqa: S608
                    f"FROM fleet_sites s, generate_series({newest - count}, {newest - 1}) g"
                )
            )
    rows = [SiteSum(begin, MINUTE, 1, row) for begin, row in _week(now, cameras, zones)]
    with engine.begin() as connection:
        site = connection.scalar(text("SELECT id FROM fleet_sites WHERE key = 'site-0000'"))
        assert site is not None
        SumStorage(engine).store(connection, [SumBatch(site, "Europe/Berlin", rows)])


def _week(now: float, cameras: int, zones: int) -> Iterator[tuple[int, SumRow]]:
    generator, end = random.Random(3), int(now) // 60 * 60 - 86_400  # noqa: S311
    for begin in range(end - 6 * 86_400, end, 60):
        for row in minute_rows(cameras, zones, generator):
            yield begin, row


@contextmanager
def headquarters(
    folder: Path, broker: Mosquitto, database: Database
) -> Iterator[tuple[str, int, str]]:
    """The program as headquarters: its page's address, its process, and the set-up link."""
    settings = folder / "monitor.yaml"
    settings.write_text(
        "\n".join(
            [
                f"storage: {{url: '{database.url}'}}",
                "headquarters:",
                "  host: 127.0.0.1",
                f"  port: {broker.port}",
                f"  ca_file: {broker.certificate}",
                f"  topic: {TOPIC}",
                "server: {requests_a_minute: 100000}",
                f"logging: {{file: {folder / 'log'}}}",
                "",
            ]
        )
    )
    output = (folder / "said").open("w")
    process = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "sentistream", "monitor", "--no-browser", "--no-guard"),
            *("--port", "0", "--config", str(settings), "--state", str(folder / "state")),
        ],
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        ends = time.monotonic() + 120
        while "/setup/" not in (folder / "said").read_text():
            assert process.poll() is None, (folder / "said").read_text()
            assert time.monotonic() < ends, "headquarters does not start"
            time.sleep(0.2)
        lines = (folder / "said").read_text().split()
        link = next(word for word in lines if "/setup/" in word)
        yield link.partition("/setup/")[0], process.pid, link
    finally:
        process.terminate()
        process.wait(60)
        output.close()


class PageReader(threading.Thread):
    """Reads the pages over and over, as users do."""

    def __init__(self, base: str, link: str, figures: Figures) -> None:
        super().__init__(daemon=True)
        self._figures = figures
        self._ended = threading.Event()
        self._client = httpx.Client(base_url=base, timeout=60, headers={"origin": base})
        form = {"name": "ada", "password": PASSWORD, "again": PASSWORD}
        assert self._client.post(link, data=form).status_code == 303

    def run(self) -> None:
        while not self._ended.is_set():
            for page in PAGES:
                started = time.perf_counter()
                answer = self._client.get(page)
                assert answer.status_code == 200, (page, answer.status_code)
                self._figures.pages.setdefault(page, []).append(time.perf_counter() - started)
                self._ended.wait(PAGE_PAUSE)

    def close(self) -> None:
        self._ended.set()
        self.join(60)


def catch_up(
    folder: Path,
    broker: Mosquitto,
    key: SigningKey,
    cameras: int,
    zones: int,
    days: float,
    figures: Figures,
) -> int:
    """The product's outbox and sender after days offline; returns the number of rows sent."""
    outbox = Outbox(folder / "outbox.db")
    generator, now = random.Random(7), time.time()  # noqa: S311
    begin = int(now) // 60 * 60 - int(days * 1440) * 60
    begins = range(begin, int(now) // 60 * 60 - 60, 60)
    rows = len(begins) * cameras * (zones + 1)
    # in one transaction: filling it is not measured
    with outbox._transaction() as database:
        for minute in begins:
            record = sums_record(minute, MINUTE, 1, minute_rows(cameras, zones, generator))
            database.execute(
                "INSERT INTO records (created, replaces, body) VALUES (?, ?, ?)",
                (minute + 60, f"sums 60 {minute}", json.dumps(record, separators=(",", ":"))),
            )
    figures.catch_up["outbox_mb"] = round((folder / "outbox.db").stat().st_size / 1e6, 1)
    figures.catch_up["records"] = outbox.count()
    site, lock = "cut-off", threading.Lock()
    topics = FleetTopics(TOPIC)
    live: dict[float, float] = {}

    def receive(topic: str, payload: bytes) -> None:
        answer = decode(split(payload)[1])
        with lock:
            if answer["kind"] == "ack":
                sender.acknowledged(answer["of"], answer["time"])
            sender.pump(key)

    connection = BrokerConnection(
        BrokerAddress(host="127.0.0.1", port=broker.port, ca=broker.certificate.read_text()),
        client_id=site,
        subscriptions=[topics.down(site)],
        on_message=receive,
    )
    sender = Sender(outbox, topics, site, connection.publish)
    assert connection.wait(30)
    started = time.monotonic()
    alerts, lags = 0, []
    while outbox.count():
        moment = time.time()
        if not live and time.monotonic() - started > alerts * 2:
            alerts += 1
            alert = Alert(
                rule="sour",
                name="Sour",
                camera="camera-1",
                zone="",
                time=moment,
                active=alerts % 2 == 1,
                sentiment="negative",
                share=0.5,
                limit=0.4,
                minutes=10,
            )
            with lock:
                outbox.put(alert_record(alert), moment)
            live[moment] = time.monotonic()
        with lock:
            sender.pump(key)
            waits = outbox.waiting(0, 1, since=moment - 100)
        if live and not waits:
            lags.append(time.monotonic() - live.popitem()[1])
        time.sleep(0.02)
    figures.catch_up["seconds"] = round(time.monotonic() - started, 1)
    figures.catch_up["live_messages_meanwhile"] = len(lags)
    if lags:
        figures.catch_up["live_lag_max_s"] = round(max(lags), 2)
    connection.close()
    outbox.close()
    return rows


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its children, including those that have exited."""
    total = 0.0
    ticks = 100
    for each in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(value) for value in fields[11:15]) / ticks
    return total


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for child in map(int, found) for each in (child, *_children(child))]


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


@click.command()
@click.option("--sites", "count", default=1000, show_default=True)
@click.option("--cameras", default=4, show_default=True, help="Cameras of a site.")
@click.option("--zones", default=6, show_default=True, help="Zones of a camera.")
@click.option("--speed", default=10.0, show_default=True, help="Simulated seconds per second.")
@click.option("--minutes", default=30.0, show_default=True, help="Duration, in real minutes.")
@click.option("--outage", default=14.0, show_default=True, help="Days that one site was offline.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write a file.")
def main(
    count: int,
    cameras: int,
    zones: int,
    speed: float,
    minutes: float,
    outage: float,
    json_file: Path | None,
) -> None:
    """Measure a headquarters with simulated sites."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # everything started is stopped
    figures = Figures()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        broker = stack.enter_context(mosquitto(folder, tls=True, lines=BROKER_LINES))
        database = Database()
        stack.callback(database.close)
        engine = open_database(database.url)
        stack.callback(engine.dispose)
        migrate(engine)
        migrate(engine, MIGRATIONS)
        base, pid, link = stack.enter_context(headquarters(folder, broker, database))
        sites = [SimulatedSite(number, broker, figures) for number in range(count)]
        cut_off = SigningKey.generate()
        add_sites(
            engine,
            [(site.name, site.key.public) for site in sites] + [("cut-off", cut_off.public)],
        )
        fill_past(engine, cameras, zones, time.time())
        time.sleep(7)  # headquarters looks for new sites every five seconds
        with engine.connect() as connection:
            connection.execute(text("ANALYZE"))
        pages = PageReader(base, link, figures)
        result = _simulate(
            engine, folder, broker, database, sites, cut_off, pages, pid, figures,
            cameras=cameras, zones=zones, speed=speed, minutes=minutes, outage=outage,
        )  # fmt: skip
    for key, value in result.items():
        click.echo(f"{key}: {value}")
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    if not result["each_sum_stored_once"]:
        raise click.ClickException("Sums were lost or doubled.")
    if result["lag_p99_s"] > LAG_GOAL or result["page_p99_ms"] > 1000 * PAGE_GOAL:
        raise click.ClickException("The lag or the pages are beyond the goal.")


def _simulate(
    engine: Engine,
    folder: Path,
    broker: Mosquitto,
    database: Database,
    sites: list[SimulatedSite],
    cut_off: SigningKey,
    pages: PageReader,
    pid: int,
    figures: Figures,
    *,
    cameras: int,
    zones: int,
    speed: float,
    minutes: float,
    outage: float,
) -> dict[str, Any]:
    generator = random.Random(1)  # noqa: S311
    network = Network(sites)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        network.turn(0.1)
    simulated = int(minutes * speed)
    first_minute = int(time.time()) // 60 * 60 - simulated * 60 - 120
    postmaster = int((database.folder / "data" / "postmaster.pid").read_text().split()[0])
    size = _size(engine)
    cpu = {
        name: cpu_seconds(number)
        for name, number in (("headquarters", pid), ("postgresql", postmaster))
    }
    broker_cpu = cpu_seconds(broker.process.pid)
    about = about_record(
        "Europe/Berlin",
        "0.1.0",
        DisplayNames({f"camera-{n + 1}": f"Camera {n + 1}" for n in range(cameras)}),
    )
    stored_before, _ = _stored(engine)
    started = time.monotonic()
    pages.start()
    returned: list[int] = []
    late = threading.Thread(
        target=lambda: returned.append(
            catch_up(folder, broker, cut_off, cameras, zones, outage, figures)
        ),
        daemon=True,
    )
    queue = sorted(
        (minute + site.phase, index, minute)
        for index, site in enumerate(sites)
        for minute in range(simulated)
    )
    total_seen, shown = 0, 0.0
    for moment, index, minute in queue:
        due = started + moment * 60 / speed
        while (wait := due - time.monotonic()) > 0:
            network.turn(min(wait, 0.05))
        network.turn(0)
        site, begin = sites[index], first_minute + minute * 60
        rows = minute_rows(cameras, zones, generator)
        records = [sums_record(begin, MINUTE, 1, rows)]
        if minute == 0:
            records.append(about)
        if minute % HEALTH_MINUTES == index % HEALTH_MINUTES:
            records += [health(camera, begin) for camera in range(cameras)]
        site.send(records)
        figures.rows += len(rows)
        total_seen += sum(row.seen or 0 for row in rows)
        if index % 50 == 0:
            site.send_again()
        if minute >= simulated * 0.1 and not late.ident:
            late.start()
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            click.echo(
                f"{(shown - started) / 60:.1f} min: {figures.sent} messages, "
                f"{sum(len(each.waiting) for each in sites)} unanswered, "
                f"lag p99 {quantile(figures.lags[-20_000:], 0.99):.2f} s",
                err=True,
            )
    ends = time.monotonic() + 300
    while any(site.waiting for site in sites) and time.monotonic() < ends:
        network.turn(0.05)
        for site in sites:
            site.send_again()
    took = time.monotonic() - started
    if late.ident:
        late.join(1200)
    pages.close()
    stored, seen = _stored(engine)
    stored -= stored_before
    expected = figures.rows + sum(returned)
    grown = _size(engine) - size
    lags = figures.lags
    all_pages = [each for times in figures.pages.values() for each in times]
    days = simulated / 1440
    spent = {
        "headquarters": cpu_seconds(pid) - cpu["headquarters"],
        "postgresql": cpu_seconds(postmaster) - cpu["postgresql"],
        "broker": cpu_seconds(broker.process.pid) - broker_cpu,
    }
    site_days = days * len(sites)
    return {
        "machine": describe_machine(),
        "sites": len(sites),
        "cameras": len(sites) * cameras,
        "zones_per_camera": zones,
        "speed": speed,
        "real_minutes": round(took / 60, 1),
        "simulated_minutes": simulated,
        "messages": figures.sent,
        "messages_a_second": round(figures.sent / took, 1),
        "repeated_messages": figures.repeated,
        "reconnections": network.reconnected,
        "rows_sent": expected,
        "rows_stored": stored,
        "each_sum_stored_once": stored == expected and seen >= total_seen,
        "lag_p50_s": round(quantile(lags, 0.5), 2),
        "lag_p99_s": round(quantile(lags, 0.99), 2),
        "lag_max_s": round(max(lags), 2),
        "page_p50_ms": round(1000 * quantile(all_pages, 0.5), 1),
        "page_p99_ms": round(1000 * quantile(all_pages, 0.99), 1),
        "pages_ms": {
            page: [round(1000 * quantile(times, share), 1) for share in (0.5, 0.99)]
            for page, times in figures.pages.items()
        },
        "pages_read": len(all_pages),
        "messages_per_site_and_day": round(figures.sent / site_days),
        "bytes_per_message": round(figures.sent_bytes / figures.sent),
        "megabytes_up_per_site_and_day": round(figures.sent_bytes / site_days / 1e6, 2),
        "megabytes_down_per_site_and_day": round(figures.answer_bytes / site_days / 1e6, 2),
        "rows_per_site_and_day": round(figures.rows / site_days),
        "database_grew_mb": round(grown / 1e6, 1),
        "bytes_per_row": round(grown / max(stored, 1), 1),
        "cpu_seconds": {name: round(value, 1) for name, value in spent.items()},
        "cpu_ms_per_message": {
            name: round(1000 * value / figures.sent, 3) for name, value in spent.items()
        },
        "headquarters_resident_mb": round(resident_mb(pid)),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "catch_up": {"days": outage, **figures.catch_up},
    }


def _size(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _stored(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT count(*), sum(seen) FROM fleet_sums")).one()
    return int(row[0]), int(row[1] or 0)


if __name__ == "__main__":
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        raise SystemExit("needs mosquitto")
    main()
