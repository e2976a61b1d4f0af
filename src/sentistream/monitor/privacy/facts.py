"""What the settings say about a house, in the words of its documents."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from sentistream.monitor.settings import CameraSettings, Hours, Settings
from sentistream.redaction import host_of

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
        "webhook": "program at {}",
        "database": "database at {}",
        "day": "{} day",
        "days": "{} days",
    },
    "de": {
        "missing": "noch auszufüllen",
        "always": "immer",
        "broker": "MQTT-Broker {}",
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
        name: What people call it.
        sound: Whether it is listened to.
        hours: When it watches.
        masked: Zones that are never looked at.
        scheduled: Zones that are not looked at within the hours given.
        counted: Zones that are counted by themselves.
    """

    name: str
    sound: bool
    hours: str
    masked: tuple[str, ...]
    scheduled: tuple[tuple[str, str], ...]
    counted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the documents fill in; what the settings lack is marked as missing.

    Attributes:
        controller, contact, purpose, legal_basis: As in the settings, or a mark.
        missing: How many of these four lack.
        cameras: Those that are enabled.
        sound: Whether any is listened to.
        recipients: Who receives sums beside those who log in.
    """

    controller: Markup
    contact: Markup
    purpose: Markup
    legal_basis: Markup
    missing: int
    cameras: tuple[CameraFacts, ...]
    sound: bool
    recipients: tuple[str, ...]


def facts(settings: Settings, language: str) -> Facts:
    """What the settings say, in ``en`` or ``de``."""
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
        # without cameras in the settings, the first webcam is listened to
        sound=any(camera.sound for camera in cameras) or not settings.cameras,
        recipients=tuple(_recipients(settings, language)),
    )


def duration(days: int, language: str) -> str:
    """A number of days in words."""
    return _WORDS[language]["day" if days == 1 else "days"].format(days)


def missing(language: str) -> Markup:
    """The mark of what is to be filled in by hand."""
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


def _recipients(settings: Settings, language: str) -> list[str]:
    """Hosts alone: addresses may hold secrets."""
    words = _WORDS[language]
    found = []
    if settings.mqtt.host:
        found.append(words["broker"].format(settings.mqtt.host))
    hosts = sorted({webhook.url.host or "" for webhook in settings.webhooks})
    found += [words["webhook"].format(host) for host in hosts]
    if database := settings.storage.url.get_secret_value():
        found.append(words["database"].format(host_of(database) or "?"))
    return found
