"""The notice and the assessment: filled from the settings, honest about what they lack."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Literal

import pytest

from sentistream.monitor.privacy import (
    MEASURES,
    InForce,
    PrivacyState,
    render_assessment,
    render_notice,
)
from sentistream.monitor.settings import Settings

LANGUAGES: tuple[Literal["en", "de"], ...] = ("en", "de")
MISSING = {"en": "to be filled in", "de": "noch auszufüllen"}
HOUSE: dict[str, Any] = {
    "cameras": {
        "door": {
            "name": "Front <door>",
            "source": "rtsp://admin:hunter2secret@10.0.0.4/live",
            "sound": False,
            "hours": [{"days": ["mon", "sat"], "begin": "09:30", "end": "18:00"}],
            "zones": [
                {"name": "till", "points": [[0, 0], [1, 0], [1, 1]], "masked": "always"},
                {"name": "bar", "points": [[0, 0], [1, 0], [1, 1]]},
            ],
        },
        "off": {"name": "Unused", "source": "1", "enabled": False},
    },
    "privacy": {
        "controller": "Example & Sons, 1 Market Street",
        "contact": "privacy@example.org",
        "purpose": "To see when customers are served well.",
        "legal_basis": "Art. 6(1)(f) GDPR",
        "smallest_group": 7,
    },
    "storage": {"seconds_days": 1, "minutes_days": 40, "hours_days": 400},
}


class Checker(HTMLParser):
    """Collects text, and complains about tags that do not match."""

    VOID = frozenset({"meta", "br", "link"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.sources: list[str] = []
        self.marks = 0
        self.feed(page)
        assert not self.open
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        self.marks += tag == "mark"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def house(**changes: Any) -> PrivacyState:
    return PrivacyState.of(Settings.model_validate(HOUSE | changes), tokens=0)


EMPTY = PrivacyState.of(Settings(), tokens=0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("render", [render_notice, render_assessment])
def test_is_one_sound_page_without_secrets(render: Any, language: Literal["en", "de"]) -> None:
    for state in (EMPTY, house(), PrivacyState.of(Settings())):
        page = render(state, language)
        checked = Checker(page)
        assert page.startswith("<!doctype html>")
        assert f'<html lang="{language}">' in page
        assert not checked.sources  # needs no other file, asks nobody
        assert "hunter2secret" not in page
        assert "10.0.0.4" not in page
        assert "@media print" in page
        # words on both sides of a condition do not run together
        assert not re.search(r"[a-zäöüß](und schätzt|and estimates)", checked.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_says_what_the_settings_say(language: Literal["en", "de"]) -> None:
    checked = Checker(render_notice(house(), language))
    for said in (
        "Example & Sons, 1 Market Street",
        "privacy@example.org",
        "To see when customers are served well.",
        "Art. 6(1)(f) GDPR",
        "Front <door>",
        "09:30-18:00",
        "till",
        {"en": "1 day", "de": "1 Tag"}[language],
        {"en": "40 days", "de": "40 Tage"}[language],
        {"en": "fewer than 7 appearances", "de": "weniger als 7 Erscheinungen"}[language],
        {"en": "emotion recognition system", "de": "Emotionserkennungssystem"}[language],
        {"en": "no sound", "de": "kein Ton"}[language],
        {"en": "Nothing leaves the computer", "de": "Nichts verlässt den Rechner"}[language],
        {"en": "complain", "de": "beschweren"}[language],
    ):
        assert said in checked.text, said
    assert "Unused" not in checked.text
    assert {"en": "sound is not listened to", "de": "Ton wird nicht ausgewertet"}[
        language
    ] in checked.text
    assert checked.marks == 2  # where no camera looks and who the officer is, only the house knows


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_lacks_is_seen(language: Literal["en", "de"]) -> None:
    checked = Checker(render_notice(EMPTY, language))
    assert checked.text.count(MISSING[language]) == checked.marks == 7
    assert {"en": "not complete: 4 facts", "de": "unvollständig: 4 Angaben"}[
        language
    ] in checked.text
    one = house(privacy=HOUSE["privacy"] | {"purpose": "  "})
    assert {"en": "1 fact is", "de": "1 Angabe ist"}[language] in Checker(
        render_notice(one, language)
    ).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipients_and_switched_off_protection_are_named(language: Literal["en", "de"]) -> None:
    open_house = house(
        mqtt={"host": "broker.example.org"},
        webhooks=[{"url": "https://hooks.example.org/T000/secret-path"}],
        email={
            "host": "smtp.example.org",
            "sender": "monitor@example.org",
            "recipients": ["owner@example.org"],
        },
        ntfy=[{"server": "https://push.example.org", "topic": "secret-topic"}],
        storage={"url": "postgresql://mood:pgpass@db.example.org/mood"},
        privacy=HOUSE["privacy"] | {"blur": False},
    )
    for page in (render_notice(open_house, language), render_assessment(open_house, language)):
        for host in (
            "broker.example.org",
            "hooks.example.org",
            "db.example.org",
            "push.example.org",
            "smtp.example.org",
        ):
            assert host in page
        for secret in ("secret-path", "pgpass", "secret-topic", "owner@example.org"):
            assert secret not in page
    assert {"en": "faces are not blurred", "de": "Gesichter sind darin erkennbar"}[
        language
    ] in Checker(render_notice(open_house, language)).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_and_push_are_named_only_where_they_are_set_up(language: Literal["en", "de"]) -> None:
    said = {"en": ("mail server", "push service"), "de": ("Mailserver", "Push-Dienst")}[language]
    for page in (render_notice(house(), language), render_assessment(house(), language)):
        assert not any(word in page for word in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assessment_has_the_four_parts_and_every_measure(
    language: Literal["en", "de"],
) -> None:
    checked = Checker(render_assessment(house(), language))
    for letter in "abcd":
        named = f"Art. 35(7)({letter})" if language == "en" else f"Art. 35 Abs. 7 Buchst. {letter}"
        assert named in checked.text
    for measure in MEASURES:
        assert re.sub(r"\s+", " ", measure.text(language)) in checked.text
    assert {"en": "is prohibited in the EU", "de": "ist in der EU verboten"}[
        language
    ] in checked.text


def test_measures_tell_whether_they_are_in_force() -> None:
    protected = house(
        cameras={"door": HOUSE["cameras"]["door"]},
        server={"tls_certificate": "certificate.pem", "tls_key": "key.pem"},
    )
    exposed = PrivacyState.of(
        Settings.model_validate(
            {
                "cameras": {"door": {"source": "0"}},
                "privacy": {"smallest_group": 1, "blur": False},
                "mqtt": {"host": "broker"},
                "storage": {"seconds_days": 365},
                "server": {"host": "0.0.0.0"},  # noqa: S104
            }
        ),
        tokens=1,
    )
    assert {m.standing(protected).in_force for m in MEASURES} == {InForce.YES}
    standing = {m.key: m.standing(exposed).in_force for m in MEASURES if m.setting}
    assert {m.key for m in MEASURES if m.standing(exposed).in_force is not InForce.YES} == {
        *standing
    }
    assert {key for key, found in standing.items() if found is InForce.PARTLY} == {
        "on-the-machine",
        "deletion",
    }
    page = render_assessment(exposed, "en")
    assert page.count('<span class="off">no</span>') == 5
    assert page.count('<span class="off">in part</span>') == 2
    assert "none in force" in page  # nothing protects staff any more


def test_measures_name_settings_and_risks_that_exist() -> None:
    risks = set(re.findall(r'<tr id="|"([a-z]+)": \(', _template("assessment.en.html.j2"))) - {""}
    assert risks == set(re.findall(r'"([a-z]+)": \(', _template("assessment.de.html.j2")))
    assert {risk for measure in MEASURES for risk in measure.against} == risks
    groups = Settings.model_fields
    for measure in MEASURES:
        for setting in filter(None, measure.setting.split(", ")):
            group, _, field = setting.partition(".")
            assert group in groups
            model = groups[group].annotation
            if field and "*" not in field:
                assert field in getattr(model, "model_fields", {}), setting


def _template(name: str) -> str:
    from importlib.resources import files

    return (files("sentistream.monitor.privacy") / "templates" / name).read_text("utf-8")
