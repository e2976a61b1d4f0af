"""A shop joins and reports, and everything arrives once; over a real broker with TLS."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from store.sample_readings import alert, crowd

from event_bus_helpers import health
from fleet.fleet_sites import (
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
from sentistream.errors import InputError
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_results import Totals
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import CameraSettings
from sentistream.monitor.site_link import sender
from sentistream.monitor.site_link.joining import JoinError, join, leave
from sentistream.monitor.site_link.link_state import LINK_FILE, read_link, write_link
from sentistream.monitor.site_link.outbox import OUTBOX_FILE
from waiting import wait_until


def this_minute() -> int:
    return int(time.time()) // 60 * 60


def test_sums_arrive_with_small_groups_withheld_at_the_source(hq: Headquarters, shop: Shop) -> None:
    now = this_minute()
    shop.store.add(crowd(now - 120, now - 60, zone="entrance"))
    shop.store.add(crowd(now - 120, now - 60, ("x", "y"), camera="till"))
    shop.join(invite(hq))
    with shop.running():
        wait_until(lambda: len(sums(hq)) >= 3, "the sums at headquarters")
    found = sums(hq)
    whole = found["door", "", now - 120, 1]
    assert (whole.appearances, whole.arrived, whole.watched) == (5, 5, 60)
    assert whole.seen == 5 * 60_000
    assert (whole.positive, whole.neutral, whole.negative) == (2000, 5000, 3000)
    assert found["door", "entrance", now - 120, 1].seen == 5 * 60_000
    few = found["till", "", now - 120, 1]
    assert few.appearances == 2
    assert (few.seen, few.speaking, few.positive, few.neutral, few.negative) == (None,) * 5
    (site,) = hq.registry.sites()
    assert site.state == "joined"
    assert site.newest_minute is not None


def test_states_and_alerts_arrive_and_are_shown(hq: Headquarters, shop: Shop) -> None:
    now = time.time()
    shop.join(invite(hq))
    with shop.running() as link:
        wait_until(lambda: link.status.connected, "the shop is connected")
        shop.bus.publish(health("door", CameraState.WAITING, "rtsp://a:secret@10.0.0.9 is gone"))
        shop.bus.publish(health("visitor-1", CameraState.RUNNING))
        shop.bus.publish(alert(now - 60))
        shop.bus.publish(alert(now - 5, active=False))
        queries = FleetQueries(hq.engine, 15)
        (site,) = hq.registry.sites()
        wait_until(lambda: queries.alerts(), "the alert at headquarters")
        wait_until(lambda: len(queries.cameras(site)) == 2, "the cameras at headquarters")
    (found,) = queries.alerts()
    assert (found.site, found.rule, found.camera) == ("north", "grim", "door")
    assert (found.began, found.ended) == (round(now - 60, 3), round(now - 5, 3))
    cameras = {camera.camera: camera for camera in queries.cameras(site)}
    assert cameras["door"].state == "waiting"
    assert cameras["door"].name == "Door"
    assert "secret" not in cameras["door"].reason
    (summary,) = queries.compare("today")
    assert (summary.problems, summary.active_alerts, summary.silent) == (1, 0, False)


def test_headquarters_shows_the_shops_names(hq: Headquarters, shop: Shop) -> None:
    def rename(**zone: str) -> None:
        drawn = {"points": [[0, 0], [1, 0], [1, 1]], "name": "entrance", **zone}
        door = {"name": "Front door", "source": "demo:", "zones": [drawn]}
        changed = CameraSettings.model_validate(door)
        settings = shop.configuration.settings
        shop.configuration.change(
            settings.model_copy(update={"cameras": {**settings.cameras, "door": changed}})
        )

    now = this_minute()
    rename(title="Way in")
    shop.store.add(crowd(now - 120, now - 60, zone="entrance"))
    shop.join(invite(hq))
    queries = FleetQueries(hq.engine, 15)

    def names() -> set[tuple[str, str]]:
        (site,) = hq.registry.sites()
        return {
            (each.camera_name, each.zone_name)
            for each in queries.places(site, now - 600, now + 60)
            if each.camera == "door"
        }

    with shop.running() as link:
        wait_until(lambda: link.status.connected, "the shop is connected")
        shop.bus.publish(replace(alert(now), zone="entrance"))
        wait_until(lambda: names() == {("Front door", ""), ("Front door", "Way in")}, limit=30)
        wait_until(lambda: queries.alerts(), "the alert at headquarters")
        (found,) = queries.alerts()
        assert (found.camera_name, found.zone_name) == ("Front door", "Way in")
        rename()  # a zone without a name is shown by its key again
        wait_until(lambda: ("Front door", "entrance") in names(), limit=30)


def test_late_readings_change_a_sum_once(hq: Headquarters, shop: Shop) -> None:
    now = this_minute()
    shop.store.add(crowd(now - 120, now - 90))
    shop.join(invite(hq))
    queries = FleetQueries(hq.engine, 15)
    with shop.running():
        wait_until(lambda: ("door", "", now - 120, 1) in sums(hq), "the first sum")
        shop.store.add(crowd(now - 90, now - 60))
        key = ("door", "", now - 120, 1)
        wait_until(lambda: sums(hq)[key].revision == 2, "the second revision")
    assert sums(hq)[key].seen == 5 * 60_000
    (summary,) = queries.compare("today")
    assert summary.now.appearances + summary.before.appearances == 5
    (totals,) = [totals for totals in summary_totals(queries, hq) if totals.seen]
    assert totals.seen == 300


def summary_totals(queries: FleetQueries, hq: Headquarters) -> list[Totals]:
    (site,) = hq.registry.sites()
    return [totals for _, totals in queries.days(site, 3)]


def test_outage_loses_and_duplicates_nothing_and_keeps_the_order(
    engine: Engine, own_broker: Mosquitto, shop: Shop
) -> None:
    now = this_minute()
    with headquarters(engine, own_broker) as hq:
        shop.join(invite(hq))
        with shop.running() as link:
            wait_until(lambda: link.status.answered, "the first answer")
            own_broker.kill()
            shop.store.add(crowd(now - 3000, now - 60, zone="entrance"))
            wait_until(lambda: link.status.waiting >= 49, "the sums are queued on disk")
            own_broker.start()
            wait_until(lambda: link.status.waiting == 0, "everything is stored", limit=60)
        expected = shop.store.minute_sums(now - 3000, now)
        found = sums(hq)
        assert len(expected) >= 98
        for aggregate, arrived in expected:
            row = found[aggregate.camera, aggregate.zone, int(aggregate.begin), 1]
            assert row.seen == round((aggregate.seen or 0) * 1000)
            assert (row.appearances, row.arrived) == (aggregate.appearances, arrived)
        assert {key for key in found if key[3] == 1} == {
            (one.camera, one.zone, int(one.begin), 1) for one, _ in expected
        }
        queries = FleetQueries(hq.engine, 15)
        total = sum(totals.seen for totals in summary_totals(queries, hq))
        assert total == sum(one.seen or 0 for one, _ in expected if not one.zone)


def test_headquarters_killed_before_storing_loses_nothing(
    engine: Engine, broker: Mosquitto, shop: Shop
) -> None:
    """Messages received but not stored are sent again: only stored ones are acknowledged."""
    now = this_minute()
    shop.store.add(crowd(now - 180, now - 60))
    with headquarters(engine, broker) as hq:
        shop.join(invite(hq))
    deaf = Headquarters(engine, hq.settings)
    deaf.receiver.start = lambda: None  # type: ignore[method-assign]
    deaf.start()
    with shop.running() as link:
        wait_until(lambda: deaf.receiver.waiting, "the message is received")
        assert link.status.waiting > 0
        deaf.receiver.close = lambda timeout=0.0: None  # type: ignore[method-assign]
        deaf.close()
        with headquarters(engine, broker) as again, short_resend_interval(0.5):
            wait_until(lambda: link.status.waiting == 0, "it is sent again", limit=60)
            assert ("door", "", now - 180, 1) in sums(again)


@contextmanager
def short_resend_interval(seconds: float) -> Iterator[None]:
    """Shorten the sites' resend interval."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "ANSWER_TIMEOUT", seconds)
        patch.setattr(sender, "RETRY_DELAYS", (0.1,))
        yield


def test_joining_code_works_once(hq: Headquarters, shop: Shop, tmp_path: Path) -> None:
    code = invite(hq)
    shop.join(code)
    other = Shop(tmp_path / "other")
    with pytest.raises(JoinError, match="used already"):
        join(other.state, code)
    assert read_link(other.state) is None
    other.close()
    with pytest.raises(InputError, match="already"):
        join(shop.state, code)


def test_same_machine_may_join_again_after_a_lost_answer(hq: Headquarters, shop: Shop) -> None:
    code = invite(hq)
    shop.join(code)
    link = read_link(shop.state)
    assert link is not None
    write_link(shop.state, dataclasses.replace(link, joined=None))
    assert join(shop.state, code).key == link.key


def test_expired_and_invalid_codes_are_refused(hq: Headquarters, shop: Shop) -> None:
    hq.registry.add("north", "North")
    code = hq.registry.new_code("north", hq.settings, ca=hq.ca, now=time.time() - 80 * 3600)
    hq.receiver.reload()
    with pytest.raises(JoinError, match="expired"):
        join(shop.state, code.encode())
    for nonsense in ("", "sentistream-join-", "sentistream-join-AAAA", code.encode()[:-9]):
        with pytest.raises(InputError, match="not a join code"):
            join(shop.state, nonsense)


def test_leaving_is_recorded_on_both_sides(hq: Headquarters, shop: Shop) -> None:
    shop.join(invite(hq))
    with shop.running() as link:
        wait_until(lambda: link.status.answered, "the first answer")
        assert leave(shop.state)
        wait_until(lambda: link.status.link is None, "the running site leaves")
    (site,) = hq.registry.sites()
    assert site.state == "left"
    assert not (shop.state / LINK_FILE).exists()
    shop.join(invite(hq))
    assert hq.registry.site("north").state == "joined"


def test_removed_site_stops_and_keeps_its_data(
    hq: Headquarters, shop: Shop, tap: BrokerTap
) -> None:
    shop.join(invite(hq))
    with shop.running() as link:
        wait_until(lambda: link.status.answered, "the first answer")
        hq.registry.remove("north")
        hq.receiver.reload()
        shop.bus.publish(alert(time.time()))
        wait_until(
            lambda: link.status.link and link.status.link.refused == "removed",
            "the site is notified",
        )
        before = len(tap.up())
        shop.bus.publish(alert(time.time() + 1))
        time.sleep(2)
        assert len(tap.up()) == before
    assert [site.key for site in hq.registry.sites()] == []


def test_key_is_replaced_while_reporting(hq: Headquarters, shop: Shop) -> None:
    shop.join(invite(hq))
    before = key_of(shop).public
    with shop.running() as link:
        wait_until(lambda: link.status.answered, "the first answer")
        hq.registry.ask_for_new_key("north")
        hq.receiver.reload()
        shop.bus.publish(alert(time.time()))
        wait_until(lambda: key_of(shop).public != before, "the new key", limit=30)
        count = len(FleetQueries(hq.engine, 15).alerts())
        shop.bus.publish(alert(time.time() + 1))
        queries = FleetQueries(hq.engine, 15)
        wait_until(lambda: len(queries.alerts()) > count, "a message with the new key")
    assert hq.registry.keys()["north"].public == key_of(shop).public
    assert hq.registry.keys()["north"].retired == (before,)
    assert not hq.registry.site("north").renew_key


def test_wrong_clock_is_measured_and_reported(
    hq: Headquarters, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = Shop(tmp_path / "late", now=time.time() - 90)
    late.join(invite(hq))
    with late.running() as link:
        wait_until(lambda: link.status.offset is not None, "the offset")
        assert link.status.offset == pytest.approx(90, abs=5)
        late.bus.publish(alert(time.time()))
        wait_until(
            lambda: abs((hq.registry.site("north").clock_offset or 0) - 90) < 5,
            "headquarters knows",
        )
    late.close()
    assert "the clock of this machine differs from that of headquarters by 90 s" in caplog.text


def test_link_survives_a_restart_and_a_lost_outbox(hq: Headquarters, shop: Shop) -> None:
    shop.join(invite(hq))
    queries = FleetQueries(hq.engine, 15)
    for number, count in enumerate((1, 2)):
        with shop.running() as link:
            wait_until(is_connected(link), "the shop is connected")
            shop.bus.publish(alert(time.time() + number))
            wait_until(has_alerts(queries, count), "an alert")
        for file in shop.state.glob(f"{OUTBOX_FILE}*"):
            file.unlink()


def test_alerts_left_open_by_a_killed_site_end_at_headquarters(
    hq: Headquarters, shop: Shop
) -> None:
    queries = FleetQueries(hq.engine, 15)
    shop.join(invite(hq))
    started = replace(alert(time.time() - 60), incident="a1")
    shop.store.add_alert(started)
    with shop.running() as link:
        wait_until(is_connected(link))
        shop.bus.publish(started)
        wait_until(has_alerts(queries, 1))
    # the next start, after the process was killed
    ends = shop.store.end_open_alerts(time.time(), "The monitor was stopped.")
    assert [end.active for end in ends] == [False]
    with shop.running() as link:
        link.report_ends(ends)
        wait_until(lambda: queries.alerts()[0].ended is not None, "the end")
