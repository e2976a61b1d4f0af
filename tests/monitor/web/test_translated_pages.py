"""Translated pages are translated completely: no English word of the source remains on any."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import update_translations as catalogues
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.observations import CameraState
from sentistream.monitor.web.settings_pages import SECTIONS
from sentistream.translatable import Translatable, sentences
from web.fake_monitor import SETTINGS, FakeMonitor
from web.fake_people import alert, face
from web.html_forms import form_of, send

GERMAN_SETTINGS = SETTINGS | {
    "cameras": {
        key: camera | {"name": name}
        for (key, camera), name in zip(
            SETTINGS["cameras"].items(), ("Eingang", "Fensterplatz", "Hof", "Theke"), strict=True
        )
    },
    "privacy": {"controller": "Eckladen, Hauptstraße 1", "smallest_group": 5},
    "mqtt": {"host": "vermittler.lan", "username": "laden", "password": "geheim-geheim"},
    "alerts": [
        {"key": "sauer", "name": "Saure Stimmung", "limit": 0.4, "minutes": 10},
        {"key": "froh", "name": "Gute Stunde", "sentiment": "positive", "minutes": 0.5},
    ],
    "webhooks": [{"url": "https://haken.lan/x"}],
}

OF_NO_LANGUAGE = {
    # keys of zones and cameras of the fake monitor, parts of addresses, proper names
    *("door", "till", "entrance", "window", "yard", "night", "rtsp", "http", "https", "localhost"),
    *("demo", "default", "postgresql", "user", "password", "host", "name", "example", "live"),
    *(
        "person",
        "sentistream",
        "home",
        "assistant",
        "webhook",
        "signature",
        "hmac",
        "sha",
        "json",
        "path",
    ),
    *(
        "broker",
        "software",
        "lite",
        "paper",
        "csv",
        "parquet",
        "monitor",
        "yaml",
        "hook",
        "vera",
        "ada",
        "owner",
        "mood",
    ),
}

PAGES = (
    "/",
    "/live",
    "/history?day=2026-11-20",
    "/history?day=2026-11-20&camera=entrance&against=day",
    "/history?by=day",
    "/history?by=week&against=none",
    "/history?by=minute&hour=12&camera=entrance&zone=eingang&day=2026-11-20",
    "/history?by=month&open=1",
    "/history?by=pattern",
    "/history?by=day&from=2026-09-01&to=2026-11-20",
    "/history?day=2031-01-01",
    "/alerts",
    "/alerts?rule=sauer",
    "/try",
    "/privacy",
    "/privacy/notice",
    "/privacy/assessment",
    "/about",
    "/account",
    "/settings",
    "/settings/people",
    "/settings/cameras/new",
    "/settings/cameras/entrance?saved=true",
    "/settings/cameras/night",
    *(f"/settings/{name}" for name in SECTIONS),
)


class _VisibleWords(HTMLParser):
    """Everything that is shown or read aloud."""

    ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "label")

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "code") or (tag != "html" and attributes.get("lang") == "en"):
            self._silent += 1
            self._until = tag
        if self._silent:
            return
        for name, value in attributes.items():
            is_text = name.startswith("data-") and (" " in value or value[:1].isupper())
            if is_text or name in self.ATTRIBUTES:
                self.texts.append(value)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._until:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def words_of(html: str) -> set[str]:
    """What a user sees or a screen reader reads on a page, word by word."""
    parser = _VisibleWords()
    parser.feed(html)
    return _split(" ".join(parser.texts))


def _split(text: str) -> set[str]:
    text = re.sub(r"https?://\S+|\{[a-z_]+\}|[a-z]+(\.[a-z_*]+)+", " ", text)
    return {each.lower() for each in re.findall(r"[^\W\d_]{3,}", text)}


@cache
def english_words(language: str) -> set[str]:
    """Words of the source that do not occur in the language's catalogue."""
    with (catalogues.LOCALES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    english = " ".join(str(message.id) for message in catalogue if message.id)
    english += " debug info warning error viewer manager tcp udp paused running waiting slowed"
    translated = " ".join(str(message.string) for message in catalogue if message.id)
    return _split(english) - _split(translated) - OF_NO_LANGUAGE


@pytest.fixture
def german(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeMonitor]:
    """A fake monitor without English names in its settings, with all that can be shown."""
    monitor = FakeMonitor(tmp_path_factory.mktemp("haus"), GERMAN_SETTINGS)
    refused = sentences(
        Translatable(
            "{name} cannot be opened ({words}).",
            name="rtsp://10.0.0.14",
            words=Translatable("connection timed out"),
        ),
        "Check the address, its password and the network.",
    )
    monitor.health("yard", CameraState.WAITING, reason=refused, restarts=4)
    monitor.health("night", CameraState.PAUSED, tick=0.0)
    monitor.health(
        "window", moments_per_second=16.4, tick=0.06, latency=1.25, dropped=1284, damaged=3
    )
    monitor.health("entrance")
    monitor.publish_observation(
        "entrance", face("a", 0.2, "unknown", speaking=True), face("b", 0.6, "neutral")
    )
    now = time.time()
    monitor.store.stored_alerts = [
        alert(now - 500, 0.46, active=True),
        alert(now - 86000, 0.3, active=False),
        alert(now - 88000, 0.525, active=True),
    ]
    for each in monitor.store.stored_alerts:
        object.__setattr__(each, "name", "Saure Stimmung")
    yield monitor
    monitor.stop()


def get_page(monitor: FakeMonitor, path: str, language: str = "de") -> str:
    answer = monitor.request("GET", path, headers={"Cookie": f"sentistream-language={language}"})
    assert answer.status_code == 200, path
    return answer.text


def left_over(html: str, language: str = "de") -> set[str]:
    return words_of(html) & english_words(language)


def test_words_searched_for_are_english() -> None:
    german, french = english_words("de"), english_words("fr")
    assert len(german) > 600 and len(french) > 600
    wanted = {"watching", "dropped", "speed", "settings", "people", "warning"}
    assert wanted <= german & french
    assert {"kamera", "minuten", "neutral", "system", "server"}.isdisjoint(german)
    assert {"minutes", "direct", "session", "images"}.isdisjoint(french)


def test_english_words_would_be_detected(german: FakeMonitor) -> None:
    for path in PAGES:
        if not path.startswith("/privacy/"):
            assert words_of(german.request("GET", path).text) & english_words("de"), path


@pytest.mark.parametrize("language", ["de", "fr"])
def test_pages_contain_no_english(german: FakeMonitor, language: str) -> None:
    # the documents quote the law and are written in English and German
    pages = [path for path in PAGES if language == "de" or not path.startswith("/privacy/")]
    found = {
        path: left
        for path in pages
        if (left := left_over(get_page(german, path, language), language))
    }
    assert found == {}


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_camera_state_is_translated(german: FakeMonitor, language: str) -> None:
    for state in CameraState:
        for reason in (
            "",
            "The demo clip is being drawn.",
            "Its worker hung and was killed.",
        ):
            german.health("yard", state, reason=reason, tick=0.05, restarts=1)
            for path in ("/", "/live"):
                remaining = left_over(get_page(german, path, language), language)
                assert remaining == set(), (path, state, reason)


def test_form_errors_are_in_german(german: FakeMonitor) -> None:
    wrong = {
        "/settings/server": [("port", "x"), ("session_hours", "0"), ("login_attempts", "1.5")],
        "/settings/privacy": [("smallest_group", "999"), ("purpose", "x" * 501)],
        "/settings/mqtt": [("topic", "#"), ("every", ""), ("host", "anderer.lan")],
        "/settings/webhooks": [("webhooks.0.url", "nichts"), ("webhooks.0.events", "nichts")],
        "/settings/cameras/night": [("hours.0.begin", "25:99"), ("hours.0.days", "nie")],
        "/settings/cameras/new": [("source", ""), ("name", "")],
    }
    for path, fields in wrong.items():
        for name, value in fields:
            form = [pair for pair in form_of(german, path) if pair[0] != name]
            answer = send(german, path, [*form, (name, value)], "de")
            assert answer.status_code in (409, 422, 303), (path, name)
            assert left_over(answer.text) == set(), (path, name)
    rule = send(german, "/alerts/save", [("name", ""), ("limit", "x"), ("minutes", "0")], "de")
    assert rule.status_code == 422 and left_over(rule.text) == set()
    assert left_over(send(german, "/settings/cameras/weg", [("name", "x")], "de").text) == set()
    german.configuration.path = Path("/dev/null/x.yaml")
    form = [pair for pair in form_of(german, "/settings/privacy") if pair[0] != "smallest_group"]
    lost = send(german, "/settings/privacy", [*form, ("smallest_group", "9")], "de")
    assert "ist nicht zu schreiben" in lost.text and left_over(lost.text) == set()


def test_viewer_pages_and_database_errors_are_in_german(german: FakeMonitor) -> None:
    german.user = User("vera", Role.VIEWER)
    for path in ("/", "/live", "/history", "/alerts", "/account"):
        assert left_over(get_page(german, path)) == set(), path
    refused = german.request("GET", "/settings", headers={"Cookie": "sentistream-language=de"})
    assert refused.status_code == 403 and left_over(refused.text) == set()
    german.store.broken = True
    for path in ("/", "/live", "/history", "/history?by=pattern", "/alerts"):
        answer = german.request("GET", path, headers={"Cookie": "sentistream-language=de"})
        assert left_over(answer.text) == set(), path


def test_parquet_is_offered_or_its_installation_explained(
    german: FakeMonitor, request: pytest.FixtureRequest
) -> None:
    path, command = "/history?day=2026-11-20", "pip install &#39;sentistream[parquet]&#39;"
    offered = get_page(german, path)
    assert "/api/export/hour.parquet?" in offered and command not in offered
    assert "&amp;excel=comma" in offered
    request.getfixturevalue("without_pyarrow")
    remaining, english = get_page(german, path), german.request("GET", path).text
    for html in (remaining, english):
        assert "/api/export/hour.csv?" in html and "/api/export/hour.parquet?" not in html
        assert command in html
    assert (
        "fehlt auf dem Rechner des Monitors ein Paket" in remaining
        and left_over(remaining) == set()
    )
    assert "need one more package" in english
    assert "&amp;excel=point" in english


def test_numbers_and_times_are_german(german: FakeMonitor) -> None:
    live, alerts = get_page(german, "/live"), get_page(german, "/alerts")
    history = get_page(german, "/history?day=2026-11-20&camera=entrance")
    assert "1.284 ausgelassen" in live and "1,2 s zurück" in live
    assert re.search(r"Gute Stunde.*0,5 Minuten lang", alerts, re.DOTALL)
    assert re.search(r"52\u00a0%|53\u00a0%", alerts) and " Uhr" in alerts
    assert "Fr., 20. Nov." in history and re.search(r">\d+\u00a0% ± \d+<", history)
    for html in (live, alerts, history):
        shown = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
        text = " ".join(re.findall(r">([^<]+)<", shown))
        assert not re.search(r"\d%", text)
        assert not re.search(r"(?<![\d.])\d+\.\d{1,2}(?![\d.])", re.sub(r"sentistream.*", "", text))


def test_language_follows_the_request_headers(monitor: FakeMonitor) -> None:
    for headers, language in (
        ({"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}, "de"),
        ({"Accept-Language": "de", "Cookie": "sentistream-language=en"}, "en"),
        ({"Accept-Language": "fr"}, "fr"),
        ({"Accept-Language": "es"}, "en"),
        ({}, "en"),
    ):
        assert f'lang="{language}"' in monitor.request("GET", "/", headers=headers).text
