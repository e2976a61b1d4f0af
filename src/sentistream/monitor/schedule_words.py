"""Time ranges on days of the week in words."""

from __future__ import annotations

from collections.abc import Sequence

from sentistream.monitor.settings import Hours
from sentistream.monitor.translation import N_, Translator

WEEKDAYS = {
    "mon": N_("Mon"),
    "tue": N_("Tue"),
    "wed": N_("Wed"),
    "thu": N_("Thu"),
    "fri": N_("Fri"),
    "sat": N_("Sat"),
    "sun": N_("Sun"),
}
"""Short names by their names in the settings."""


def hours_words(hours: Sequence[Hours], tr: Translator) -> str:
    """Time ranges, one after another; empty for none."""
    return "; ".join(
        tr.gettext(
            "{days} {begin} to {end}",
            days=tr.gettext("daily")
            if len(each.days) == len(WEEKDAYS)
            else ", ".join(tr.gettext(WEEKDAYS[day]) for day in each.days),
            begin=f"{each.begin:%H:%M}",
            end=f"{each.end:%H:%M}",
        )
        for each in hours
    )
