"""The settings' forms, for managers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sentistream.errors import SentistreamError
from sentistream.monitor.accounts import User
from sentistream.monitor.page.cameras import camera_routes
from sentistream.monitor.page.fields import FormField, form_fields
from sentistream.monitor.page.forms import Form, blame, origins, sent_form, values_of
from sentistream.monitor.page.saving import save
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Manager
from sentistream.monitor.settings import Settings

SentForm = Annotated[Form, Depends(sent_form)]

ALONE = ("profile", "language")
"""Settings that belong to no group."""


@dataclass(frozen=True, slots=True)
class Section:
    """A page of settings.

    Attributes:
        name: In its address.
        group: Where it lies in the settings; empty for those of no group.
        fields: What it asks for.
        later: Whether a change counts only once the monitor is started again.
    """

    name: str
    group: str
    fields: Mapping[str, FieldInfo]
    later: bool = False


def _sections() -> dict[str, Section]:
    made = [Section("general", "", {name: Settings.model_fields[name] for name in ALONE})]
    for name in ("privacy", "storage", "server", "mqtt", "webhooks", "logging"):
        info = Settings.model_fields[name]
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            later = name in ("storage", "server", "logging")
            made.append(Section(name, name, model.model_fields, later))
        else:
            made.append(Section(name, "", {name: info}))
    return {each.name: each for each in made}


SECTIONS = _sections()


def settings_routes(page: PageState) -> APIRouter:
    """The routes of the settings."""
    routes = APIRouter()

    def show(
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
            held = _held(page.services.configuration.settings, section)
            fields = form_fields(
                section.fields, dict(held), group=section.group or "settings", say=page.say(request)
            )
        return page.render(
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

    @routes.get("/settings")
    def overview(request: Request, user: Manager) -> HTMLResponse:
        return page.render(
            request,
            "settings",
            user=user,
            sections=SECTIONS,
            cameras=page.services.configuration.settings.cameras,
            path_of_file=str(page.services.configuration.path),
        )

    routes.include_router(camera_routes(page, SECTIONS))

    @routes.get("/settings/{name}")
    def section(request: Request, user: Manager, name: str, saved: bool = False) -> Response:
        if name not in SECTIONS:
            return Response(status_code=404)
        return show(request, user, SECTIONS[name], saved=saved)

    @routes.post("/settings/{name}")
    def keep(request: Request, user: Manager, form: SentForm, name: str) -> Response:
        if name not in SECTIONS:
            return Response(status_code=404)
        section, say = SECTIONS[name], page.say(request)

        def change(settings: Settings) -> dict[str, Any]:
            values = values_of(section.fields, form, _held(settings, section))
            if not section.group:
                return values
            model = type(getattr(settings, section.group))
            return {section.group: model.model_validate(values)}

        try:
            save(page, change)
        except ValidationError as error:
            held = _held(page.services.configuration.settings, section)
            values = values_of(section.fields, form, held)
            fields = form_fields(
                section.fields, values, group=section.group or "settings", say=say
            )
            origins(form, fields)
            left = blame(fields, error, say)
            return show(
                request, user, section, fields=fields, problems=left, status=422
            )
        except SentistreamError as error:
            return show(request, user, section, problems=[str(error)], status=500)
        return RedirectResponse(f"/settings/{name}?saved=true", 303)

    return routes


def _held(settings: Settings, section: Section) -> Any:
    return getattr(settings, section.group) if section.group else settings



