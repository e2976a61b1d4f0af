"""Alerts, acknowledgements and deliveries in both databases."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine, text

from sentistream.monitor.observations import (
    Acknowledgement,
    AlertKind,
    Delivery,
    DeliveryState,
)
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store.database import read_transaction, write_transaction
from sentistream.translatable import Translatable
from store.sample_readings import TEN, alert, settings
from store.test_database import upgrade

REASON = Translatable(
    "{outer} again", outer=Translatable("{host} does not answer after {n} s.", host="h", n=5)
)


def delivery(time: float, state: DeliveryState = DeliveryState.DELIVERED) -> Delivery:
    return Delivery(
        incident="a1", channel="Leads", event="begin", time=time, state=state, reason=REASON,
        attempts=3,
    )  # fmt: skip


def test_stored_alert_remains_translatable(store: DatabaseStore) -> None:
    down = replace(
        alert(TEN), kind=AlertKind.CAMERA, incident="a1", reason=REASON, sentiment="", share=0.0
    )
    ended = replace(down, active=False, time=TEN + 60.0, reason="")
    for each in (down, ended, down):
        store.add_alert(each)
    assert store.alerts(incident="a1") == [ended, down]
    found = store.alerts()[1].reason
    assert isinstance(found, Translatable)
    assert isinstance(found.values["outer"], Translatable)
    assert found.values["outer"].values == {"host": "h", "n": 5}
    store.add_delivery(delivery(TEN + 1.0))
    store.add_delivery(delivery(TEN + 1.0))
    assert store.deliveries(incident="a1") == [delivery(TEN + 1.0)]
    assert store.deliveries(incident="other") == []


def test_reason_of_any_length_is_stored(store: DatabaseStore) -> None:
    long = replace(alert(TEN), incident="a1", reason=Translatable("{x}!", x="ü" * 5000))
    store.add_alert(long)
    (found,) = store.alerts(incident="a1")
    assert found.reason.startswith("üüü")


def test_first_acknowledgement_counts(store: DatabaseStore) -> None:
    first = Acknowledgement(incident="a1", user="ada", time=TEN)
    assert store.acknowledge(first) == first
    assert store.acknowledge(Acknowledgement(incident="a1", user="bob", time=TEN + 9)) == first
    assert store.acknowledgements(["a1", "b2"]) == {"a1": first}
    assert store.acknowledgements([]) == {}


def test_alerts_of_a_killed_run_are_ended(store: DatabaseStore) -> None:
    store.add_alert(replace(alert(TEN), incident="open"))
    store.add_alert(replace(alert(TEN + 10.0), incident="ended"))
    store.add_alert(replace(alert(TEN + 20.0, active=False), incident="ended"))
    (ended,) = store.end_open_alerts(TEN + 99.0, Translatable("The monitor was stopped."))
    assert (ended.incident, ended.active) == ("open", False)
    assert store.end_open_alerts(TEN + 100.0, "again") == []
    end = store.alerts(incident="open")[0]
    assert (end.active, end.time, end.reason) == (False, TEN + 99.0, "The monitor was stopped.")


def test_log_is_deleted_after_its_retention(engine: Engine) -> None:
    store = DatabaseStore(engine, lambda: settings(hours_days=1))
    for incident, time in (("old", float(TEN)), ("new", TEN + 86_400.0)):
        store.add_alert(replace(alert(time), incident=incident))
        store.acknowledge(Acknowledgement(incident=incident, user="ada", time=time))
        store.add_delivery(replace(delivery(time), incident=incident))
    store.apply_retention(TEN + 86_400.0 + 60)
    assert [each.incident for each in store.alerts()] == ["new"]
    assert list(store.acknowledgements(["old", "new"])) == ["new"]
    assert [each.incident for each in store.deliveries()] == ["new"]


def test_earlier_alerts_get_an_id_shared_with_their_ends(url: str) -> None:
    engine = open_database(url)
    upgrade(engine, "0003")
    rows = [("a", 1, True), ("b", 2, True), ("a", 3, False), ("a", 4, True), ("c", 5, False)]
    with write_transaction(engine) as connection:
        for rule, time, active in rows:
            connection.execute(
                text(
                    "INSERT INTO alerts (rule, name, camera, zone, time, active, sentiment, share, "
                    "bound, minutes) VALUES (:rule, 'n', 'door', '', :time, :active, 'negative', "
                    "0.5, 0.4, 10)"
                ),
                {"rule": rule, "time": time, "active": active},
            )
    migrate(engine)
    with read_transaction(engine) as connection:
        found = connection.execute(text("SELECT incident FROM alerts ORDER BY time")).scalars()
        incidents = list(found)
    assert incidents[0] == incidents[2] != ""
    assert len({*incidents[:2], incidents[3]}) == 3
    assert incidents[4] == ""
    engine.dispose()
