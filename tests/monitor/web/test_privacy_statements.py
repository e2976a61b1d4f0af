"""Statements of the pages about privacy follow the settings, in both cases."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest

from sentistream.errors import StorageError
from sentistream.monitor.accounts import Role, Token, User
from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.locales import LANGUAGES
from sentistream.monitor.privacy import InForce, PrivacyState
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import translator
from sentistream.monitor.web.definitions import TERMS, why_withheld
from sentistream.monitor.web.privacy_page import guarantees
from web.fake_monitor import FakeMonitor

EN = translator("en")
CORNERS = [[0, 0], [1, 0], [1, 1]]
MASK = {"name": "till", "title": "Behind the till", "points": CORNERS, "masked": "always"}


def statement(key: str, tokens: int | None = 0, **settings: Any) -> tuple[str, InForce]:
    state = PrivacyState.of(Settings.model_validate(settings), tokens=tokens)
    found = {each.key: each for each in guarantees(state, EN)}[key]
    return found.text, found.holds


def test_external_transmission_is_named() -> None:
    text, holds = statement("local")
    assert holds is InForce.YES and "Nothing is sent to another program" in text
    text, holds = statement("local", tokens=1)
    assert holds is InForce.PARTLY
    assert "1 program has an API token" in text and "Nothing is sent" not in text
    text, holds = statement("local", tokens=None)
    assert holds is InForce.PARTLY and "is unknown" in text and "Nothing is sent" not in text
    text, holds = statement(
        "local", mqtt={"host": "a.example"}, webhooks=[{"url": "https://b.example/secret"}]
    )
    assert "the MQTT broker a.example and the program at b.example." in text
    assert "secret" not in text and "Nothing is sent" not in text
    text, _ = statement("local", server={"host": "0.0.0.0"})  # noqa: S104
    assert "from another machine" in text and "Nothing is sent" not in text


@pytest.mark.parametrize(
    ("server", "holds", "expected"),
    [
        ({}, InForce.PARTLY, "Not encrypted, but reachable from this machine only"),
        ({"host": "0.0.0.0"}, InForce.NO, "readably"),  # noqa: S104
        ({"public_url": "https://a.example"}, InForce.YES, "A proxy on this machine encrypts"),
        ({"tls_certificate": "a", "tls_key": "b"}, InForce.YES, "The monitor encrypts"),
    ],
)
def test_encryption_statement(server: dict[str, Any], holds: InForce, expected: str) -> None:
    text, found = statement("transport", server=server)
    assert found is holds and expected in text


def test_masks_and_schedules_name_the_cameras_without() -> None:
    hours = [{"begin": "09:00", "end": "18:00"}]
    some = {
        "a": {"name": "Door", "source": "0", "zones": [MASK], "hours": hours},
        "b": {"name": "Yard", "source": "1"},
    }
    all_of_them = {"a": some["a"]}
    assert statement("masks", cameras={"b": some["b"]}) == (
        "No part of any picture is masked. Mask the places where staff work.",
        InForce.NO,
    )
    text, holds = statement("masks", cameras=some)
    assert holds is InForce.PARTLY
    assert "Door: Behind the till (always)" in text and "Nothing is masked at: Yard." in text
    text, holds = statement("masks", cameras=all_of_them)
    assert holds is InForce.YES and "Nothing is masked" not in text
    assert statement("hours", cameras={"b": some["b"]})[1] is InForce.NO
    text, holds = statement("hours", cameras=some)
    assert holds is InForce.PARTLY and "Watching around the clock: Yard." in text
    text, holds = statement("hours", cameras=all_of_them)
    assert holds is InForce.YES and "around the clock" not in text


def test_deletion_and_group_statements() -> None:
    text, holds = statement("retention", storage={"seconds_days": 1})
    assert (
        holds is InForce.YES and "deleted after 1 day, aggregates by minute after 90 days" in text
    )
    text, holds = statement("retention", storage={"backup_folder": "x", "backups_kept": 1})
    assert holds is InForce.PARTLY and "1 backup copy still holds" in text
    text, holds = statement("retention", storage={"url": "postgresql://db.example/x"})
    assert holds is InForce.PARTLY and "The database decides" in text
    assert statement("group", privacy={"smallest_group": 1})[1] is InForce.NO
    assert "fewer than 7 appearances" in statement("group", privacy={"smallest_group": 7})[0]


def test_preview_statement() -> None:
    assert statement("preview")[1] is InForce.YES
    assert statement("preview", privacy={"blur": False})[1] is InForce.NO
    assert statement("preview", privacy={"preview": False})[0].startswith("Turned off.")


def page(monitor: FakeMonitor, path: str) -> str:
    answer = monitor.request("GET", path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(answer.text))


@pytest.mark.parametrize(("expires", "counted"), [(None, True), (1.0, False)])
def test_page_counts_valid_tokens(
    monitor: FakeMonitor, expires: float | None, counted: bool
) -> None:
    token = Token(name="ha", role=Role.VIEWER, created=0.0, expires=expires, maker="ada")
    accounts = SimpleNamespace(tokens=lambda: [token])
    monitor.more.append(lambda app: setattr(app.state, "accounts", accounts))
    for path in ("/privacy", "/privacy/notice", "/privacy/assessment"):
        text = page(monitor, path)
        assert (re.search("1 program (has|with) an API token", text) is not None) is counted


def test_unresponsive_database_makes_no_promise(monitor: FakeMonitor) -> None:
    def fail() -> None:
        raise StorageError("The database does not answer.", "Wait.")

    monitor.more.append(lambda app: setattr(app.state, "accounts", SimpleNamespace(tokens=fail)))
    assert "Whether programs have API tokens is unknown" in page(monitor, "/privacy")


def test_statement_about_single_faces_for_viewers_is_true(monitor: FakeMonitor) -> None:
    """Viewers may open the live view, so no page says that single faces are hidden from them."""
    monitor.user = User("vera", Role.VIEWER)
    assert "shows everyone who logs in how each face in view" in page(monitor, "/privacy")
    assert "they see how your face comes across" in page(monitor, "/privacy/notice")
    assert 'class="overlay"' in page(monitor, "/live")


def aggregate(appearances: int) -> Aggregate:
    return Aggregate(
        camera="a",
        zone="",
        begin=0,
        end=60,
        appearances=appearances,
        seen=None,
        speaking=None,
        positive=None,
        neutral=None,
        negative=None,
    )


def test_hidden_shares_name_their_reason() -> None:
    assert why_withheld(aggregate(4), 5, EN).startswith("Fewer than 5 appearances")
    # withheld because another zone's remainder could be computed by subtraction
    assert "subtraction" in why_withheld(aggregate(5), 5, EN)
    assert "Fewer" not in why_withheld(aggregate(12), 5, EN)


def test_every_term_is_defined_in_every_language() -> None:
    for language in LANGUAGES:
        tr = translator(language)
        for term in TERMS.values():
            for text in (term.word, term.meaning):
                assert tr.gettext(text)
                assert language == "en" or tr.gettext(text) != text or " " not in text


def test_definitions_are_one_click_away(monitor: FakeMonitor) -> None:
    for path in ("/", "/privacy", "/alerts", "/about"):
        text = page(monitor, path)
        opened = re.findall(r'class="explain" popovertarget="([^"]+)"', text)
        for name in {*opened, *(f"term-{key}" for key in TERMS)}:
            assert f'popover id="{name}"' in text
