"""Digests: the history's figures, each sent once, as readable PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checking
from hypothesis import strategies as st
from insight.synthetic_visits import fill

from digest.pdf_text import text_of
from sentistream.errors import InputError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.digest import DigestSender, digest_pdf, make_digest, send_digest
from sentistream.monitor.digest.digest_content import digest_key, digest_span, last_day_of
from sentistream.monitor.digest.digest_pdf import printable
from sentistream.monitor.digest.digest_sender import RETRY_DELAY, due_digests
from sentistream.monitor.display_names import DisplayNames
from sentistream.monitor.event_bus import EventBus
from sentistream.monitor.insight import Insight
from sentistream.monitor.insight.words import shares_words
from sentistream.monitor.observations import Acknowledgement, Alert, Delivery
from sentistream.monitor.settings import DigestSettings, Settings
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.translation import translator
from smtp_server import MailServer, mail_server

FIRST = datetime(2026, 9, 28)
DAYS = 42
CAMERAS = ("entrance", "hall", "tills", "terrace")
NOW = (FIRST + timedelta(days=DAYS)).timestamp()


def settings(**changes: Any) -> Settings:
    cameras = {
        key: {
            "name": key.capitalize(),
            "source": "0",
            "zones": [{"name": "till", "points": [[0, 0], [1, 0], [1, 1]]}],
        }
        for key in CAMERAS
    }
    return Settings.model_validate({"cameras": cameras, **changes})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseStore]:
    """Six weeks of two cameras, and two alerts."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('weeks') / 'weeks.db'}")
    migrate(engine)
    begin, end = int(FIRST.timestamp()), int(NOW)
    fill(engine, begin, end, an_hour=8)
    store = DatabaseStore(engine, settings)
    at = datetime(2026, 10, 14, 15, 20).timestamp()
    bad = Alert(
        rule="bad", name="Schlechte Stimmung", camera="tills", zone="till", time=at, active=True,
        sentiment="negative", share=0.46, limit=0.4, minutes=10, incident="a1",
    )  # fmt: skip
    for each in (bad, replace(bad, active=False, time=at + 900)):
        store.add_alert(each)
    store.acknowledge(Acknowledgement(incident="a1", user="Ada", time=at + 60))
    yield store
    engine.dispose()


@checking(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    day=st.integers(0, DAYS - 1).map(lambda n: (FIRST + timedelta(days=n)).date()),
    period=st.sampled_from(["week", "month"]),
    language=st.sampled_from(["en", "de", "fr"]),
)
def test_digest_figures_match_the_history(
    store: DatabaseStore, day: date, period: Any, language: str
) -> None:
    used, tr = settings(), translator(language)
    names = DisplayNames.of(used)
    digest = make_digest(period, day, store=store, settings=used, names=names, now=NOW, tr=tr)
    span, shift = digest_span(period, day)
    insight = Insight(store, used, names.cameras)
    content = text_of(digest_pdf(digest))
    whole = insight.figures([span.until(NOW)])
    assert digest.whole.appearances == tr.number(whole.appearances)
    for sentiment in ("negative", "neutral", "positive"):
        share = whole.share(sentiment)
        assert share is not None
        sentence = shares_words(whole, tr)[sentiment]
        assert getattr(digest.whole, sentiment) == sentence
        assert re.sub(r"\s+", " ", printable(sentence)) in content
    report = insight.report(span, shift, now=NOW)
    assert len(digest.days) == len(report.days)
    places = {row.name: row for row in digest.places}
    for (camera, zone), comparison in report.places.items():
        name = names.place(camera, zone, tr)
        assert places[name].appearances == tr.number(comparison.now.appearances)


def test_pdf_contains_the_digest(store: DatabaseStore) -> None:
    used = settings(privacy={"controller": "Müller & Söhne <Laden>"})
    digest = make_digest(
        "week",
        date(2026, 10, 14),
        store=store,
        settings=used,
        names=DisplayNames.of(used),
        now=NOW,
        tr=translator("de"),
    )
    content = text_of(digest_pdf(digest))
    for sentence in (
        "Wochenbericht · Müller & Söhne <Laden>",
        "Woche vom 12. Oktober 2026 bis 18. Oktober 2026",
        "Es gab 1 Alarm.",
        "Schlechte Stimmung",
        "Ada",
        "Die negativsten zuerst".replace("Die", "die"),
        "Seite 1",
    ):
        assert sentence in content, sentence
    assert "?" not in content


@pytest.mark.parametrize(
    ("text", "shown"),
    [("50\u202f%", "50\u00a0%"), ("\u22123", "\u20133"), ("Wejście", "Wejscie"), ("入口", "??")],
)
def test_characters_missing_from_the_fonts_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_empty_week_is_reported_as_empty(store: DatabaseStore) -> None:
    used = settings()
    digest = make_digest(
        "week",
        date(2020, 1, 1),
        store=store,
        settings=used,
        names=DisplayNames.of(used),
        now=NOW,
        tr=translator("en"),
    )
    assert digest.sentences[0] == "Nothing can be said: not recorded."
    assert "not recorded" in text_of(digest_pdf(digest))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-09 06:59", []),
        ("2026-11-09 07:00", ["week-2026-W45"]),
        ("2026-11-11 06:59", ["week-2026-W45"]),
        ("2026-11-11 07:01", []),
        ("2026-12-01 08:00", ["week-2026-W48", "month-2026-11"]),
        ("2027-01-01 09:00", ["month-2026-12"]),
    ],
)
def test_digests_are_due_after_their_period(now: str, due: list[str]) -> None:
    wanted = DigestSettings(weekly=True, monthly=True)
    found = due_digests(wanted, datetime.fromisoformat(now).timestamp())
    assert [each.key for each in found] == due


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.sampled_from(["week", "month"]))
def test_each_day_belongs_to_its_period(day: date, period: Any) -> None:
    span, _ = digest_span(period, day)
    noon = datetime(day.year, day.month, day.day, 12).timestamp()
    assert span.begin <= noon < span.end
    first = datetime.fromtimestamp(span.begin).date()
    last = datetime.fromtimestamp(span.end - 1).date()
    assert digest_key(period, first) == digest_key(period, last) == digest_key(period, day)
    after = datetime.fromtimestamp(span.end + 3600).timestamp()
    assert last_day_of(period, after) == last


def mailing(server: MailServer) -> dict[str, Any]:
    return {
        "host": "localhost",
        "port": server.port,
        "security": "none",
        "sender": "monitor@example.org",
        "recipients": ["owner@example.org"],
    }


def test_each_digest_is_sent_once_even_after_a_restart(
    store: DatabaseStore, tmp_path: Path
) -> None:
    bus = EventBus()
    clock = {"now": datetime(2026, 11, 9, 7, 0, 30).timestamp()}
    with mail_server() as server, bus.subscribe(Delivery) as log:
        used = settings(
            email=mailing(server),
            digest={"weekly": True, "recipients": "boss@example.org"},
            language="de",
        )
        configuration = Configuration(used, tmp_path / "monitor.yaml")

        def sender() -> DigestSender:
            return DigestSender(
                bus,
                store,
                configuration,
                page=lambda: "http://m.example/",
                clock=lambda: clock["now"],
            )

        first = sender()
        server.refuse["DATA"] = "451 try later"
        first.run_due()
        first.run_due()
        (failed,) = log.take(1)
        assert isinstance(failed, Delivery)
        assert (failed.state, failed.incident) == ("failed", "week-2026-W45")
        clock["now"] += RETRY_DELAY
        first.run_due()
        (sent,) = log.take(1)
        assert isinstance(sent, Delivery)
        assert sent.state == "delivered"
        store.add_delivery(sent)
        first.run_due()
        sender().run_due()
        (message,) = server.messages
        assert server.envelopes[0].rcpt_tos == ["boss@example.org"]
    assert message["Subject"].startswith("sentistream: Woche vom 2. November 2026")
    html = message.get_body(("html",))
    assert html is not None
    assert "http://m.example/history" in html.get_content()
    assert "src=" not in html.get_content()
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "sentistream-week-2026-W45.pdf"
    assert "Wochenbericht" in text_of(attached.get_content())


def test_missing_mail_server_is_reported(store: DatabaseStore) -> None:
    with pytest.raises(InputError, match="no mail server"):
        send_digest(
            "week",
            date(2026, 10, 14),
            store=store,
            settings=settings(),
            names=DisplayNames(),
            page="",
            now=NOW,
        )
