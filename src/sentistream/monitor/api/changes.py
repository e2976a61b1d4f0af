"""Changing the settings from outside: what may be changed, and into what."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from sentistream.errors import InputError
from sentistream.monitor.api.masks import Masks
from sentistream.monitor.settings import FILE_ONLY_SETTINGS, Settings, build_settings

_LOCKED = [
    (group, field) for group, fields in FILE_ONLY_SETTINGS.items() for field in sorted(fields)
]


class LockedSettingError(InputError):
    """This setting is changed in the configuration file alone."""


def changed(settings: Settings, patch: dict[str, Any]) -> Settings:
    """Settings with a merge patch (RFC 7396) applied to what ``Masks(settings).shown`` shows.

    Args:
        settings: In force now.
        patch: What is to be different; null puts a default back, or takes a camera away. Masks
            keep their secrets.

    Raises:
        InputError: A setting is unknown, out of its bounds, or masked in a wrong place.
        LockedSettingError: It opens files or ports of the machine.
    """
    masks = Masks(settings)
    plain = masks.restored(_merged(masks.shown, patch))
    try:
        new = build_settings(plain)
    except ValidationError as error:
        raise InputError(f"The settings are not right: {_told(error)}.") from None
    for group, field in _LOCKED:
        if getattr(getattr(new, group), field) != getattr(getattr(settings, group), field):
            raise LockedSettingError(
                f"{group}.{field} is changed in the configuration file alone.",
                "Change it there and start the monitor anew.",
            )
    _check_broker(settings, new, patch)
    return new


def _check_broker(old: Settings, new: Settings, patch: dict[str, Any]) -> None:
    moved = (old.mqtt.host, old.mqtt.port) != (new.mqtt.host, new.mqtt.port)
    kept = new.mqtt.password == old.mqtt.password and old.mqtt.password.get_secret_value() != ""
    if moved and kept and new.mqtt.host:
        # or whoever points it elsewhere is sent the password
        raise InputError(
            "The broker is another one, so its password has to be given again.",
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


def _told(error: ValidationError) -> str:
    told = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in one["loc"]) or "as a whole"
        told.append(f"{where}: {one['msg'].removeprefix('Value error, ')}")
    return "; ".join(told)
