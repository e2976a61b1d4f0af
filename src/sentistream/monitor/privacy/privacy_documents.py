"""Renders the privacy documents from the settings; each is one printable HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sentistream import __version__
from sentistream.monitor.privacy.privacy_measures import MEASURES
from sentistream.monitor.settings import CameraSettings, Hours, Settings
from sentistream.monitor.site_link.link_state import LinkState
from sentistream.redaction import host_of

LANGUAGES = ("en", "de")
"""Quotes of the law are written for each language, not translated sentence by sentence."""


def render_notice(settings: Settings, language: str, link: LinkState | None = None) -> str:
    """The notice for the door: who watches, why, what is measured and what is not stored.

    It covers what GDPR Art. 13 and Art. 50(3) of the EU AI Act ask for, as far as the settings
    contain it; the rest is marked as to be filled in.

    Args:
        settings: The settings in force.
        language: ``en`` or ``de``; others get the English document.
        link: The headquarters that the site reports to; None if it reports to none.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("notice", settings, language, link)


def render_assessment(settings: Settings, language: str, link: LinkState | None = None) -> str:
    """A data protection impact assessment by GDPR Art. 35(7), as far as the settings contain it.

    Description, necessity, risks and measures, each with whether it is in force. What only the
    operator can judge is marked as to be filled in.

    Args:
        settings: The settings in force.
        language: ``en`` or ``de``; others get the English document.
        link: The headquarters that the site reports to; None if it reports to none.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("assessment", settings, language, link)


def _render(name: str, settings: Settings, language: str, link: LinkState | None) -> str:
    if language not in LANGUAGES:
        language = "en"
    template = _environment().get_template(f"{name}.{language}.html.j2")
    return template.render(
        settings=settings,
        facts=facts(settings, language, link),
        measures=MEASURES,
        holds=lambda measure: measure.in_force(settings) and not (measure.alone and link),
        missing=missing(language),
        days=lambda count: duration(count, language),
        language=language,
        today=datetime.now(UTC).date().isoformat(),
        version=__version__,
    )


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
        "headquarters": "headquarters {} by the broker {}",
        "webhook": "program at {}",
        "database": "database at {}",
        "day": "{} day",
        "days": "{} days",
    },
    "de": {
        "missing": "noch auszufüllen",
        "always": "immer",
        "broker": "MQTT-Broker {}",
        "headquarters": "Zentrale {} über den Broker {}",
        "webhook": "Programm unter {}",
        "database": "Datenbank unter {}",
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
        sound: Whether the sound of any is analyzed.
        recipients: Who receives aggregates besides logged-in users.
        headquarters: The headquarters that the site reports to; empty for none.
    """

    controller: Markup
    contact: Markup
    purpose: Markup
    legal_basis: Markup
    missing: int
    cameras: tuple[CameraFacts, ...]
    sound: bool
    recipients: tuple[str, ...]
    headquarters: str = ""


def facts(settings: Settings, language: str, link: LinkState | None = None) -> Facts:
    """The documents' contents, in ``en`` or ``de``."""
    privacy = settings.privacy
    given = [privacy.controller, privacy.contact, privacy.purpose, privacy.legal_basis]
    controller, contact, purpose, basis = (_or_missing(text, language) for text in given)
    cameras = tuple(
        _camera(key, camera, language) for key, camera in settings.cameras.items() if camera.enabled
    )
    return Facts(
        controller=controller,
        contact=contact,
        purpose=purpose,
        legal_basis=basis,
        missing=sum(not text.strip() for text in given),
        cameras=cameras,
        # without cameras in the settings, the sound of the first webcam is analyzed
        sound=any(camera.sound for camera in cameras) or not settings.cameras,
        recipients=tuple(_recipients(settings, language, link)),
        headquarters="" if link is None else link.headquarters_name or link.broker.host,
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
        name=camera.name if camera.name != "Camera" else key,
        sound=camera.sound,
        hours=_hours(camera.hours, language),
        masked=tuple(zone.name for zone in camera.zones if zone.masked == "always"),
        scheduled=tuple(
            (zone.name, _hours(zone.hours, language))
            for zone in camera.zones
            if zone.masked == "scheduled"
        ),
        counted=tuple(zone.name for zone in camera.zones if zone.masked == "never"),
    )


def _hours(hours: tuple[Hours, ...], language: str) -> str:
    if not hours:
        return _WORDS[language]["always"]
    names = _WEEKDAYS[language]
    return "; ".join(
        f"{', '.join(names[day] for day in each.days)} {each.begin:%H:%M}-{each.end:%H:%M}"
        for each in hours
    )


def _recipients(settings: Settings, language: str, link: LinkState | None) -> list[str]:
    """Host names only: addresses may contain secrets."""
    words = _WORDS[language]
    found = []
    if link is not None:
        name = link.headquarters_name or "?"
        found.append(words["headquarters"].format(name, link.broker.host))
    if settings.mqtt.host:
        found.append(words["broker"].format(settings.mqtt.host))
    hosts = sorted({webhook.url.host or "" for webhook in settings.webhooks})
    found += [words["webhook"].format(host) for host in hosts]
    if database := settings.storage.url.get_secret_value():
        found.append(words["database"].format(host_of(database) or "?"))
    return found
