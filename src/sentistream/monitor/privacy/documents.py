"""Renders the documents from their templates; each is one HTML file that prints well."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentistream import __version__
from sentistream.monitor.privacy.facts import duration, facts, missing
from sentistream.monitor.privacy.measures import MEASURES
from sentistream.monitor.settings import Settings

LANGUAGES = ("en", "de")
"""Quotes of the law are written for each language, not translated sentence by sentence."""


def render_notice(settings: Settings, language: str) -> str:
    """A notice to hang at the door: who watches, why, what is measured and what is not kept.

    It covers what GDPR Art. 13 and Art. 50(3) of the EU AI Act ask for, as far as the settings
    know it; what they lack is shown as to be filled in.

    Args:
        settings: The settings in force.
        language: ``en`` or ``de``; others get the English document.

    Returns:
        A whole HTML document that needs no other file.
    """
    return _render("notice", settings, language)


def render_assessment(settings: Settings, language: str) -> str:
    """A data protection impact assessment by GDPR Art. 35(7), as far as the settings know it.

    Description, necessity, risks, measures; each measure says whether it is in force. What only
    the house can judge is shown as to be filled in.

    Args:
        settings: The settings in force.
        language: ``en`` or ``de``; others get the English document.

    Returns:
        A whole HTML document that needs no other file.
    """
    return _render("assessment", settings, language)


def _render(name: str, settings: Settings, language: str) -> str:
    if language not in LANGUAGES:
        language = "en"
    template = _environment().get_template(f"{name}.{language}.html.j2")
    return template.render(
        settings=settings,
        facts=facts(settings, language),
        measures=MEASURES,
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
