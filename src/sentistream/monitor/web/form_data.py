"""Converts form data to settings values, and describes what is wrong with them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import HttpUrl, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from sentistream.monitor.translation import Translator
from sentistream.monitor.web import labels
from sentistream.monitor.web.form_fields import FormField, Kind, kind_of, row_model

MAX_FIELDS = 4000

Form = dict[str, list[str]]


async def read_form(request: Request) -> Form:
    """The fields of a form; none without a form.

    The body limit before the page has bounded the body.
    """
    body = await request.body()
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}


class FieldProblemError(Exception):
    """Something is wrong with one field of a form.

    Attributes:
        field: Its name.
        text: What, in the visitor's language.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field: str = field
        self.text: str = text


def first(form: Form, name: str) -> str:
    """A field's text; empty without one."""
    return form.get(name, [""])[0].strip()


def values_of(
    fields: Mapping[str, FieldInfo], form: Form, now: object, prefix: str = ""
) -> dict[str, Any]:
    """Values for a group of settings, not yet validated.

    Args:
        fields: The group's fields.
        form: What was sent.
        now: The current group; secrets that were not replaced are taken from it.
        prefix: Prefix of its fields' names.
    """
    return {
        name: _value(info, form, prefix + name, getattr(now, name, None))
        for name, info in fields.items()
    }


def _value(info: FieldInfo, form: Form, name: str, now: object) -> Any:
    kind = kind_of(info)
    if kind is Kind.SWITCH:
        return name in form
    if kind is Kind.CHOICES:
        return form.get(name, [])
    if kind is Kind.ROWS:
        return _rows(info, form, name, now)
    if kind is Kind.CHOICE and name not in form and not info.is_required():
        return info.get_default()
    text = first(form, name)
    if kind is Kind.SECRET:
        if text or f"{name}.clear" in form:
            return text
        return now if isinstance(now, SecretStr) else ""
    if kind is Kind.ADDRESS:
        return text or (now if isinstance(now, HttpUrl) else "")
    if kind is Kind.POINTS:
        return [point.split(",") for point in text.split()]
    if not text and info.default is None:
        return None
    return text


def _rows(info: FieldInfo, form: Form, name: str, now: object) -> list[dict[str, Any]]:
    held = dict(enumerate(now)) if isinstance(now, tuple) else {}
    fields = row_model(info).model_fields
    rows = []
    for number in row_numbers(form, name):
        was = first(form, f"{name}.{number}.was")
        before = held.get(int(was)) if was.isdecimal() and len(was) < 7 else None
        rows.append(values_of(fields, form, before, f"{name}.{number}."))
    return rows


def row_numbers(form: Form, name: str) -> list[int]:
    """Numbers of the rows that were sent, with gaps for removed ones."""
    pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,6}})\.")
    return sorted({int(matched[1]) for key in form if (matched := pattern.match(key))})


def origins(form: Form, fields: list[FormField]) -> None:
    """Records, after a form was sent, which previous row each of its rows was."""
    for one in fields:
        if one.kind is Kind.ROWS:
            one.origins = [
                first(form, f"{one.name}.{number}.was") for number in row_numbers(form, one.name)
            ]


def attach_errors(fields: list[FormField], error: ValidationError, tr: Translator) -> list[str]:
    """Attaches errors to their fields; returns those that belong to none."""
    known = {each.name: each for one in fields for each in one.walk()}
    left = []
    for one in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in one["loc"])
        text = problem(one, tr)
        while name and name not in known:
            name = name.rpartition(".")[0]
        if name and not known[name].error:
            known[name].error = text
        elif not name:
            left.append(text)
    return left


def problem(error: Mapping[str, Any], tr: Translator) -> str:
    """One validation error in a sentence."""
    kind: str = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "value_error":
        message = tr.translate(str(context.get("error", error["msg"])))
        return f"{message[:1].upper()}{message[1:].rstrip('.')}."
    if kind == "too_short":
        return tr.ngettext(
            "At least {n} is needed.", "At least {n} are needed.", context["min_length"]
        )
    values = {
        name: tr.compact(value) if isinstance(value, int | float) else value
        for name, value in context.items()
    }
    for name in (kind, kind.rpartition("_")[0], "other"):
        if name in labels.VALIDATION_ERRORS:
            return tr.gettext(labels.VALIDATION_ERRORS[name], **values)
    raise KeyError(kind)


def unused_key(name: str, taken: Container[str], *, otherwise: str) -> str:
    """A unique key derived from a name: letters a to z, digits and hyphens.

    Args:
        name: The display name.
        taken: Keys that are in use.
        otherwise: The key's beginning if nothing is left of the name.
    """
    key = slug(name)[:36].strip("-") or otherwise
    if key not in taken:
        return key
    return next(f"{key}-{n}" for n in range(2, 1000) if f"{key}-{n}" not in taken)


def slug(name: str) -> str:
    """A name in letters a to z, digits and hyphens; empty if nothing of it is left."""
    plain = name.lower()
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        plain = plain.replace(letter, written)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
