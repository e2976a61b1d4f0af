"""The headquarters digest: the comparison's figures, for each reader of their own shops only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api.served_monitor import VIEWER
from digest.pdf_text import text_of
from sqlalchemy import func, select, update

from fleet.sample_chain import SHOPS
from fleet.served_headquarters import HEADQUARTERS, ServedHeadquarters
from sentistream.errors import InputError
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.digest import digest_pdf
from sentistream.monitor.digest.digest_content import last_day_of
from sentistream.monitor.digest.digest_pdf import printable
from sentistream.monitor.headquarters.fleet_queries import FleetQueries
from sentistream.monitor.headquarters.fleet_tables import ALERTS
from sentistream.monitor.headquarters.shops_digest import make_shops_digest
from sentistream.monitor.runner import digest_sender
from sentistream.monitor.settings import Settings
from sentistream.monitor.store.database import write_transaction
from sentistream.monitor.translation import translator
from smtp_server import MailServer, mail_server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def served(tmp_path: Path, mail: MailServer) -> Iterator[ServedHeadquarters]:
    custom_settings = Settings.model_validate(
        {
            "headquarters": HEADQUARTERS,
            "server": {"requests_a_minute": 100_000, "login_attempts": 100},
            "email": {
                "host": "127.0.0.1",
                "port": mail.port,
                "security": "none",
                "sender": "hq@example.org",
                "recipients": ["boss@example.org"],
            },
            "digest": {"weekly": True, "send_at": "00:00"},
        }
    )
    with ServedHeadquarters(tmp_path, custom_settings=custom_settings) as served:
        yield served


def digest_of(
    served: ServedHeadquarters, user: User | None, day: date, period: Any = "week"
) -> Any:
    return make_shops_digest(
        period,
        day,
        queries=FleetQueries(served.engine, 15),
        store=served.store,
        settings=served.configuration.settings,
        user=user,
        now=datetime.now().timestamp(),
        tr=translator("en"),
    )


def move_alerts(served: ServedHeadquarters, newest: datetime) -> None:
    """Move all alerts by the same time, so that the newest is at ``newest``."""
    with write_transaction(served.engine) as connection:
        latest = connection.scalar(select(func.max(ALERTS.c.time)))
        assert latest is not None
        connection.execute(update(ALERTS).values(time=ALERTS.c.time + newest.timestamp() - latest))


def test_digest_figures_match_each_shops_days(served: ServedHeadquarters) -> None:
    queries = FleetQueries(served.engine, 15)
    day = last_day_of("week", datetime.now().timestamp())
    digest = digest_of(served, None, day)
    assert len(digest.places) == len(SHOPS)
    assert digest.places[0].name == "Main Station"
    first = day.toordinal() - 6
    for site in queries.sites():
        (row,) = [each for each in digest.places if each.name == site.name]
        days = dict(queries.days(site, 60))
        appearances = sum(days[ordinal].appearances for ordinal in range(first, first + 7))
        assert row.appearances == translator("en").number(appearances)
        weight = sum(days[n].seen for n in range(first, first + 7))
        negative = sum((days[n].negative or 0) * days[n].seen for n in range(first, first + 7))
        assert row.shares is not None
        assert row.shares[0] == pytest.approx(negative / weight, abs=1e-6)
        # the week before exists, so each is compared
        assert "point" in row.note
    whole = sum(int(each.appearances.replace(",", "")) for each in digest.places)
    assert digest.whole.appearances == translator("en").number(whole)
    assert len(digest.days) == 7
    text = text_of(digest_pdf(digest))
    for key, (name, _, _) in SHOPS.items():
        assert printable(name) in text, key
    assert "Silent now: Airport." in text
    month = digest_of(served, None, date.today(), "month")
    assert month.days[0].name != digest.days[0].name
    assert len(month.days) in (28, 29, 30, 31)


def test_reader_gets_only_permitted_shops(served: ServedHeadquarters, mail: MailServer) -> None:
    registry = served.headquarters.registry
    registry.give_access(VIEWER, ["harbour", "airport"])
    registry.set_digest_address(VIEWER, "vera@example.org")
    sender = digest_sender(
        served.bus,
        served.store,
        served.configuration,
        served.headquarters,
        lambda: "https://hq.example.org",
    )
    now = datetime.now()
    monday = datetime.combine(now.date() - timedelta(days=now.weekday()), datetime.min.time())
    move_alerts(served, monday - timedelta(days=3))
    sender._clock = lambda: (monday + timedelta(hours=1)).timestamp()
    sender.run_due()
    assert [envelope.rcpt_tos for envelope in mail.envelopes] == [
        ["boss@example.org"],
        ["vera@example.org"],
    ]
    for message, own in zip(mail.messages, (set(SHOPS), {"harbour", "airport"}), strict=True):
        html = message.get_body(("html",))
        plain = message.get_body(("plain",))
        assert html is not None
        assert plain is not None
        (pdf,) = list(message.iter_attachments())
        content = pdf.get_content()
        text = " ".join([html.get_content(), plain.get_content(), text_of(content)])
        for key, (name, _, _) in SHOPS.items():
            assert (name.partition(" <")[0] in text) == (key in own), (key, message["To"])
        assert "https://hq.example.org/shops" in text
        assert ("Sour mood" in text) == ("station" in own)
    # a viewer without shops gets nothing, and nobody gets it twice
    sender.run_due()
    assert len(mail.messages) == 2


def test_failed_digest_is_sent_later_and_the_others_once(
    served: ServedHeadquarters, mail: MailServer
) -> None:
    registry = served.headquarters.registry
    registry.give_access(VIEWER, [])
    registry.set_digest_address(VIEWER, "vera@example.org")
    recipients = []
    sender = digest_sender(
        served.bus, served.store, served.configuration, served.headquarters, lambda: "http://hq"
    )
    now = datetime.now()
    monday = datetime.combine(now.date() - timedelta(days=now.weekday()), datetime.min.time())
    clock = [(monday + timedelta(hours=1)).timestamp()]
    sender._clock = lambda: clock[0]
    mail.refuse["RCPT"] = "550 nobody"
    sender.run_due()
    mail.refuse.clear()
    sender.run_due()
    assert mail.messages == []
    clock[0] += 1000
    sender.run_due()
    sender.run_due()
    recipients = [envelope.rcpt_tos for envelope in mail.envelopes]
    assert recipients == [["boss@example.org"]]  # a viewer without shops gets none


def test_page_offers_each_reader_their_own_digest(
    served: ServedHeadquarters, mail: MailServer
) -> None:
    registry = served.headquarters.registry
    with served.browser_client(VIEWER) as viewer, served.browser_client() as manager:
        csrf = {"csrf_token": manager.headers["x-csrf-token"]}
        form = {"user": VIEWER, "shops": "north", "address": "vera@example.org"}
        assert manager.post("/shops/access", data=csrf | form).status_code == 303
        assert "vera@example.org" in manager.get("/shops/access").text
        assert [each.address for each in registry.digest_addresses()] == ["vera@example.org"]
        bad = manager.post("/shops/access", data=csrf | form | {"address": "vera"})
        assert bad.status_code == 422
        assert "vera is not an e-mail address" in bad.text
        for period in ("week", "month"):
            mine = text_of(viewer.get(f"/shops/digest/{period}.pdf").content)
            assert "North Street" in mine
            assert "Main Station" not in mine
            assert "Main Station" in text_of(manager.get(f"/shops/digest/{period}.pdf").content)
        assert viewer.get("/shops/digest/year.pdf").status_code == 422
        assert "Send last week" not in viewer.get("/shops/digest").text
        theirs = {"csrf_token": viewer.headers["x-csrf-token"]}
        assert viewer.post("/shops/digest/send", data=theirs).status_code == 403
        page = manager.post("/shops/digest/send", data=csrf).text
        assert "2 digests were sent." in page
        assert len(mail.messages) == 2
        mail.refuse["RCPT"] = "550 nobody"
        assert "none of the recipients" in manager.post("/shops/digest/send", data=csrf).text


def test_address_requires_a_user(served: ServedHeadquarters) -> None:
    registry = served.headquarters.registry
    with pytest.raises(InputError, match="no such user"):
        registry.set_digest_address("nobody", "a@example.org")
    registry.set_digest_address(VIEWER, "vera@example.org")
    assert registry.digest_addresses()[0].role is Role.VIEWER
    registry.set_digest_address(VIEWER, "")
    assert registry.digest_addresses() == []


def test_deliveries_fit_the_log(served: ServedHeadquarters) -> None:
    from sentistream.monitor.headquarters.shops_digest import shops_digest_key
    from sentistream.monitor.store.reading_tables import INCIDENT

    key = shops_digest_key("month", date(2026, 11, 1))
    assert len(f"{key}-{10**9}") <= INCIDENT
