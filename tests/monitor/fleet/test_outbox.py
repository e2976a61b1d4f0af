"""The outbox: its contents, and the order of sending."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.sample_readings import TEN, alert, reading, seconds

from fleet.fleet_sites import Shop
from sentistream.errors import StorageError
from sentistream.monitor.fleet.messages import FleetTopics, decode, split
from sentistream.monitor.fleet.records import SumRow, alert_record
from sentistream.monitor.fleet.signatures import SigningKey, is_signed_by
from sentistream.monitor.site_link import outbox as outbox_module
from sentistream.monitor.site_link.outbox import Outbox
from sentistream.monitor.site_link.sender import ANSWER_TIMEOUT, Sender
from sentistream.monitor.site_link.sum_collector import SumCollector

KEY = SigningKey.generate()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.db")
    yield outbox
    outbox.close()


def row(seen: int = 1000) -> SumRow:
    return SumRow("door", "", 9, 9, 60, seen, 0, 2000, 5000, 3000)


def test_sum_is_queued_once_and_again_only_if_changed(outbox: Outbox) -> None:
    assert outbox.put_sums(TEN, 60, [row()], TEN + 90)
    assert not outbox.put_sums(TEN, 60, [row()], TEN + 95)
    assert outbox.put_sums(TEN, 60, [row(2000)], TEN + 99)
    # the older revision is no longer needed
    (waiting,) = outbox.waiting(0, 10)
    assert '"revision":2' in waiting.body
    assert waiting.created == TEN + 60
    assert not outbox.put_sums(TEN + 60, 60, [], TEN + 200)


def test_numbers_grow_even_if_the_file_is_lost_or_the_clock_set_back(tmp_path: Path) -> None:
    numbers = []
    for now in (1000.0, 1000.0, 400.0, 2000.0):
        box = Outbox(tmp_path / "outbox.db")
        numbers.append(box.next_number(now))
        box.close()
    assert numbers == sorted(set(numbers))
    (tmp_path / "outbox.db").unlink()
    lost = Outbox(tmp_path / "outbox.db")
    assert lost.next_number(2001.0) > numbers[-1]
    lost.close()


def test_old_or_excess_records_are_dropped_and_counted(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 86_400
    for age in (70, 61, 59, 1):
        outbox.put(alert_record(alert(TEN - age * day)), TEN - age * day)
    assert outbox.prune(TEN) == 2
    monkeypatch.setattr(outbox_module, "MAX_RECORDS", 1)
    assert outbox.prune(TEN) == 1
    assert outbox.counter("dropped") == 3
    (left,) = outbox.waiting(0, 10)
    assert left.created == TEN - day


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="outbox"):
        Outbox(tmp_path / "file" / "outbox.db")


class FakeHeadquarters:
    """Broker and headquarters in one: answers on demand."""

    def __init__(self, outbox: Outbox) -> None:
        self.now = float(TEN + 20 * 86_400)
        self.up = True
        self.sent: list[dict[str, Any]] = []
        self.sender = Sender(
            outbox,
            FleetTopics("fleet"),
            "north",
            self.publish,
            clock=lambda: self.now,
            monotonic=lambda: self.now,
        )

    def publish(self, topic: str, payload: bytes) -> bool:
        signature, body = split(payload)
        assert is_signed_by(KEY.public, topic, body, signature)
        if self.up:
            self.sent.append(decode(body))
        return self.up

    def answer(self, number: int) -> None:
        self.sender.acknowledged(number, self.now)
        self.sender.pump(KEY)


def test_after_an_outage_new_minutes_overtake_and_old_ones_follow_in_order(
    outbox: Outbox,
) -> None:
    headquarters = FakeHeadquarters(outbox)
    old = range(TEN, TEN + 1500 * 60, 60)
    for minute in old:
        outbox.put_sums(minute, 60, [row(minute - TEN + 1)], minute + 70)
    headquarters.sender.pump(KEY)
    assert len(headquarters.sent) == 1  # a single probe message is sent first
    begins: list[int] = []
    fresh: list[int] = []
    for turn in range(200):
        if not headquarters.sent:
            break
        if turn % 3 == 1:
            minute = int(headquarters.now) // 60 * 60 - 60
            outbox.put_sums(minute, 60, [row(turn + 5)], headquarters.now)
            headquarters.sender.pump(KEY)
            # a new minute is sent before anything else is answered
            newest = headquarters.sent[-1]
            assert newest["live"]
            assert newest["records"][0]["begin"] == minute
            fresh.append(minute)
        message = headquarters.sent.pop(0)
        if not message["live"]:
            begins += [record["begin"] for record in message["records"]]
        headquarters.now += 5
        headquarters.answer(message["n"])
        assert sum(not each["live"] for each in headquarters.sent) <= 3
    assert begins == list(old)
    assert outbox.count() == 0
    assert fresh


def test_unanswered_message_is_repeated_with_growing_delays(outbox: Outbox) -> None:
    headquarters = FakeHeadquarters(outbox)
    for minute in range(TEN, TEN + 600, 60):
        outbox.put_sums(minute, 60, [row()], minute + 70)
    times = []
    for _ in range(4 * 3600):
        before = len(headquarters.sent)
        headquarters.sender.pump(KEY)
        if len(headquarters.sent) > before:
            times.append(headquarters.now)
        headquarters.now += 1
    gaps = [round(later - earlier) for earlier, later in itertools.pairwise(times)]
    assert gaps[:3] == [ANSWER_TIMEOUT + 1, ANSWER_TIMEOUT + 10, ANSWER_TIMEOUT + 60]
    assert set(gaps[5:]) == {ANSWER_TIMEOUT + 600}
    assert outbox.count() == 10
    # a late answer still counts
    headquarters.answer(headquarters.sent[0]["n"])
    assert outbox.count() == 0


PRESENCES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 11), st.sampled_from(["", "till"])),
    min_size=1,
    max_size=80,
)
"""Minute, track, zone."""


@given(presences=PRESENCES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_released_sums_are_of_large_separate_groups(
    tmp_path_factory: pytest.TempPathFactory, presences: list[tuple[int, int, str]]
) -> None:
    """Every released cell covers at least five appearances; hours hold withheld minutes only."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    box = Outbox(shop.state / "outbox.db")
    tracks: dict[int, set[int]] = defaultdict(set)
    for minute, track, zone in dict.fromkeys(presences):
        if track in tracks[minute]:
            continue
        tracks[minute].add(track)
        second = TEN + minute * 60 + track
        shop.store.add([seconds(second, reading(second, f"t{track}", zone=zone))])
    SumCollector(shop.store, box).collect(TEN + 2 * 3600 + 10)
    import json

    records = [json.loads(each.body) for each in box.waiting(0, 1000)]
    box.close()
    shop.close()
    released = {minute for minute, who in tracks.items() if len(who) >= 5}
    for record in records:
        for camera, zone, appearances, _, _, seen, *_ in record["rows"]:
            assert camera == "door"
            if record["length"] == 60 and not zone:
                minute = (record["begin"] - TEN) // 60
                assert appearances == len(tracks[minute])
                assert (seen is not None) == (minute in released)
            assert seen is None or appearances >= 5
    hours = [record for record in records if record["length"] == 3600]
    withheld = set(tracks) - released
    first = {
        track: min(m for m in tracks if track in tracks[m]) for w in tracks.values() for track in w
    }
    arrived = sum(minute in withheld for minute in first.values())
    if hours:
        ((_, zone, appearances, _, _, seen, *_),) = hours[0]["rows"]
        assert zone == ""
        assert appearances == arrived >= 5
        assert seen == 1000 * sum(len(tracks[minute]) for minute in withheld)
    else:
        assert arrived < 5
