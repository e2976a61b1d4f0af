"""Forged, stale or replayed messages are refused and reported, without affecting other sites."""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from store.sample_readings import alert

from fleet.fleet_sites import (
    TOPIC,
    BrokerTap,
    Shop,
    has_alerts,
    headquarters,
    invite,
    is_connected,
    key_of,
    sums,
)
from mqtt_broker import Mosquitto
from sentistream.monitor.fleet.messages import (
    MAX_JSON_BYTES,
    VERSION,
    FleetTopics,
    encode,
)
from sentistream.monitor.fleet.signatures import SigningKey
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.headquarters.site_registry import SiteRegistry
from sentistream.monitor.store import open_database
from waiting import wait_until

UP = FleetTopics(TOPIC).up("north")


@pytest.fixture
def hq(tmp_path: Path, broker: Mosquitto) -> Iterator[Headquarters]:
    engine = open_database(f"sqlite:///{tmp_path / 'headquarters.db'}")
    with headquarters(engine, broker) as running:
        yield running
    engine.dispose()


@pytest.fixture
def joined_shop(hq: Headquarters, shop: Shop) -> Shop:
    shop.join(invite(hq))
    return shop


def record(number: int = 0) -> dict[str, Any]:
    """A sum of the minute before last."""
    begin = int(time.time()) // 60 * 60 - 120
    row = ["door", "", 9, 9, 60, 540_000 + number, 0, 2000, 5000, 3000]
    return {"kind": "sums", "begin": begin, "length": 60, "revision": 1 + number, "rows": [row]}


def expect_refused(hq: Headquarters, reason: str, act: Callable[[], object]) -> None:
    """Do something that is refused for one reason, counted once, and not stored."""
    before, stored = dict(hq.receiver.refused), hq.receiver.stored
    act()
    wait_until(lambda: hq.receiver.refused.total() > sum(before.values()), "it is refused")
    assert dict(hq.receiver.refused) == before | {reason: before.get(reason, 0) + 1}
    assert hq.receiver.stored == stored


def test_refused_messages_are_counted_logged_and_harmless(
    hq: Headquarters,
    joined_shop: Shop,
    tap: BrokerTap,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    other = Shop(tmp_path / "south")
    other.join(invite(hq, "south", "South Street"))
    anonymous, own, foreign = SigningKey.generate(), key_of(joined_shop), key_of(other)
    good = encode(
        {"site": "north", "n": 7, "sent": time.time(), "kind": "data", "records": [record()]},
        UP,
        own,
    )
    # without any key
    expect_refused(hq, "signature", lambda: tap.send_as_site(anonymous, records=[record()]))
    expect_refused(hq, "unknown site", lambda: tap.send_as_site(anonymous, site="nowhere"))
    expect_refused(hq, "unreadable", lambda: tap.publish(UP, b"too short"))
    expect_refused(hq, "unreadable", lambda: tap.publish(UP, b"x" * 300_000))
    expect_refused(hq, "signature", lambda: tap.publish(UP, b"x" * 200))
    # another site: its own key under a foreign name, in each of three ways
    expect_refused(hq, "signature", lambda: tap.send_as_site(foreign, records=[record()]))
    expect_refused(
        hq, "wrong name", lambda: tap.send_as_site(foreign, site="north", topic_site="south")
    )
    expect_refused(
        hq,
        "signature",
        lambda: tap.send_as_site(foreign, signed_topic=FleetTopics(TOPIC).up("south")),
    )
    # changed in transit
    expect_refused(hq, "signature", lambda: tap.publish(UP, good[:-3] + b"abc"))
    assert sums(hq) == sums(hq, "south") == {}

    tap.publish(UP, good)
    wait_until(lambda: len(sums(hq)) == 1, "a genuine message is stored")
    # recorded and replayed
    expect_refused(hq, "replay", lambda: tap.publish(UP, good))
    assert len(sums(hq)) == 1

    # genuine sites report as before
    queries = FleetQueries(hq.engine, 15)
    for each, site in ((joined_shop, "north"), (other, "south")):
        with each.running() as link:
            wait_until(is_connected(link), "it is connected")
            each.bus.publish(alert(time.time()))
            wait_until(has_alerts(queries, 1, site), f"{site} reports")
            assert not link.status.problem
    other.close()
    for reason in ("signature", "unknown site", "unreadable", "wrong name", "replay"):
        assert f"a message was refused: {reason}" in caplog.text


def test_replaced_key_is_refused(hq: Headquarters, joined_shop: Shop, tap: BrokerTap) -> None:
    old = key_of(joined_shop)
    with joined_shop.running() as link:
        wait_until(lambda: link.status.answered, "the first answer")
        link.renew_key()
        wait_until(lambda: key_of(joined_shop).seed != old.seed, "the new key")
    expect_refused(hq, "old key", lambda: tap.send_as_site(old, records=[record()]))
    assert sums(hq) == {}
    tap.send_as_site(key_of(joined_shop), n=int(time.time() * 1000) + 5000, records=[record()])
    wait_until(lambda: len(sums(hq)) == 1, "the new key counts")


def test_key_of_a_departed_shop_is_refused(
    hq: Headquarters, joined_shop: Shop, tap: BrokerTap
) -> None:
    from sentistream.monitor.site_link.joining import leave

    key = key_of(joined_shop)
    assert leave(joined_shop.state)
    expect_refused(hq, "old key", lambda: tap.send_as_site(key, records=[record()]))


def test_joining_code_cannot_sign_reports(hq: Headquarters, tap: BrokerTap) -> None:
    """The code's key signs the request to join and nothing else."""
    hq.registry.add("north", "North")
    code = hq.registry.new_code("north", hq.settings, ca=hq.ca)
    hq.receiver.reload()
    expect_refused(
        hq, "code", lambda: tap.send_as_site(SigningKey(code.secret), records=[record()])
    )
    assert sums(hq) == {}


def test_replayed_join_request_changes_nothing(
    hq: Headquarters, shop: Shop, tap: BrokerTap
) -> None:
    shop.join(invite(hq))
    (question,) = [payload for topic, payload in tap.raw if topic == UP]
    before = hq.registry.keys()["north"]
    tap.publish(UP, question)
    time.sleep(1)
    after = hq.registry.keys()["north"]
    assert (after.public, after.retired, after.state) == (before.public, (), "joined")


def test_forged_acknowledgement_deletes_nothing(
    hq: Headquarters, joined_shop: Shop, tap: BrokerTap
) -> None:
    """Acknowledgements and refusals that headquarters did not sign are ignored."""
    hq.receiver.close()  # receives everything and answers nothing
    down = FleetTopics(TOPIC).down("north")
    with joined_shop.running() as link:
        wait_until(lambda: tap.up() and link.status.waiting, "a message is in flight")
        number = tap.up()[-1]["n"]
        forged = {"site": "north", "of": number, "time": time.time()}
        waiting = link.status.waiting
        tap.publish(down, encode({**forged, "kind": "ack"}, down, SigningKey.generate()))
        tap.publish(down, b"nonsense" * 20)
        # headquarters' own refusal of somebody else's bytes with the same number
        real = SiteRegistry(hq.engine).signing_key()
        other = {**forged, "kind": "refused", "reason": "removed", "digest": "0" * 32}
        tap.publish(down, encode(other, down, real))
        time.sleep(1)
        assert link.status.waiting >= waiting > 0
        assert link.status.link is not None
        assert link.status.link.refused == ""
        tap.publish(down, encode({**forged, "kind": "ack"}, down, real))
        wait_until(lambda: link.status.waiting < waiting, "a genuine answer counts")


def test_oversized_decompressed_message_is_refused(
    hq: Headquarters, joined_shop: Shop, tap: BrokerTap
) -> None:
    key = key_of(joined_shop)
    body = zlib.compress(json.dumps({"v": 1, "pad": " " * MAX_JSON_BYTES}).encode(), 9)
    assert len(body) < 10_000
    expect_refused(hq, "unreadable", lambda: tap.publish(UP, key.sign(UP, body) + body))


@pytest.mark.parametrize("version", [VERSION + 2, 0, "1", None, True])
def test_version_two_releases_away_is_refused(
    hq: Headquarters, joined_shop: Shop, tap: BrokerTap, version: object
) -> None:
    expect_refused(
        hq, "version", lambda: tap.send_as_site(key_of(joined_shop), v=version, records=[record()])
    )
    wait_until(
        lambda: tap.down()[-1:] and tap.down()[-1].get("reason") == "version", "the refusal is sent"
    )


def test_next_release_may_add_fields(hq: Headquarters, joined_shop: Shop, tap: BrokerTap) -> None:
    """Unknown fields, columns and kinds of records are ignored; the rest is stored."""
    newer = record() | {"mood_index": 3, "provenance": {"a": [1]}}
    newer["rows"] = [[*newer["rows"][0], 17, "more"]]
    tap.send_as_site(
        key_of(joined_shop),
        v=VERSION + 1,
        compression="none",
        records=[newer, {"kind": "forecast", "values": [1, 2]}],
    )
    wait_until(lambda: len(sums(hq)) == 1, "it is stored")
    wait_until(lambda: any(each["kind"] == "ack" for each in tap.down()), "it is answered")
    assert hq.registry.site("north").discarded == 0


def test_older_release_may_omit_fields(hq: Headquarters, joined_shop: Shop, tap: BrokerTap) -> None:
    """The minimal fields: newer ones have defaults."""
    older = record()
    del older["length"], older["revision"]
    topic = UP
    fields = {"v": 1, "site": "north", "n": int(time.time() * 1000), "kind": "data"}
    body = zlib.compress(json.dumps(fields | {"records": [older]}).encode())
    tap.publish(topic, key_of(joined_shop).sign(topic, body) + body)
    wait_until(lambda: len(sums(hq)) == 1, "it is stored")


@pytest.mark.parametrize(
    "unfit",
    [
        {"kind": "sums", "begin": 60, "rows": []},
        {"kind": "sums", "begin": int(time.time()) // 60 * 60 + 5 * 86_400, "rows": []},
        {"kind": "sums", "begin": 1_700_000_001, "rows": []},
        record() | {"rows": [["door", "", -1, 0, 60, 0, 0, 0, 0, 0]]},
        record() | {"rows": [["door", "", 1, 1, 60, 2**40, 0, 0, 0, 0]]},
        record() | {"rows": [["door", "", 1, 1, 60, 5, 0, 20_000, 0, 0]]},
        record() | {"rows": [["do\x00or", "", 1, 1, 60, None, None, None, None, None]]},
        record() | {"rows": ["door"]},
        {"kind": "health", "camera": "door", "state": "on fire"},
        {"kind": "alert", "rule": "x" * 500, "camera": "door", "time": time.time(), "active": True},
        {"kind": "alert", "rule": "x", "camera": "door", "time": float("1e300"), "active": True},
        {"kind": "about", "cameras": {"door": 7}},
        "no record",
    ],
)
def test_invalid_record_is_skipped_and_counted(
    hq: Headquarters, joined_shop: Shop, tap: BrokerTap, unfit: Any
) -> None:
    tap.send_as_site(key_of(joined_shop), records=[unfit, record()])
    wait_until(lambda: len(sums(hq)) == 1, "the rest is stored")
    wait_until(
        lambda: any(each.get("discarded") == 1 for each in tap.down()), "the refusal is sent"
    )
    assert hq.registry.site("north").discarded == 1
