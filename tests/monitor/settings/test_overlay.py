"""Changes made on the page are saved in an overlay; the settings file is never written."""

from __future__ import annotations

import copy
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from full_disk import full_disk
from sentistream.errors import InputError, OutputError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.settings import (
    Settings,
    build_settings,
    describe_changes,
    discard_changes,
    load_settings,
    overlay_path,
)
from sentistream.monitor.settings.overlay import create_merge_patch, merge_patch
from sentistream.monitor.settings.settings_yaml import read_values, write_text

FILE = """\
# kept by Jörg Müller
language: "de"   # the staff speak German
cameras:
  door:
    name: 'Tür "vorn"'
    source: rtsp://viewer:secret@10.0.0.2/live
    hours: &shop
      - {days: [sat], begin: "10:00", end: 16:00}
  till:
    name: Kasse
    source: 0
    hours: *shop
    zones:
      - {name: queue, points: [[0.5, 0], [1, 0], [1, 1]]}
privacy: {smallest_group: 0x08}
alerts:
- {key: sour, name: Saure Stimmung}
- {key: sweet, name: Süß, sentiment: positive}
"""

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "monitor.yaml"
    file.write_text(FILE, "utf-8")
    return file


def change(path: Path, edit: Change) -> Any:
    """Change settings as the page does; returns the overlay's content, or None if there is none."""
    before = path.read_bytes() if path.exists() else None
    configuration = Configuration(load_settings(path, optional=True), path)
    values = configuration.settings.model_dump(mode="python")
    edit(values)
    configuration.change(build_settings(values))
    assert load_settings(path, optional=True) == configuration.settings
    assert (path.read_bytes() if path.exists() else None) == before
    overlay = overlay_path(path)
    return yaml.safe_load(overlay.read_text("utf-8")) if overlay.exists() else None


def test_only_changes_are_saved(path: Path) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["cameras"]["door"]["name"] = "Bäckerei 'Süd'"
        values["storage"]["seconds_days"] = 2

    assert change(path, edit) == {
        "cameras": {"door": {"name": "Bäckerei 'Süd'"}},
        "storage": {"seconds_days": 2},
    }
    # reverting a change removes it
    assert change(path, lambda values: values["storage"].update(seconds_days=7)) == {
        "cameras": {"door": {"name": "Bäckerei 'Süd'"}}
    }
    assert change(path, lambda v: v["cameras"]["door"].update(name='Tür "vorn"')) is None
    assert not overlay_path(path).exists()


def test_removed_camera_stays_removed_and_a_new_one_with_its_key_is_new(
    path: Path,
) -> None:
    def remove(values: dict[str, Any]) -> None:
        del values["cameras"]["till"]

    assert change(path, remove) == {"cameras": {"till": None}}

    def add(values: dict[str, Any]) -> None:
        values["cameras"]["till"] = {"name": "New till", "source": "1"}

    change(path, add)
    till = load_settings(path).cameras["till"]
    assert (till.name, till.hours, till.zones) == ("New till", (), ())


def test_file_can_add_cameras_after_the_page_removed_all(path: Path) -> None:
    assert change(path, lambda values: values.update(cameras={})) == {
        "cameras": {"door": None, "till": None}
    }
    path.write_text(FILE.replace("cameras:\n", "cameras:\n  yard: {source: 2}\n"), "utf-8")
    assert list(load_settings(path).cameras) == ["yard"]


def test_changes_to_a_camera_removed_from_the_file_are_dropped(path: Path) -> None:
    change(path, lambda values: values["cameras"]["till"].update(name="Counter", pace=2.0))
    begin, end = FILE.index("  till:"), FILE.index("privacy:")
    path.write_text(FILE[:begin] + FILE[end:], "utf-8")
    assert list(load_settings(path).cameras) == ["door"]
    ignored = " (ignored: monitor.yaml has no such camera any more)"
    assert describe_changes(path) == [
        f"cameras.till.name: Counter{ignored}",
        f"cameras.till.pace: 2.0{ignored}",
    ]
    assert change(path, lambda values: values.update(profile="paper")) == {"profile": "paper"}


def test_reset_to_default_overrides_the_file(path: Path) -> None:
    held = change(path, lambda values: values["privacy"].update(smallest_group=5))
    assert held == {"privacy": {"smallest_group": None}}
    assert load_settings(path).privacy.smallest_group == 5


def test_lists_are_saved_as_a_whole(path: Path) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["alerts"] = [*values["alerts"][1:], {"key": "new", "name": "Neu"}]

    held = change(path, edit)
    assert [rule["key"] for rule in held["alerts"]] == ["sweet", "new"]


def test_concurrent_changes_to_the_file_take_effect(path: Path) -> None:
    configuration = Configuration(load_settings(path), path)
    path.write_text(FILE.replace("name: Kasse", "name: Zweite Kasse"), "utf-8")
    new = configuration.settings.model_copy(update={"profile": "paper"})
    configuration.change(new)
    settings = load_settings(path)
    assert (settings.profile, settings.cameras["till"].name) == ("paper", "Zweite Kasse")


def test_environment_and_command_line_are_not_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_MQTT__PASSWORD", "from outside")
    monkeypatch.setenv("SENTISTREAM_MONITOR_MQTT__HOST", "broker")
    configuration = Configuration(load_settings(path, {"server": {"port": 1234}}), path)
    values = configuration.settings.model_dump(mode="python")
    values["cameras"]["door"]["name"] = "Front door"
    configuration.change(build_settings(values))
    held = yaml.safe_load(overlay_path(path).read_text("utf-8"))
    assert held == {"cameras": {"door": {"name": "Front door"}}}
    assert configuration.settings.server.port == 1234
    assert configuration.settings.mqtt.host == "broker"


def test_no_settings_file_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    assert change(path, lambda values: values.update(language="de")) == {"language": "de"}
    assert not path.exists()


def test_new_overlay_is_private_and_explains_itself(path: Path) -> None:
    path.chmod(0o644)
    change(path, lambda values: values["mqtt"].update(host="broker"))
    overlay = overlay_path(path)
    assert stat.S_IMODE(overlay.stat().st_mode) == 0o600
    assert overlay.read_text("utf-8").startswith("# Changes made on the monitor's page; they take")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("name", "overlay"),
    [
        ("shop.yaml", "shop.changes.yaml"),
        ("shop.yml", "shop.changes.yml"),
        ("shop", "shop.changes.yaml"),
        ("shop.conf", "shop.conf.changes.yaml"),
    ],
)
def test_overlay_is_beside_the_settings_file(name: str, overlay: str) -> None:
    assert overlay_path(Path("/etc") / name) == Path("/etc") / overlay


def test_full_disk_leaves_everything_unchanged(path: Path) -> None:
    change(path, lambda values: values["storage"].update(minutes_days=9))
    before = overlay_path(path).read_bytes()
    configuration = Configuration(load_settings(path), path)
    settings = configuration.settings
    with full_disk(), pytest.raises(OutputError, match=r"changes\.yaml cannot be written \(No sp"):
        configuration.change(build_settings({"language": "en"}))
    assert configuration.settings is settings
    assert overlay_path(path).read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "monitor.changes.yaml",
        "monitor.yaml",
    ]


def test_broken_file_is_not_overwritten(path: Path) -> None:
    configuration = Configuration(load_settings(path), path)
    path.write_text("cameras: [", "utf-8")
    with pytest.raises(InputError, match="is not YAML"):
        configuration.change(build_settings({"language": "en"}))
    assert not overlay_path(path).exists()


def test_changes_are_described_without_secrets_and_can_be_discarded(path: Path) -> None:
    assert describe_changes(path) == []
    assert not discard_changes(path)
    before = load_settings(path)

    def edit(values: dict[str, Any]) -> None:
        values["cameras"]["door"] |= {"source": "rtsp://a:hunter2@10.0.0.3/", "sound": False}
        del values["cameras"]["till"]
        values["mqtt"] |= {"host": "broker", "password": "hunter2"}
        values["webhooks"] = [{"url": "https://example.org/?key=hunter2", "secret": "hunter2"}]

    change(path, edit)
    assert sorted(describe_changes(path)) == [
        "cameras.door.sound: false",
        "cameras.door.source: changed (kept secret)",
        "cameras.till: removed",
        "mqtt.host: broker",
        "mqtt.password: changed (kept secret)",
        "webhooks: 1 entry",
    ]
    assert discard_changes(path)
    assert load_settings(path) == before


_KEYS = some.sampled_from(["a", "b", "ä", "key-1", "no"])
_TEXTS = some.one_of(
    some.sampled_from(["yes", "20:00", "- x", "#", "a: b", "'", '"', "", "~", "null", "*x"]),
    some.just("zwei\nZeilen"),
    some.text(max_size=4).filter(str.isprintable),
)
_LEAVES = some.one_of(some.booleans(), some.integers(-9, 9), some.floats(0, 1), _TEXTS)
_VALUES = some.recursive(
    _LEAVES | some.lists(_LEAVES, max_size=3),
    lambda inner: some.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)
_FILES = some.dictionaries(_KEYS, _VALUES, max_size=5)


@given(_FILES, _FILES)
@hypothesis_settings(deadline=None)
def test_patch_transforms_any_values_into_any_others(
    source: dict[str, Any], target: dict[str, Any]
) -> None:
    kept = copy.deepcopy(source)
    assert merge_patch(source, create_merge_patch(source, target)) == target
    assert source == kept
    assert create_merge_patch(target, target) == {}


@given(_FILES)
@hypothesis_settings(deadline=None)
def test_written_overlay_is_read_back(values: dict[str, Any]) -> None:
    assert read_values(Path("x"), write_text(values, "two\nlines")) == values


def test_identical_settings_are_not_saved(path: Path) -> None:
    configuration = Configuration(load_settings(path), path)
    notified: list[Settings] = []
    configuration.on_change(notified.append)
    configuration.change(configuration.settings)
    assert notified == [configuration.settings]
    assert not overlay_path(path).exists()
