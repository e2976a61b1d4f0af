"""Renders the privacy documents from the settings; each is one printable HTML file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sentistream import __version__
from sentistream.monitor.alerts.wording import rule_sentence
from sentistream.monitor.display_names import DisplayNames, camera_name
from sentistream.monitor.locales import SOURCE
from sentistream.monitor.privacy.privacy_measures import MEASURES
from sentistream.monitor.privacy.privacy_state import InForce, PrivacyState, hears
from sentistream.monitor.schedule_words import hours_words
from sentistream.monitor.settings import CameraSettings
from sentistream.monitor.translation import Translator, translator


def render_notice(state: PrivacyState, tr: Translator) -> str:
    """The notice for the door: who watches, why, what is measured and what is not stored.

    It covers what GDPR Art. 13 and Art. 50(3) of the EU AI Act require, as far as the settings
    contain it; the rest is marked as to be filled in.

    Args:
        state: The current state.
        tr: The translator.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("notice", state, tr)


def render_assessment(state: PrivacyState, tr: Translator) -> str:
    """A data protection impact assessment by GDPR Art. 35(7), as far as the settings contain it.

    Description, necessity, risks and measures, each with whether it is in force. What only the
    operator can judge is marked as to be filled in.

    Args:
        state: The current state.
        tr: The translator.

    Returns:
        An HTML document that needs no other file.
    """
    return _render("assessment", state, tr)


def _render(name: str, state: PrivacyState, tr: Translator) -> str:
    def say(message: str, **values: object) -> Markup:
        return Markup(escape(tr.gettext(message))).format(**values)  # noqa: S704

    def say_count(one: str, other: str, count: int, **values: object) -> Markup:
        chosen = tr.ngettext(one, other, count, **{name: f"{{{name}}}" for name in values})
        return Markup(escape(chosen)).format(**values)  # noqa: S704

    return (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(
            _=say,
            ngettext=say_count,
            settings=state.settings,
            state=state,
            facts=facts(state, tr),
            measures=[(measure, measure.standing(state, tr)) for measure in MEASURES],
            effective=_effective(state),
            missing=missing(tr),
            days=lambda count: tr.ngettext("1 day", "{n} days", count),
            language=tr.language,
            today=tr.date(time.time()),
            version=__version__,
        )
    )


def _effective(state: PrivacyState) -> dict[str, set[str]]:
    """Keys of the measures against each risk that are in force, if only in part."""
    found: dict[str, set[str]] = {}
    for measure in MEASURES:
        for risk in measure.against:
            keys = found.setdefault(risk, set())
            if measure.standing(state, translator(SOURCE)).in_force is not InForce.NO:
                keys.add(measure.key)
    return found


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sentistream.monitor.privacy"),
        autoescape=True,
        undefined=StrictUndefined,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """One camera, without its address.

    Attributes:
        name: Its display name.
        sound: Whether its sound is analyzed.
        hours: Its watching hours.
        masked_zones: Masked zones, with the hours of those that are masked at times.
        counted: Zones that are counted separately.
    """

    name: str
    sound: bool
    hours: str
    masked_zones: tuple[str, ...]
    counted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The contents of the documents; what the settings lack is marked as missing.

    Attributes:
        controller, contact, purpose, legal_basis: As in the settings, or a mark.
        missing: How many of these four are missing.
        cameras: The enabled ones.
        recipients: Who receives something besides logged-in users.
        rules: The alert rules, each in a sentence.
    """

    controller: Markup
    contact: Markup
    purpose: Markup
    legal_basis: Markup
    missing: int
    cameras: tuple[CameraFacts, ...]
    recipients: tuple[str, ...]
    rules: tuple[str, ...]


def facts(state: PrivacyState, tr: Translator) -> Facts:
    """The documents' contents."""
    privacy, names = state.settings.privacy, DisplayNames.of(state.settings)
    given = [privacy.controller, privacy.contact, privacy.purpose, privacy.legal_basis]
    controller, contact, purpose, basis = (_or_missing(text, tr) for text in given)
    return Facts(
        controller=controller,
        contact=contact,
        purpose=purpose,
        legal_basis=basis,
        missing=sum(not text.strip() for text in given),
        cameras=tuple(_camera(key, camera, tr) for key, camera in state.cameras),
        recipients=tuple(_recipients(state, tr)),
        rules=tuple(
            f"{rule.name}: {rule_sentence(rule, names, tr)}" for rule in state.settings.alerts
        ),
    )


def missing(tr: Translator) -> Markup:
    """The mark for what is to be filled in by hand."""
    return Markup('<mark class="missing">[{}]</mark>').format(tr.gettext("to be filled in"))


def _or_missing(text: str, tr: Translator) -> Markup:
    return escape(text.strip()) if text.strip() else missing(tr)


def _camera(key: str, camera: CameraSettings, tr: Translator) -> CameraFacts:
    masked = [zone.shown_name for zone in camera.zones if zone.masked == "always"]
    masked += [
        f"{zone.shown_name} ({hours_words(zone.hours, tr)})"
        for zone in camera.zones
        if zone.masked == "scheduled"
    ]
    return CameraFacts(
        name=camera_name(key, camera),
        sound=hears(camera),
        hours=hours_words(camera.hours, tr) or tr.gettext("always"),
        masked_zones=tuple(masked),
        counted=tuple(zone.shown_name for zone in camera.zones if zone.masked == "never"),
    )


def _recipients(state: PrivacyState, tr: Translator) -> list[str]:
    """Host names only: addresses may contain secrets."""
    found = [each.in_words(tr) for each in state.recipients]
    if state.tokens:
        found.append(
            tr.ngettext(
                "1 program with an API token", "{n} programs with an API token", state.tokens
            )
        )
    return found
