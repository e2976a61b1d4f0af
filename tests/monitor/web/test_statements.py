"""Statements of the pages about themselves: made from what is so, in both answers."""

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


def told(key: str, tokens: int | None = 0, **settings: Any) -> tuple[str, InForce]:
    state = PrivacyState.of(Settings.model_validate(settings), tokens=tokens)
    found = {each.key: each for each in guarantees(state, EN)}[key]
    return found.text, found.holds


def test_what_leaves_the_machine_is_named() -> None:
    text, holds = told("local")
    assert holds is InForce.YES and "Nothing is sent to another program" in text
    text, holds = told("local", tokens=1)
    assert holds is InForce.PARTLY
    assert "1 program has an API token" in text and "Nothing is sent" not in text
    text, holds = told("local", tokens=None)
    assert holds is InForce.PARTLY and "is unknown" in text and "Nothing is sent" not in text
    text, holds = told(
        "local", mqtt={"host": "a.example"}, webhooks=[{"url": "https://b.example/secret"}]
    )
    assert "the MQTT broker a.example and the program at b.example." in text
    assert "secret" not in text and "Nothing is sent" not in text
    text, _ = told("local", server={"host": "0.0.0.0"})  # noqa: S104
    assert "from another machine" in text and "Nothing is sent" not in text


@pytest.mark.parametrize(
    ("server", "holds", "said"),
    [
        ({}, InForce.PARTLY, "Not encrypted, but reachable from this machine only"),
        ({"host": "0.0.0.0"}, InForce.NO, "readably"),  # noqa: S104
        ({"public_url": "https://a.example"}, InForce.YES, "A proxy on this machine encrypts"),
        ({"tls_certificate": "a", "tls_key": "b"}, InForce.YES, "The monitor encrypts"),
    ],
)
def test_what_is_encrypted(server: dict[str, Any], holds: InForce, said: str) -> None:
    text, found = told("transport", server=server)
    assert found is holds and said in text


def test_masks_and_schedules_name_the_cameras_without() -> None:
    hours = [{"begin": "09:00", "end": "18:00"}]
    some = {
        "a": {"name": "Door", "source": "0", "zones": [MASK], "hours": hours},
        "b": {"name": "Yard", "source": "1"},
    }
    all_of_them = {"a": some["a"]}
    assert told("masks", cameras={"b": some["b"]}) == (
        "No part of any picture is masked. Mask the places where staff work.",
        InForce.NO,
    )
    text, holds = told("masks", cameras=some)
    assert holds is InForce.PARTLY
    assert "Door: Behind the till (always)" in text and "Nothing is masked at: Yard." in text
    text, holds = told("masks", cameras=all_of_them)
    assert holds is InForce.YES and "Nothing is masked" not in text
    assert told("hours", cameras={"b": some["b"]})[1] is InForce.NO
    text, holds = told("hours", cameras=some)
    assert holds is InForce.PARTLY and "Watching around the clock: Yard." in text
    text, holds = told("hours", cameras=all_of_them)
    assert holds is InForce.YES and "around the clock" not in text


def test_deletion_and_groups() -> None:
    text, holds = told("retention", storage={"seconds_days": 1})
    assert (
        holds is InForce.YES and "deleted after 1 day, aggregates by minute after 90 days" in text
    )
    text, holds = told("retention", storage={"backup_folder": "x", "backups_kept": 1})
    assert holds is InForce.PARTLY and "1 backup copy still holds" in text
    text, holds = told("retention", storage={"url": "postgresql://db.example/x"})
    assert holds is InForce.PARTLY and "The database decides" in text
    assert told("group", privacy={"smallest_group": 1})[1] is InForce.NO
    assert "fewer than 7 appearances" in told("group", privacy={"smallest_group": 7})[0]


def test_live_pictures() -> None:
    assert told("preview")[1] is InForce.YES
    assert told("preview", privacy={"blur": False})[1] is InForce.NO
    assert told("preview", privacy={"preview": False})[0].startswith("Turned off.")


def page(house: FakeMonitor, path: str) -> str:
    answer = house.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(answer.text))


@pytest.mark.parametrize(("expires", "counted"), [(None, True), (1.0, False)])
def test_the_page_counts_tokens_that_are_valid(
    house: FakeMonitor, expires: float | None, counted: bool
) -> None:
    token = Token(name="ha", role=Role.VIEWER, created=0.0, expires=expires, maker="ada")
    accounts = SimpleNamespace(tokens=lambda: [token])
    house.more.append(lambda app: setattr(app.state, "accounts", accounts))
    for path in ("/privacy", "/privacy/notice", "/privacy/assessment"):
        text = page(house, path)
        assert (re.search("1 program (has|with) an API token", text) is not None) is counted


def test_a_silent_database_makes_no_promise(house: FakeMonitor) -> None:
    def fail() -> None:
        raise StorageError("The database does not answer.", "Wait.")

    house.more.append(lambda app: setattr(app.state, "accounts", SimpleNamespace(tokens=fail)))
    assert "Whether programs have API tokens is unknown" in page(house, "/privacy")


def test_what_a_viewer_is_told_of_single_faces_is_so(house: FakeMonitor) -> None:
    """The live view is not barred from viewers, so no page says that single faces are."""
    house.user = User("vera", Role.VIEWER)
    assert "shows everyone who logs in how each face in view" in page(house, "/privacy")
    assert "they see how your face comes across" in page(house, "/privacy/notice")
    assert 'class="overlay"' in page(house, "/live")


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


def test_why_shares_are_hidden() -> None:
    assert why_withheld(aggregate(4), 5, EN).startswith("Fewer than 5 appearances")
    # withheld because another zone's rest could be had by subtraction
    assert "subtraction" in why_withheld(aggregate(5), 5, EN)
    assert "Fewer" not in why_withheld(aggregate(12), 5, EN)


def test_every_word_is_defined_in_every_language() -> None:
    for language in LANGUAGES:
        tr = translator(language)
        for term in TERMS.values():
            for text in (term.word, term.meaning):
                assert tr.gettext(text)
                assert language == "en" or tr.gettext(text) != text or " " not in text


def test_definitions_are_one_click_away(house: FakeMonitor) -> None:
    for path in ("/", "/privacy", "/alerts", "/about"):
        text = page(house, path)
        opened = re.findall(r'class="explain" popovertarget="([^"]+)"', text)
        for name in {*opened, *(f"term-{key}" for key in TERMS)}:
            assert f'popover id="{name}"' in text
