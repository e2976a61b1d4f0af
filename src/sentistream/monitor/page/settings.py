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
from sentistream.monitor.page.people import people_routes
from sentistream.monitor.page.saving import save
from sentistream.monitor.page.state import PageState
from sentistream.monitor.page.visitors import Manager
from sentistream.monitor.page.words import Words
from sentistream.monitor.settings import FILE_ONLY_SETTINGS, MqttSettings, Settings, overlay_path

SentForm = Annotated[Form, Depends(sent_form)]

ALONE = ("profile", "language")
"""Settings that belong to no group."""


class MovedBrokerError(Exception):
    """The broker is another one, and its password was not given again."""


@dataclass(frozen=True, slots=True)
class Section:
    """A page of settings.

    Attributes:
        name: In its address.
        group: Where it lies in the settings; empty for those of no group.
        fields: What it asks for.
        later: Whether a change counts only once the monitor is started again.
        locked: Fields that are changed in the configuration's file alone: what opens files and
            ports of the machine is for who has the machine.
    """

    name: str
    group: str
    fields: Mapping[str, FieldInfo]
    later: bool = False
    locked: frozenset[str] = frozenset()


def _sections() -> dict[str, Section]:
    made = [Section("general", "", {name: Settings.model_fields[name] for name in ALONE})]
    for name in ("privacy", "storage", "server", "mqtt", "webhooks", "logging"):
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
        for one in fields:
            one.locked = one.name in section.locked
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
            path_of_file=str(overlay_path(page.services.configuration.path)),
        )

    routes.include_router(camera_routes(page, SECTIONS))
    routes.include_router(people_routes(page, SECTIONS))

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
            held = _held(settings, section)
            values = _values(section, form, held)
            if not section.group:
                return values
            made = type(held).model_validate(values)
            if isinstance(made, MqttSettings):
                _check_broker(held, made, say)
            return {section.group: made}

        try:
            save(page, change)
        except ValidationError as error:
            held = _held(page.services.configuration.settings, section)
            values = _values(section, form, held)
            fields = form_fields(section.fields, values, group=section.group or "settings", say=say)
            origins(form, fields)
            left = blame(fields, error, say)
            return show(request, user, section, fields=fields, problems=left, status=422)
        except MovedBrokerError as error:
            held = _held(page.services.configuration.settings, section)
            fields = form_fields(
                section.fields, _values(section, form, held), group=section.group, say=say
            )
            next(one for one in fields if one.name == "password").error = str(error)
            return show(request, user, section, fields=fields, status=422)
        except SentistreamError as error:
            return show(request, user, section, problems=[say.reasons(str(error))], status=500)
        return RedirectResponse(f"/settings/{name}?saved=true", 303)

    return routes


def _values(section: Section, form: Form, held: Any) -> dict[str, Any]:
    values = values_of(section.fields, form, held)
    return values | {name: getattr(held, name) for name in section.locked}


def _check_broker(held: MqttSettings, made: MqttSettings, say: Words) -> None:
    """A kept password must not be sent to another broker than it was typed for."""
    moved = (held.host, held.port) != (made.host, made.port)
    if moved and made.host and made.password == held.password and held.password.get_secret_value():
        raise MovedBrokerError(say("form.broker_moved"))


def _held(settings: Settings, section: Section) -> Any:
    return getattr(settings, section.group) if section.group else settings
