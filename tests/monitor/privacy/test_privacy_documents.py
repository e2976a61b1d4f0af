"""The privacy notice and assessment: generated from the settings, with gaps clearly marked."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from sentistream.monitor.locales import LANGUAGES
from sentistream.monitor.privacy import (
    MEASURES,
    InForce,
    PrivacyState,
    render_assessment,
    render_notice,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import translator

MISSING = {"en": "to be filled in", "de": "noch auszufüllen", "fr": "à compléter"}
SAMPLE_SETTINGS: dict[str, Any] = {
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
    """Collects text, and fails on mismatched tags."""

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


def sample_state(**changes: Any) -> PrivacyState:
    return PrivacyState.of(Settings.model_validate(SAMPLE_SETTINGS | changes), tokens=0)


def by(language: str, *words: str) -> str:
    return dict(zip(("en", "de", "fr"), words, strict=True))[language]


EN = translator("en")
EMPTY = PrivacyState.of(Settings(), tokens=0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("render", [render_notice, render_assessment])
def test_document_is_one_valid_page_without_secrets(render: Any, language: str) -> None:
    for state in (EMPTY, sample_state(), PrivacyState.of(Settings())):
        page = render(state, translator(language))
        checked = Checker(page)
        assert page.startswith("<!doctype html>")
        assert f'<html lang="{language}">' in page
        assert not checked.sources  # no external files or requests
        assert "hunter2secret" not in page
        assert "10.0.0.4" not in page
        assert "@media print" in page
        # words on both sides of a condition do not run together
        assert not re.search(r"[a-zäöüßé](und schätzt|and estimates|et estime)", checked.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_notice_matches_the_settings(language: str) -> None:
    checked = Checker(render_notice(sample_state(), translator(language)))
    for sentence in (
        "Example & Sons, 1 Market Street",
        "privacy@example.org",
        "To see when customers are served well.",
        "Art. 6(1)(f) GDPR",
        "Front <door>",
        by(language, "09:30 to 18:00", "09:30 bis 18:00", "09:30 à 18:00"),
        "till",
        by(language, "1 day", "1 Tag", "1 jour"),
        by(language, "40 days", "40 Tage", "40 jours"),
        {
            "en": "fewer than 7 appearances",
            "de": "weniger als 7 Erscheinungen",
            "fr": "moins de 7 apparitions",
        }[language],
        {
            "en": "emotion recognition system",
            "de": "Emotionserkennungssystem",
            "fr": "système de reconnaissance des émotions",
        }[language],
        by(language, "no sound", "kein Ton", "aucun son"),
        {
            "en": "Nothing leaves the computer",
            "de": "Nichts verlässt den Rechner",
            "fr": "Rien ne quitte l\u2019ordinateur",
        }[language],
        by(language, "complain", "beschweren", "réclamation"),
    ):
        assert sentence in checked.text, sentence
    assert "Unused" not in checked.text
    assert {
        "en": "sound is not listened to",
        "de": "Ton wird nicht ausgewertet",
        "fr": "le son n\u2019est pas écouté",
    }[language] in checked.text
    assert checked.marks == 2  # where no camera looks, and the officer: only the operator knows


@pytest.mark.parametrize("language", LANGUAGES)
def test_missing_details_are_marked(language: str) -> None:
    checked = Checker(render_notice(EMPTY, translator(language)))
    assert checked.text.count(MISSING[language]) == checked.marks == 7
    assert {
        "en": "not complete: 4 facts",
        "de": "unvollständig: 4 Angaben",
        "fr": "incomplet : 4 indications",
    }[language] in checked.text
    one = sample_state(privacy=SAMPLE_SETTINGS["privacy"] | {"purpose": "  "})
    assert (
        by(language, "1 fact is", "1 Angabe ist", "1 indication est")
        in Checker(render_notice(one, translator(language))).text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipients_and_disabled_protection_are_named(language: str) -> None:
    unprotected = sample_state(
        mqtt={"host": "broker.example.org"},
        webhooks=[{"url": "https://hooks.example.org/T000/secret-path"}],
        email={
            "host": "smtp.example.org",
            "sender": "monitor@example.org",
            "recipients": ["owner@example.org"],
        },
        ntfy=[{"server": "https://push.example.org", "topic": "secret-topic"}],
        storage={"url": "postgresql://mood:pgpass@db.example.org/mood"},
        privacy=SAMPLE_SETTINGS["privacy"] | {"blur": False},
    )
    for page in (
        render_notice(unprotected, translator(language)),
        render_assessment(unprotected, translator(language)),
    ):
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
    assert {
        "en": "faces are not blurred",
        "de": "Gesichter sind darin erkennbar",
        "fr": "les visages n\u2019y sont pas floutés",
    }[language] in Checker(render_notice(unprotected, translator(language))).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_and_push_are_named_only_if_configured(language: str) -> None:
    sentence = {
        "en": ("mail server", "push service"),
        "de": ("Mailserver", "Push-Dienst"),
        "fr": ("serveur de messagerie", "service de notification"),
    }[language]
    for page in (
        render_notice(sample_state(), translator(language)),
        render_assessment(sample_state(), translator(language)),
    ):
        assert not any(word in page for word in sentence)


@pytest.mark.parametrize("language", LANGUAGES)
def test_assessment_has_the_four_parts_and_every_measure(
    language: str,
) -> None:
    checked = Checker(render_assessment(sample_state(), translator(language)))
    for letter in "abcd":
        named = {
            "en": f"Art. 35(7)({letter})",
            "de": f"Art. 35 Abs. 7 Buchst. {letter}",
            "fr": f"art. 35, paragraphe 7, point {letter})",
        }[language]
        assert named in checked.text
    for measure in MEASURES:
        assert translator(language).gettext(measure.text) in checked.text
    assert {
        "en": "is prohibited in the EU",
        "de": "ist in der EU verboten",
        "fr": "est interdit dans l\u2019UE",
    }[language] in checked.text


def test_measures_state_whether_they_are_in_force() -> None:
    protected = sample_state(
        cameras={"door": SAMPLE_SETTINGS["cameras"]["door"]},
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
    assert {m.standing(protected, EN).in_force for m in MEASURES} == {InForce.YES}
    standing = {m.key: m.standing(exposed, EN).in_force for m in MEASURES if m.setting}
    assert {m.key for m in MEASURES if m.standing(exposed, EN).in_force is not InForce.YES} == {
        *standing
    }
    assert {key for key, found in standing.items() if found is InForce.PARTLY} == {
        "on-the-machine",
        "deletion",
    }
    page = render_assessment(exposed, EN)
    assert page.count('<span class="off">no</span>') == 5
    assert page.count('<span class="off">in part</span>') == 2
    assert "none in force" in page  # nothing protects staff any more


def test_measures_name_existing_settings_and_risks() -> None:
    risks = set(re.findall(r'"([a-z]+)": \(', _template("assessment.html.j2")))
    assert len(risks) == 6
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
