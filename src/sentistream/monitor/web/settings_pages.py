"""The settings pages: one form per section, and the users and account pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import Role, User
from sentistream.monitor.api.auth import CurrentManager, CurrentUser
from sentistream.monitor.settings import (
    FILE_ONLY_SETTINGS,
    Settings,
    build_settings,
    moved_secrets,
    overlay_path,
)
from sentistream.monitor.translation import Translator
from sentistream.monitor.web.form_data import Form, attach_errors, origins, read_form, values_of
from sentistream.monitor.web.form_fields import FormField, form_fields
from sentistream.monitor.web.site import Site, SiteDep

FormDep = Annotated[Form, Depends(read_form)]

UNGROUPED = ("profile", "language")
"""Settings that belong to no group."""


class MovedSecretError(Exception):
    """A server was changed, and its secret was not entered again.

    Attributes:
        field: The name of the secret's field.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Section:
    """A page of settings.

    Attributes:
        name: In its address.
        group: Its group in the settings; empty for those without a group.
        fields: Its fields.
        later: Whether a change takes effect only after a restart of the monitor.
        locked: Fields that can be changed only in the configuration file, because they open
            files and ports of the machine.
    """

    name: str
    group: str
    fields: Mapping[str, FieldInfo]
    later: bool = False
    locked: frozenset[str] = frozenset()


def _sections() -> dict[str, Section]:
    made = [Section("general", "", {name: Settings.model_fields[name] for name in UNGROUPED})]
    for name in (
        *("privacy", "storage", "server", "email", "ntfy", "webhooks", "digest", "health_alerts"),
        *("mqtt", "logging"),
    ):
        info = Settings.model_fields[name]
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            made.append(
                Section(
                    name,
                    name,
                    model.model_fields,
                    later=name in ("server", "logging"),
                    locked=FILE_ONLY_SETTINGS.get(name, frozenset()),
                )
            )
        else:
            made.append(Section(name, "", {name: info}))
    return {each.name: each for each in made}


SECTIONS = _sections()


router: APIRouter = APIRouter(include_in_schema=False)


def _show(
    site: Site,
    request: Request,
    user: User,
    section: Section,
    *,
    fields: list[FormField] | None = None,
    problems: Sequence[str] = (),
    saved: bool = False,
    status: int = 200,
) -> HTMLResponse:
    if fields is None:
        held = _held(site.services.configuration.settings, section)
        fields = form_fields(section.fields, dict(held), tr=site.translator(request))
    for one in fields:
        one.locked = one.name in section.locked
    return site.render(
        request,
        "settings_section",
        user=user,
        status=status,
        section=section,
        sections=SECTIONS,
        fields=fields,
        problems=problems,
        saved=saved,
    )


@router.get("/settings")
def overview(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    return site.render(
        request,
        "settings",
        user=user,
        sections=SECTIONS,
        cameras=site.services.configuration.settings.cameras,
        path_of_file=str(overlay_path(site.services.configuration.path)),
    )


@router.get("/settings/people")
def people(request: Request, user: CurrentManager, site: SiteDep) -> HTMLResponse:
    return site.render(request, "users", user=user, sections=SECTIONS, roles=[*Role])


@router.get("/account")
def account(request: Request, user: CurrentUser, site: SiteDep) -> HTMLResponse:
    return site.render(request, "account", user=user)


@router.get("/settings/{name}")
def section(
    request: Request, user: CurrentManager, site: SiteDep, name: str, saved: bool = False
) -> Response:
    if name not in SECTIONS:
        return Response(status_code=404)
    return _show(site, request, user, SECTIONS[name], saved=saved)


@router.post("/settings/{name}")
def keep(
    request: Request, user: CurrentManager, site: SiteDep, form: FormDep, name: str
) -> Response:
    if name not in SECTIONS:
        return Response(status_code=404)
    section, tr = SECTIONS[name], site.translator(request)

    def change(settings: Settings) -> dict[str, Any]:
        held = _held(settings, section)
        values = _values(section, form, held)
        changed = values
        if section.group:
            changed = {section.group: type(held).model_validate(values)}
        _check_kept_secrets(settings, changed, section, tr)
        return changed

    try:
        site.save(change)
    except ValidationError as error:
        held = _held(site.services.configuration.settings, section)
        values = _values(section, form, held)
        fields = form_fields(section.fields, values, tr=tr)
        origins(form, fields)
        left = attach_errors(fields, error, tr)
        return _show(site, request, user, section, fields=fields, problems=left, status=422)
    except MovedSecretError as error:
        held = _held(site.services.configuration.settings, section)
        fields = form_fields(section.fields, _values(section, form, held), tr=tr)
        origins(form, fields)
        for one in (each for field in fields for each in field.walk()):
            if one.name == error.field:
                one.error = str(error)
        return _show(site, request, user, section, fields=fields, status=422)
    except SentistreamError as error:
        return _show(
            site, request, user, section, problems=[tr.translate(error.message)], status=500
        )
    return RedirectResponse(f"/settings/{name}?saved=true", 303)


def _values(section: Section, form: Form, held: Any) -> dict[str, Any]:
    values = values_of(section.fields, form, held)
    return values | {name: getattr(held, name) for name in section.locked}


def _check_kept_secrets(
    settings: Settings, changed: Mapping[str, Any], section: Section, tr: Translator
) -> None:
    """A kept secret must not be sent to a server other than the one it was entered for."""
    kept = {name: getattr(settings, name) for name in Settings.model_fields}
    for moved in moved_secrets(settings, build_settings(kept | dict(changed))):
        path = moved.path[1:] if section.group else moved.path
        if section.name not in (moved.path[0], section.group):
            continue
        if moved.path[0] == "mqtt":
            text = tr.gettext("This is a different broker; enter its password again.")
        elif moved.path[-1] == "password_file":
            text = tr.gettext(
                "This is a different server than the file was named for; change both in the "
                "configuration file."
            )
        else:
            text = tr.gettext("This is a different server; enter this again.")
        raise MovedSecretError(".".join(map(str, path)), text)


def _held(settings: Settings, section: Section) -> Any:
    return getattr(settings, section.group) if section.group else settings
