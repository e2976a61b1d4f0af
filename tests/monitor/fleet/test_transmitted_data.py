"""What a site transmits: sums with small groups withheld, camera health, alerts. Nothing else."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.served_monitor import ServedMonitor
from hypothesis import given
from hypothesis import strategies as st
from store.sample_readings import alert, crowd, reading, seconds

from event_bus_helpers import health
from fleet.fleet_sites import CAMERAS, BrokerTap, Shop, invite, sums
from sentistream.monitor.fleet.messages import decode, split
from sentistream.monitor.fleet.records import (
    FIELDS,
    SUM_COLUMNS,
    ForbiddenRecordError,
    check_record,
    health_record,
)
from sentistream.monitor.headquarters.headquarters import Headquarters
from sentistream.monitor.observations import CameraState, Preview
from sentistream.monitor.privacy import PrivacyState, render_assessment, render_notice
from sentistream.monitor.settings import Settings
from sentistream.monitor.site_link.link_state import LinkState, read_link
from sentistream.monitor.site_link.site_link import SiteLink
from sentistream.monitor.translation import translator
from waiting import wait_until

EN = translator("en")
PAGE = Path(__file__).parents[3] / "docs" / "headquarters.md"

MESSAGE_FIELDS = {
    "data": {"v", "site", "n", "sent", "kind", "live", "offset", "waiting", "dropped", "records"},
    "join": {"v", "site", "n", "sent", "kind", "public", "time_zone", "program"},
    "leave": {"v", "site", "n", "sent", "kind"},
    "key": {"v", "site", "n", "sent", "kind", "public"},
}
"""Listed again here, so that a field added in the code alone is detected."""

RECORD_FIELDS = {
    "sums": {"kind", "begin", "length", "revision", "rows"},
    "health": {
        *("kind", "camera", "state", "since", "reason", "restarts"),
        *("moments_per_second", "dropped", "damaged"),
    },
    "alert": {
        *("kind", "rule", "name", "camera", "zone", "time", "active", "sentiment", "share"),
        *("limit", "minutes"),
    },
    "about": {"kind", "time_zone", "program", "cameras", "zones"},
}

COLUMNS = (
    *("camera", "zone", "appearances", "arrived", "watched"),
    *("seen", "speaking", "positive", "neutral", "negative"),
)


def test_only_sums_states_and_alerts_are_sent(hq: Headquarters, shop: Shop, tap: BrokerTap) -> None:
    """A shop runs, joins, changes its key and leaves; every byte it sends is inspected."""
    now = int(time.time()) // 60 * 60
    marks = [f"secret-track-{letter}" for letter in "abcdefg"]
    shop.store.add(crowd(now - 180, now - 60, marks, zone="entrance"))
    shop.store.add(crowd(now - 180, now - 60, marks[:2], camera="till"))
    shop.store.add(crowd(now - 180, now - 60, marks, camera="visitor-3"))
    shop.join(invite(hq))
    with shop.running() as link:
        wait_until(lambda: link.status.connected, "it is connected")
        shop.bus.set_preview("door", Preview(b"\xff\xd8\xff secret picture", time.time()))
        shop.bus.publish(seconds(now, reading(now, marks[0])))
        reason = "rtsp://eye:secret-word@10.0.0.4/x?key=secret-key does not answer"
        shop.bus.publish(health("door", CameraState.WAITING, reason))
        shop.bus.publish(health("visitor-3", CameraState.RUNNING))
        shop.bus.publish(alert(time.time()))
        wait_until(lambda: len(sums(hq)) >= 6 and link.status.waiting == 0, "all is stored")
        link.renew_key()
        wait_until(lambda: any(each["kind"] == "key" for each in tap.up()), "the new key")
    from sentistream.monitor.site_link.joining import leave

    leave(shop.state)
    wait_until(lambda: any(each["kind"] == "leave" for each in tap.up()), "the site leaves")

    ours = [payload for topic, payload in tap.raw if topic.endswith("/north/up")]
    assert {topic.rpartition("/")[2] for topic, _ in tap.raw} == {"up", "down"}
    messages = [decode(split(payload)[1]) for payload in ours]
    assert {message["kind"] for message in messages} == set(MESSAGE_FIELDS)
    kinds = set()
    for message in messages:
        assert set(message) == MESSAGE_FIELDS[message["kind"]]
        for record in message.get("records", []):
            kinds.add(record["kind"])
            assert set(record) == RECORD_FIELDS[record["kind"]]
            for row in record.get("rows", []):
                assert row[0] in CAMERAS
                assert len(row) == len(COLUMNS)
                assert all(value is None or type(value) is int for value in row[2:])
                if row[2] < 5:
                    assert row[5:] == [None] * 5
    assert kinds == set(RECORD_FIELDS)
    transmitted = "\n".join(json.dumps(message) for message in messages)
    for word in ("secret", "visitor", "track", "picture", "box", "label", "pose", "\\ufffd"):
        assert word not in transmitted
    link_key = json.dumps([*messages])
    assert all(len(value) < 400 for value in re.findall(r'"[^"]*"', link_key))


def test_allowed_fields_are_exactly_these() -> None:
    assert {kind: set(fields) for kind, fields in FIELDS.items()} == RECORD_FIELDS
    assert SUM_COLUMNS == COLUMNS


def test_document_lists_every_field() -> None:
    text = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))
    for kind, fields in RECORD_FIELDS.items():
        assert {*re.findall(r"`(\w+)`", rows[kind])} == fields - {"kind"}, kind
    assert tuple(re.findall(r"`(\w+)`", rows["rows"])) == COLUMNS
    for kind, fields in MESSAGE_FIELDS.items():
        for field in fields:
            assert f"`{field}`" in text, (kind, field)


plain = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=20), st.booleans())
deep = st.one_of(
    st.lists(plain, min_size=1), st.dictionaries(st.text(max_size=5), plain, min_size=1)
)


@given(name=st.text(min_size=1, max_size=12), value=st.one_of(plain, deep, st.binary()))
def test_record_with_an_extra_field_is_refused(name: str, value: Any) -> None:
    record = health_record(health("door", CameraState.RUNNING))
    if name in record:
        return
    with pytest.raises(ForbiddenRecordError):
        check_record({**record, name: value})


@given(field=st.sampled_from(sorted(RECORD_FIELDS["health"] - {"kind"})), value=deep)
def test_nested_field_value_is_refused(field: str, value: Any) -> None:
    record = health_record(health("door", CameraState.RUNNING))
    with pytest.raises(ForbiddenRecordError):
        check_record({**record, field: value})


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "readings", "rows": []},
        {
            "kind": "sums",
            "begin": 0,
            "length": 60,
            "revision": 1,
            "rows": [["a", "", 1.5] + [0] * 7],
        },
        {"kind": "sums", "begin": 0, "length": 60, "revision": 1, "rows": [["a", "", 1]]},
        {"kind": "about", "time_zone": "UTC", "program": "1", "cameras": {"a": ["b"]}, "zones": {}},
        {"kind": "about", "time_zone": "UTC", "program": "1", "cameras": {}, "zones": {"a": "b"}},
        {
            "kind": "about",
            "time_zone": "UTC",
            "program": "1",
            "cameras": {},
            "zones": {"a": {"b": 1}},
        },
        {},
    ],
)
def test_other_records_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenRecordError):
        check_record(record)


def link_of(shop: Shop) -> LinkState:
    link = read_link(shop.state)
    assert link is not None
    return link


def test_privacy_page_and_documents_mention_headquarters_only_after_joining(
    hq: Headquarters, shop: Shop, tmp_path: Path
) -> None:
    """The same monitor before and after it joins: its page, its notice and assessment."""
    links: list[SiteLink] = []

    def parts(served: ServedMonitor) -> dict[str, Any]:
        links.append(SiteLink(served.bus, served.configuration, served.store, state=shop.state))
        return {"site_link": links[0]}

    folder = tmp_path / "page"
    folder.mkdir()
    with ServedMonitor(folder, parts=parts) as served, links[0], served.browser_client() as person:
        before = pages(person)
        for text in before.values():
            assert "headquarters" not in text.lower().replace("/settings/headquarters", "")
        shop.join(invite(hq))
        wait_until(lambda: links[0].link is not None and links[0].link.joined, "the page shows it")
        after = pages(person)
    for name in ("privacy", "notice"):
        text = " ".join(after[name].split())
        assert "Example Ltd" in text
        for sentence in (
            "how many appearances",
            "how long faces were seen",
            "shares of positive, neutral and negative",
            "readings of single faces",
        ):
            assert sentence in text, (name, sentence)
    nothing = "Nothing is sent to another program or to another machine."
    assert nothing in before["privacy"]
    assert nothing not in after["privacy"]
    assert "headquarters Example Ltd by the broker 127.0.0.1" in after["assessment"]
    local = r'<tr id="on-the-machine">.*?</tr>'
    for text, answer in ((before["assessment"], "yes"), (after["assessment"], "in part")):
        row = re.search(local, text, re.DOTALL)
        assert row is not None
        assert answer in row[0]


def pages(person: httpx.Client) -> dict[str, str]:
    found = {}
    for name, path in (
        ("privacy", "/privacy"),
        ("notice", "/privacy/notice"),
        ("assessment", "/privacy/assessment"),
    ):
        answer = person.get(path)
        assert answer.status_code == 200
        found[name] = answer.text
    return found


@pytest.mark.parametrize(
    ("language", "never"),
    [
        ("en", "never receives readings"),
        ("de", "Nie erhält sie Messwerte"),
        ("fr", "ne reçoit jamais de lectures"),
    ],
)
def test_documents_in_all_languages_name_headquarters(
    hq: Headquarters, shop: Shop, language: str, never: str
) -> None:
    shop.join(invite(hq))
    joined = PrivacyState.of(Settings(), headquarters=link_of(shop))
    for render in (render_notice, render_assessment):
        assert "Example Ltd" in render(joined, translator(language))
        assert "Example Ltd" not in render(PrivacyState.of(Settings()), translator(language))
    if language == "en":  # the page above is of a shop that withholds nothing
        assert "withheld minutes together" in " ".join(render_notice(joined, EN).split())
    assert never in " ".join(render_notice(joined, translator(language)).split())
