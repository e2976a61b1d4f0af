"""The settings over REST: read, described, and changed by merge patches."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import ValidationError

from sentistream.errors import InputError
from sentistream.monitor.api.auth import ServicesDep, manager
from sentistream.monitor.api.problems import LockedSettingError, documented
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.settings import (
    FILE_ONLY_SETTINGS,
    Settings,
    build_settings,
    merge_patch,
    moved_secrets,
    validation_messages,
)
from sentistream.translatable import Translatable

router: APIRouter = APIRouter(
    prefix="/api/settings", tags=["Settings"], dependencies=[Depends(manager)]
)


@router.get("", summary="All settings", responses=documented(403))
def settings(services: ServicesDep) -> dict[str, Any]:
    """Secrets are masked; for managers."""
    return SecretMasks(services.configuration.settings).shown


@router.get("/schema", summary="What can be set", responses=documented(403))
def schema() -> dict[str, Any]:
    """JSON Schema: each setting with title, description, bounds and default; for managers."""
    return Settings.model_json_schema()


@router.patch("", summary="Change settings", responses=documented(400, 403, 422))
def change(
    request: Request,
    services: ServicesDep,
    patch: Annotated[
        dict[str, Any],
        Body(description="A merge patch (RFC 7396) of what GET answers; masks keep secrets."),
    ],
) -> dict[str, Any]:
    """Applied immediately, and only to the cameras that change; for managers.

    Addresses, ports, files and the database can only be changed in the configuration file (403).
    """
    with request.app.state.settings_lock:
        new = apply_patch(services.configuration.settings, patch)
        services.configuration.change(new)
    return SecretMasks(new).shown


_LOCKED = [
    (group, field) for group, fields in FILE_ONLY_SETTINGS.items() for field in sorted(fields)
]


def apply_patch(settings: Settings, patch: dict[str, Any]) -> Settings:
    """Settings with a merge patch (RFC 7396) applied to the masked ones (``SecretMasks.shown``).

    Args:
        settings: The current settings.
        patch: The changes; null restores a default, or removes a camera. Masks keep their
            secrets.

    Raises:
        InputError: A setting is unknown, out of bounds, or masked in the wrong place.
        LockedSettingError: It opens files or ports of the machine.
    """
    masks = SecretMasks(settings)
    plain = masks.restored(merge_patch(masks.shown, patch))
    try:
        new = build_settings(plain)
    except ValidationError as error:
        raise InputError(
            Translatable(
                "The settings are not valid. {problems}",
                problems=" ".join(validation_messages(error)),
            )
        ) from None
    for group, field in _LOCKED:
        if getattr(getattr(new, group), field) != getattr(getattr(settings, group), field):
            raise LockedSettingError(
                Translatable(
                    "{group}.{field} can only be changed in the configuration file.",
                    group=group,
                    field=field,
                ),
                "Change it there and restart the monitor.",
            )
    _check_kept_secrets(settings, new)
    return new


def _check_kept_secrets(old: Settings, new: Settings) -> None:
    """A kept secret must not be redirected to another server."""
    for moved in moved_secrets(old, new):
        if moved.path == ("mqtt", "password"):
            raise InputError(
                "This is a different broker, so its password must be sent again.",
                "Send mqtt.password together with mqtt.host and mqtt.port.",
            )
        if moved.path[-1] == "password_file":
            raise InputError(
                "This is a different mail server than the password file was named for.",
                "Change both in the configuration file.",
            )
        raise InputError(
            Translatable(
                "This is a different server, so {secret} must be sent again.",
                secret=".".join(map(str, moved.path)),
            ),
            "Send it together with the server's address.",
        )
