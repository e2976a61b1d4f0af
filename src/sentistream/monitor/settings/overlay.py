"""The overlay: a file beside the owner's YAML file that holds the changes made on the page.

The owner's file is never written. The overlay of ``monitor.yaml`` is ``monitor.changes.yaml``, a
JSON merge patch (RFC 7396) in YAML: it contains only what differs from the owner's file, and
``null`` removes what that file says. Deleting a line of it, or all of it, undoes a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from sentistream.atomic_write import atomic_write
from sentistream.errors import OutputError
from sentistream.monitor.settings.settings_fields import field_at
from sentistream.monitor.settings.settings_model import Settings
from sentistream.monitor.settings.settings_yaml import read_text, read_values, write_text
from sentistream.translatable import Translatable

_COMMENT = """\
Changes made on the monitor's page; they take precedence over {name}.
The page rewrites this file. Delete a line, or the whole file, to undo changes.
It may contain passwords: keep it readable by its owner alone."""


def overlay_path(path: Path) -> Path:
    """The overlay of a YAML file: ``shop.yaml`` has ``shop.changes.yaml`` beside it."""
    if path.suffix in (".yaml", ".yml"):
        return path.with_suffix(f".changes{path.suffix}")
    return path.with_name(f"{path.name}.changes.yaml")


def save_changes(path: Path, *, before: Settings, after: Settings) -> None:
    """Saves what changed from ``before`` to ``after`` in the overlay of a YAML file.

    What the environment or the command line set, and nobody changed, is not saved. A new overlay is
    readable by its owner alone (0600); an overlay without changes is deleted.

    Raises:
        OutputError: The overlay cannot be written; it is as it was.
        InputError: The YAML file or the overlay cannot be read.
    """
    overlay = overlay_path(path)
    owned = _values_in(path)
    saved = merge_patch(owned, applicable_changes(owned, _values_in(overlay)))
    wanted = merge_patch(saved, create_merge_patch(_plain(before), _plain(after)))
    changes = {
        name: change
        for name, change in create_merge_patch(owned, wanted).items()
        if change != {}  # a group that is back at its defaults
    }
    try:
        if changes:
            comment = _COMMENT.format(name=path.name)
            atomic_write(overlay, write_text(changes, comment), private=True)
        else:
            overlay.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            Translatable(
                "{path} cannot be written ({words}).",
                path=overlay,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None


def describe_changes(path: Path) -> list[str]:
    """The changes in a YAML file's overlay, one per line, without secrets.

    Raises:
        InputError: The overlay cannot be read.
    """
    changes = _values_in(overlay_path(path))
    applicable = dict(_leaves(applicable_changes(_values_in(path), changes)))
    return [
        f"{'.'.join(keys)}: {_shown(keys, value)}"
        + ("" if keys in applicable else f" (ignored: {path.name} has no such camera any more)")
        for keys, value in _leaves(changes)
    ]


def applicable_changes(owned: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, without those to cameras that the owner's file no longer contains."""
    cameras = changes.get("cameras")
    if not isinstance(cameras, Mapping):
        return dict(changes)
    existing = owned.get("cameras")
    kept = {
        key: change
        for key, change in cameras.items()
        if (isinstance(existing, Mapping) and key in existing)
        or (isinstance(change, Mapping) and "source" in change)
    }
    return {**changes, "cameras": kept}


def discard_changes(path: Path) -> bool:
    """Deletes a YAML file's overlay; False if there was none.

    Raises:
        OutputError: It cannot be deleted.
    """
    overlay = overlay_path(path)
    try:
        overlay.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputError(
            Translatable(
                "{path} cannot be deleted ({words}).",
                path=overlay,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None
    return True


def merge_patch(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``target`` with a JSON merge patch (RFC 7396) applied; neither is changed."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge_patch(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def create_merge_patch(source: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest JSON merge patch (RFC 7396) that turns ``source`` into ``target``."""
    patch: dict[str, Any] = {key: None for key in source if key not in target}
    for key, value in target.items():
        before = source.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if below := create_merge_patch(before, value):
                patch[key] = below
        elif key not in source or not _equal(before, value):
            patch[key] = value
    return patch


def _equal(one: Any, other: Any) -> bool:
    """Equal and of the same type: in a file, True is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _values_in(path: Path) -> dict[str, Any]:
    return read_values(path, read_text(path)) if path.exists() else {}


def _plain(settings: Settings) -> dict[str, Any]:
    """What differs from the defaults, as YAML values; every group is there, if only empty."""
    plain: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            plain[name] = _yaml_value(value.model_dump(exclude_defaults=True))
        elif isinstance(value, Mapping):
            plain[name] = {
                key: _yaml_value(group.model_dump(exclude_defaults=True))
                for key, group in value.items()
            }
    rest = settings.model_dump(exclude=set(plain), exclude_defaults=True)
    return plain | {name: _yaml_value(value) for name, value in rest.items()}


def _yaml_value(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _yaml_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_yaml_value(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, time):
        return value.isoformat("auto" if value.second or value.microsecond else "minutes")
    return str(value)


def _leaves(
    values: Mapping[str, Any], above: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found += _leaves(value, (*above, key))
        else:
            found.append(((*above, key), value))
    return found


def _shown(keys: tuple[str, ...], value: Any) -> str:
    if value is None:
        return "removed"
    if isinstance(value, list):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    if isinstance(value, Mapping):
        return "added"
    field = field_at(keys)
    if field is None or field.annotation is SecretStr:
        return "changed (kept secret)"
    return str(value).lower() if isinstance(value, bool) else str(value)
