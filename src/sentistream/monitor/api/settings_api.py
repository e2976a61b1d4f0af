"""The settings over REST: read, described, and changed by merge patches."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import ValidationError

from sentistream.errors import InputError
from sentistream.monitor.api.auth import ServicesDep, manager
from sentistream.monitor.api.problems import LockedSettingError, documented
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.settings import ONLY_IN_THE_FILE, Settings, settings_of
from sentistream.translatable import Translatable

router = APIRouter(prefix="/api/settings", tags=["Settings"], dependencies=[Depends(manager)])


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
    """In force at once, for the cameras that change alone; for managers.

    Addresses, ports, files and the database can only be changed in the configuration file (403).
    """
    with request.app.state.settings_lock:
        new = apply_patch(services.configuration.settings, patch)
        services.configuration.change(new)
    return SecretMasks(new).shown


_LOCKED = [(group, field) for group, fields in ONLY_IN_THE_FILE.items() for field in sorted(fields)]


def apply_patch(settings: Settings, patch: dict[str, Any]) -> Settings:
    """Settings with a merge patch (RFC 7396) applied to the masked ones (``SecretMasks.shown``).

    Args:
        settings: In force now.
        patch: What is to be different; null puts a default back, or takes a camera away. Masks
            keep their secrets.

    Raises:
        InputError: A setting is unknown, out of its bounds, or masked in a wrong place.
        LockedSettingError: It opens files or ports of the machine.
    """
    masks = SecretMasks(settings)
    plain = masks.restored(_merged(masks.shown, patch))
    try:
        new = settings_of(plain)
    except ValidationError as error:
        raise InputError(
            Translatable("The settings are not valid: {error}.", error=_summary(error))
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
    _check_broker(settings, new, patch)
    return new


def _check_broker(old: Settings, new: Settings, patch: dict[str, Any]) -> None:
    moved = (old.mqtt.host, old.mqtt.port) != (new.mqtt.host, new.mqtt.port)
    kept = new.mqtt.password == old.mqtt.password and old.mqtt.password.get_secret_value() != ""
    if moved and kept and new.mqtt.host:
        # or whoever points it elsewhere is sent the password
        raise InputError(
            "This is a different broker, so its password must be sent again.",
            "Send mqtt.password together with mqtt.host and mqtt.port.",
        )


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _summary(error: ValidationError) -> str:
    told = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in one["loc"]) or "as a whole"
        told.append(f"{where}: {one['msg'].removeprefix('Value error, ')}")
    return "; ".join(told)
