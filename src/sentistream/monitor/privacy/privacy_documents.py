"""Renders the privacy documents from the settings; each is one printable HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sentistream import __version__
from sentistream.monitor.display_names import camera_name
from sentistream.monitor.privacy.privacy_measures import MEASURES
from sentistream.monitor.privacy.privacy_state import InForce, PrivacyState, hears
from sentistream.monitor.settings import CameraSettings, Hours

LANGUAGES = ("en", "de")
"""Quotes of the law are written for each language, not translated sentence by sentence."""


def render_notice(state: PrivacyState, language: str) -> str:
    """The notice for the door: who watches, why, what is measured and what is not stored.

    It covers what GDPR Art. 13 and Art. 50(3) of the EU AI Act ask for, as far as the settings
    contain it; the rest is marked as to be filled in.

    Args:
        state: What is so at present.
        language: ``en`` or ``de``; others get the English document.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("notice", state, language)


def render_assessment(state: PrivacyState, language: str) -> str:
    """A data protection impact assessment by GDPR Art. 35(7), as far as the settings contain it.

    Description, necessity, risks and measures, each with whether it is in force. What only the
    operator can judge is marked as to be filled in.

    Args:
        state: What is so at present.
        language: ``en`` or ``de``; others get the English document.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("assessment", state, language)


def _render(name: str, state: PrivacyState, language: str) -> str:
    if language not in LANGUAGES:
        language = "en"
    template = _environment().get_template(f"{name}.{language}.html.j2")
    return template.render(
        settings=state.settings,
        state=state,
        facts=facts(state, language),
        measures=[(measure, measure.standing(state)) for measure in MEASURES],
        effective=_effective(state),
        missing=missing(language),
        days=lambda count: duration(count, language),
        language=language,
        today=datetime.now(UTC).date().isoformat(),
        version=__version__,
    )


def _effective(state: PrivacyState) -> dict[str, set[str]]:
    """Keys of the measures against each risk that are in force, if only in part."""
    found: dict[str, set[str]] = {}
    for measure in MEASURES:
        for risk in measure.against:
            keys = found.setdefault(risk, set())
            if measure.standing(state).in_force is not InForce.NO:
                keys.add(measure.key)
    return found


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sentistream.monitor.privacy"),
        autoescape=True,
        undefined=StrictUndefined,
    )


_WEEKDAYS = {
    "en": {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
           "sun": "Sun"},
    "de": {"mon": "Mo", "tue": "Di", "wed": "Mi", "thu": "Do", "fri": "Fr", "sat": "Sa",
           "sun": "So"},
}  # fmt: skip

_WORDS = {
    "en": {
        "missing": "to be filled in",
        "always": "always",
        "broker": "MQTT broker {}",
        "mail_server": "mail server {} and those it delivers to",
        "push_server": "push service {}",
        "headquarters": "headquarters {1} by the broker {0}",
        "webhook": "program at {}",
        "database": "database at {}",
        "token": "{} program with an API token",
        "tokens": "{} programs with an API token",
        "day": "{} day",
        "days": "{} days",
    },
    "de": {
        "missing": "noch auszufüllen",
        "always": "immer",
        "broker": "MQTT-Broker {}",
        "mail_server": "Mailserver {} und die Empfänger seiner Nachrichten",
        "push_server": "Push-Dienst {}",
        "headquarters": "Zentrale {1} über den Broker {0}",
        "webhook": "Programm unter {}",
        "database": "Datenbank unter {}",
        "token": "{} Programm mit einem Zugangsschlüssel",
        "tokens": "{} Programme mit einem Zugangsschlüssel",
        "day": "{} Tag",
        "days": "{} Tage",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """One camera, without its address.

    Attributes:
        name: Its display name.
        sound: Whether its sound is analyzed.
        hours: Its watching hours.
        masked: Zones that are always masked.
        scheduled: Zones that are masked within the hours given.
        counted: Zones that are counted separately.
    """

    name: str
    sound: bool
    hours: str
    masked: tuple[str, ...]
    scheduled: tuple[tuple[str, str], ...]
    counted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The contents of the documents; what the settings lack is marked as missing.

    Attributes:
        controller, contact, purpose, legal_basis: As in the settings, or a mark.
        missing: How many of these four are missing.
        cameras: The enabled ones.
        recipients: Who receives something besides logged-in users.
    """

    controller: Markup
    contact: Markup
    purpose: Markup
    legal_basis: Markup
    missing: int
    cameras: tuple[CameraFacts, ...]
    recipients: tuple[str, ...]


def facts(state: PrivacyState, language: str) -> Facts:
    """The documents' contents, in ``en`` or ``de``."""
    privacy = state.settings.privacy
    given = [privacy.controller, privacy.contact, privacy.purpose, privacy.legal_basis]
    controller, contact, purpose, basis = (_or_missing(text, language) for text in given)
    return Facts(
        controller=controller,
        contact=contact,
        purpose=purpose,
        legal_basis=basis,
        missing=sum(not text.strip() for text in given),
        cameras=tuple(_camera(key, camera, language) for key, camera in state.cameras),
        recipients=tuple(_recipients(state, language)),
    )


def duration(days: int, language: str) -> str:
    """A number of days in words."""
    return _WORDS[language]["day" if days == 1 else "days"].format(days)


def missing(language: str) -> Markup:
    """The mark for what is to be filled in by hand."""
    return Markup('<mark class="missing">[{}]</mark>').format(_WORDS[language]["missing"])


def _or_missing(text: str, language: str) -> Markup:
    return escape(text.strip()) if text.strip() else missing(language)


def _camera(key: str, camera: CameraSettings, language: str) -> CameraFacts:
    return CameraFacts(
        name=camera_name(key, camera),
        sound=hears(camera),
        hours=_hours(camera.hours, language),
        masked=tuple(zone.shown_name for zone in camera.zones if zone.masked == "always"),
        scheduled=tuple(
            (zone.shown_name, _hours(zone.hours, language))
            for zone in camera.zones
            if zone.masked == "scheduled"
        ),
        counted=tuple(zone.shown_name for zone in camera.zones if zone.masked == "never"),
    )


def _hours(hours: tuple[Hours, ...], language: str) -> str:
    if not hours:
        return _WORDS[language]["always"]
    names = _WEEKDAYS[language]
    return "; ".join(
        f"{', '.join(names[day] for day in each.days)} {each.begin:%H:%M}-{each.end:%H:%M}"
        for each in hours
    )


def _recipients(state: PrivacyState, language: str) -> list[str]:
    """Host names only: addresses may contain secrets."""
    words = _WORDS[language]
    found = [words[each.kind].format(each.host, each.name) for each in state.recipients]
    if state.tokens:
        found.append(words["token" if state.tokens == 1 else "tokens"].format(state.tokens))
    return found
