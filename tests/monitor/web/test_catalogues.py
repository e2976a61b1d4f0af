"""Translation catalogues: complete, up to date, with correct plurals, numbers and dates."""

from __future__ import annotations

import pickle
import re
from datetime import datetime
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

import update_translations as catalogues
from sentistream.monitor.accounts import Role
from sentistream.monitor.locales import LANGUAGES, SOURCE
from sentistream.monitor.observations import CameraState
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import language_of, languages, translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.form_fields import Kind, kind_of
from sentistream.monitor.web.settings_pages import SECTIONS
from sentistream.translatable import Translatable, sentences
from sentistream.types import Label

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
WANTED = catalogues.messages()


def _catalogue(language: str) -> Catalog:
    with (catalogues.LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def test_there_are_three_languages() -> None:
    assert LANGUAGES == ("en", "de", "fr")
    assert languages() == {"en": "English", "de": "Deutsch", "fr": "Français"}
    assert get_args(Settings.model_fields["language"].annotation) == LANGUAGES


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_of_the_source_is_translated(language: str) -> None:
    catalogue = _catalogue(language)
    assert {message.id for message in catalogue if message.id} == set(WANTED), (
        "run: python scripts/update_translations.py"
    )
    assert catalogues.untranslated(catalogue) == []
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_files_are_as_written_by_the_script(language: str) -> None:
    written = catalogues.written(catalogues.updated(language, WANTED))
    assert (catalogues.LOCALES / f"{language}.po").read_bytes() == written


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_messages(language: str) -> None:
    for message in _catalogue(language):
        if isinstance(message.id, str):
            assert _values(message.string) == _values(message.id), message.id
        else:
            allowed = _values(message.id[1])
            assert all(_values(form) | {"n"} == allowed | {"n"} for form in message.string or ())


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_plural_form_is_translated(language: str) -> None:
    catalogue = _catalogue(language)
    plurals = [message for message in catalogue if isinstance(message.id, tuple)]
    assert len(plurals) > 5
    assert all(len(message.string or ()) == catalogue.num_plurals for message in plurals)


@pytest.mark.parametrize(
    ("language", "none", "one", "many"),
    [
        ("en", "0 appearances", "1 appearance", "1,284 appearances"),
        ("de", "0 Erscheinungen", "1 Erscheinung", "1.284 Erscheinungen"),
        # French uses the singular for 0
        ("fr", "0 apparition", "1 apparition", "1\u202f284 apparitions"),
    ],
)
def test_plural_forms(language: str, none: str, one: str, many: str) -> None:
    tr = translator(language)
    sentence = [tr.ngettext("1 appearance", "{n} appearances", count) for count in (0, 1, 1284)]
    assert sentence == [none, one, many]


@pytest.mark.parametrize(
    ("count", "english", "german", "french"),
    [
        (1, "1 minute", "1 Minute", "1 minute"),
        (10, "10 minutes", "10 Minuten", "10 minutes"),
        (0.5, "0.5 minutes", "0,5 Minuten", "0,5 minute"),
        # French uses the singular below two
        (1.5, "1.5 minutes", "1,5 Minuten", "1,5 minute"),
        (2.5, "2.5 minutes", "2,5 Minuten", "2,5 minutes"),
        (1440, "1,440 minutes", "1.440 Minuten", "1\u202f440 minutes"),
    ],
)
def test_minutes_are_counted_by_the_languages_plural_rules(
    count: float, english: str, german: str, french: str
) -> None:
    assert [translator(each).minutes(count) for each in LANGUAGES] == [english, german, french]


@pytest.mark.parametrize("language", TRANSLATED)
def test_terms_are_translated_consistently(language: str) -> None:
    """An alert has the same name everywhere, not a message here and an alarm there."""
    other = {"de": r"\bMeldung", "fr": r"\balarme"}[language]
    translations = [str(message.string) for message in _catalogue(language) if message.id]
    assert not [text for text in translations if re.search(other, text)]


def test_numbers_and_times_are_localized() -> None:
    english, german, french = (translator(language) for language in LANGUAGES)
    assert english.number(12345.6, 1) == "12,345.6"
    assert german.number(12345.6, 1) == "12.345,6"
    assert french.number(12345.6, 1) == "12\u202f345,6"
    assert (english.percent(0.416), german.percent(0.416)) == ("42%", "42\u00a0%")
    assert french.percent(0.416) in ("42\u00a0%", "42\u202f%")
    assert (english.compact(0.5), german.compact(0.5), french.compact(3.0)) == ("0.5", "0,5", "3")
    assert english.points(-0.034) == "\u22123"
    assert english.points(0.001) == "\u00b10"
    assert english.length(59) == "59 s"
    assert english.length(3600 * 3 + 12 * 60) == "3 h 12 min"
    assert (english.decimal_mark, german.decimal_mark, french.decimal_mark) == (".", ",", ",")
    time = datetime(2026, 11, 20, 14, 5).timestamp()
    assert english.moment(time) == "Fri 20 Nov, 14:05"
    assert german.moment(time) == "Fr., 20. Nov., 14:05 Uhr"
    assert french.moment(time) == "ven. 20 nov. à 14:05"
    assert [tr.short_day(time) for tr in (english, german, french)] == ["20/11", "20.11.", "20/11"]


def test_language_without_a_catalogue_falls_back_to_english() -> None:
    assert translator("tlh").language == "en"
    assert translator("en").gettext("There is no such message {here}") == (
        "There is no such message {here}"
    )


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({"accept-language": "de-AT,de;q=0.9,en;q=0.8"}, "de"),
        ({"accept-language": "de", "cookie": "sentistream-language=fr"}, "fr"),
        ({"accept-language": "de", "cookie": "sentistream-language=xx"}, "de"),
        ({"accept-language": "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7"}, "fr"),
        ({"accept-language": "es, de;q=0.2"}, "de"),
        ({"accept-language": "es"}, "en"),
        ({"accept-language": "fr;q=0, ,;q=x"}, "en"),
        ({}, "en"),
    ],
    ids=str,
)
def test_language_is_chosen_or_negotiated(headers: dict[str, str], language: str) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert language_of(HTTPConnection({"type": "http", "headers": raw}), "en") == language


def test_every_state_role_and_choice_has_a_label() -> None:
    assert labels.CAMERA_STATES.keys() == {state.value for state in CameraState}
    assert labels.STATE_REASONS.keys() >= labels.NO_PICTURE.keys()
    assert labels.ROLES.keys() == {role.value for role in Role}
    assert labels.SENTIMENTS.keys() == {label.value for label in Label}
    assert labels.SECTIONS.keys() >= SECTIONS.keys() and labels.SECTION_LEADS.keys() >= (
        SECTIONS.keys()
    )
    for section in SECTIONS.values():
        for name, info in section.fields.items():
            if kind_of(info) in (Kind.CHOICE, Kind.CHOICES) and name != "language":
                for choice in re.findall(r"'(\w+)'", str(info.annotation)):
                    assert choice in labels.CHOICES, (name, choice)


def test_sentence_is_translated_with_its_values() -> None:
    reason = Translatable("connection refused")
    sentence = Translatable("{name} cannot be opened ({words}).", name="Settings", words=reason)
    assert sentence == "Settings cannot be opened (connection refused)."
    # a value is not a message, whatever its name
    assert (
        translator("de").translate(sentence)
        == "Settings ist nicht zu öffnen (dort antwortet niemand)."
    )
    assert translator("fr").translate(sentence).startswith("Impossible d\u2019ouvrir Settings (")
    assert translator("de").translate(Translatable("Permission denied")) == "kein Zugriff"
    assert translator("en").translate(Translatable("Permission denied")) == "Permission denied"
    both = sentences(sentence, "", "Try again.")
    assert both == f"{sentence} Try again."
    assert translator("de").translate(both).endswith("Versuchen Sie es noch einmal.")
    assert translator("de").translate("The cat sat on the cable.") == "The cat sat on the cable."
    assert sentences("", "") == ""


def test_sentence_survives_pickling() -> None:
    sentence = Translatable("{path} is a folder.", path=Translatable("{n} s", n=3))
    again = pickle.loads(pickle.dumps(sentence))  # noqa: S301
    assert again == sentence and translator("fr").translate(again) == "3 s est un dossier."


def test_secrets_are_redacted_in_values() -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "***")

    sentence = Translatable("{name} stopped sending ({words}).", name="rtsp://hunter2@x", words="a")
    hidden = sentence.mapped(redact)
    assert hidden == "rtsp://***@x stopped sending (a)."
    assert translator("de").translate(hidden) == "rtsp://***@x sendet nicht mehr (a)."
    # what only shows in the whole sentence is redacted, too
    assert Translatable("hunter{n}", n=2).mapped(redact) == "***"


def _values(text: object) -> set[str]:
    return set(re.findall(r"\{([a-z_]+)\}", str(text)))
