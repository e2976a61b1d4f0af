"""The zones of a camera as rows of a form, and the settings made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from sentistream.errors import SentistreamError
from sentistream.monitor.settings import Zone
from sentistream.monitor.translation import N_, Translator
from sentistream.monitor.web.form_data import (
    FieldProblemError,
    Form,
    first,
    problem,
    row_numbers,
    slug,
    unused_key,
)


@dataclass(slots=True)
class ZoneRow:
    """A zone in the form of the setup.

    Attributes:
        number: Its number in the form.
        title: Its display name.
        masked: As in the settings.
        points: Its corners as text.
        was: The zone's key in the settings; empty for a new one.
        error: What is wrong with it.
    """

    number: int
    title: str
    masked: str
    points: str
    was: str
    error: str = ""


def mask_choices(rows: Sequence[ZoneRow]) -> list[tuple[str, str]]:
    """The choices for a zone; a schedule only if there is one, because it is edited elsewhere."""
    found = [
        ("never", N_("Counted separately")),
        ("always", N_("Staff works here: always masked")),
    ]
    if any(row.masked == "scheduled" for row in rows):
        found.append(("scheduled", N_("Masked on its schedule")))
    return found


def rows_from_form(form: Form) -> list[ZoneRow]:
    return [
        ZoneRow(
            number,
            first(form, f"zones.{number}.title"),
            first(form, f"zones.{number}.masked") or "never",
            first(form, f"zones.{number}.points"),
            first(form, f"zones.{number}.was"),
        )
        for number in row_numbers(form, "zones")
    ]


def zones_from_rows(
    rows: Sequence[ZoneRow], held: Sequence[Zone], tr: Translator
) -> tuple[Zone, ...]:
    """Zones for the settings; existing ones keep their keys, so that their history continues."""
    taken: set[str] = set()
    known = {str(n): zone for n, zone in enumerate(held)}
    made = []
    kept = {known[row.was].name for row in rows if row.was in known}
    for row in rows:
        before = known.get(row.was)
        if not row.title:
            row.error = tr.gettext("Give this zone a name.")
        elif len(row.points.split()) < 3:
            row.error = tr.gettext("Draw this zone on the picture: it needs three corners or more.")
        if row.error:
            raise FieldProblemError(str(row.number), row.error)
        name = before.name if before is not None else _zone_key(row.title, taken | kept)
        taken.add(name)
        hours = before.hours if before is not None and row.masked == "scheduled" else ()
        try:
            made.append(
                Zone.model_validate(
                    {
                        "name": name,
                        "title": "" if row.title == name else row.title,
                        "masked": row.masked,
                        "hours": hours,
                        "points": [point.split(",") for point in row.points.split()],
                    }
                )
            )
        except ValidationError:
            row.error = tr.gettext("This zone is not valid: draw it again.")
            raise FieldProblemError(str(row.number), row.error) from None
    return tuple(made)


def _zone_key(title: str, taken: set[str]) -> str:
    return unused_key(slug(title), taken, otherwise="zone")


def row_problem(error: Exception, tr: Translator) -> str:
    if isinstance(error, SentistreamError):
        return tr.translate(error.message)
    if isinstance(error, ValidationError):
        return problem(error.errors(include_url=False, include_input=False)[0], tr)
    return str(error)
