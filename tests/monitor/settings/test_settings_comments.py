"""Whoever keeps the settings' file by hand finds it again after others have changed settings."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from sentistream.errors import InputError, OutputError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.settings import load_settings, settings_of
from sentistream.monitor.settings.editing import edited
from sentistream.monitor.settings.yamltext import dump, load

FILE = """\
# Monitor of the shop, kept by Jörg Müller
# (call him before you change anything)

language: "de"   # the staff speak German
cameras:
  # the door, since 2024
  door:
    name: 'Tür "vorn"'    # so heißt sie
    source: rtsp://viewer:secret@10.0.0.2/live
    hours: &shop          # opening hours
      - days: [mon, tue, wed]
        begin: 09:00
        end: 20:00
      # Saturdays
      - {days: [sat], begin: "10:00", end: 16:00}

  # the till; 0 is the webcam
  till:
    name: Kasse
    source: 0
    hours: *shop
    zones:
      # where staff stand
      - name: staff
        points: [[0, 0], [0.50, 0], [0.5, 1.0]]
        masked: always
      # the queue
      - {name: queue, points: [[0.5, 0], [1, 0], [1, 1]]}

# --- how long things are kept ---
storage:
  seconds_days: 3   # as the works council asked
privacy:
  purpose: >
    Wir wollen wissen,
    wie es Gästen geht.
  smallest_group: 0x08
alerts:
- key: sour       # told to Anna
  name: Saure Stimmung
  limit: 0.40
  minutes: 10
# told to nobody
- key: sweet
  name: Süß
  sentiment: positive
# the end
"""

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "monitor.yaml"
    file.write_text(FILE, "utf-8")
    return file


def change(path: Path, done: Change) -> list[str]:
    """Changes settings as the page does; which lines of the file are gone (-) and new (+)."""
    before = path.read_bytes().decode()
    configuration = Configuration(load_settings(path), path)
    values = configuration.settings.model_dump(mode="python")
    done(values)
    configuration.change(settings_of(values))
    assert load_settings(path) == configuration.settings
    after = path.read_bytes().decode()
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_changed_value_changes_its_line_alone(path: Path) -> None:
    def rename(values: dict[str, Any]) -> None:
        values["cameras"]["door"]["name"] = "Bäckerei 'Süd'"
        values["storage"]["seconds_days"] = 2

    assert change(path, rename) == [
        """-     name: 'Tür "vorn"'    # so heißt sie""",
        """+     name: 'Bäckerei ''Süd'''    # so heißt sie""",
        "-   seconds_days: 3   # as the works council asked",
        "+   seconds_days: 2   # as the works council asked",
    ]


def test_a_new_camera_comes_after_the_others(path: Path) -> None:
    def add(values: dict[str, Any]) -> None:
        zone = {"name": "tuer", "points": [[0, 0], [1, 0], [1, 1]]}
        values["cameras"]["yard"] = {"name": "Höfchen", "source": "1", "zones": [zone]}

    assert change(path, add) == [
        "+   yard:",
        "+     name: Höfchen",
        "+     source: '1'",
        "+     zones:",
        "+       - name: tuer",
        "+         points: [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]",
    ]
    assert "  yard:" in path.read_text("utf-8").partition("# --- how long")[0]


def test_a_removed_camera_takes_its_comment_and_leaves_what_others_need(path: Path) -> None:
    def remove(values: dict[str, Any]) -> None:
        del values["cameras"]["door"]

    gone = change(path, remove)
    assert [line for line in gone if line[0] == "+"] == [
        "+     hours: &shop [{days: [mon, tue, wed], begin: 09:00, end: 20:00}, "
        "{days: [sat], begin: 10:00, end: 16:00}]"
    ]
    assert "-   # the door, since 2024" in gone
    assert "  # the till; 0 is the webcam\n  till:" in path.read_text("utf-8")
    assert gone[-2:] == ["-     hours: *shop", gone[-1]]


def test_hours_that_two_cameras_share_are_changed_for_one(path: Path) -> None:
    def change_hours(values: dict[str, Any]) -> None:
        values["cameras"]["door"]["hours"] = values["cameras"]["door"]["hours"][:1]

    lines = change(path, change_hours)
    assert '-       - {days: [sat], begin: "10:00", end: 16:00}' in lines
    settings = load_settings(path)
    assert len(settings.cameras["door"].hours) == 1
    assert len(settings.cameras["till"].hours) == 2


def test_entries_of_lists_are_added_changed_and_removed(path: Path) -> None:
    def alerts(values: dict[str, Any]) -> None:
        sour, sweet = values["alerts"]
        values["alerts"] = [sour, {"key": "new", "name": "Neu"}, sweet | {"limit": 0.75}]

    assert change(path, alerts) == [
        "+ - key: new",
        "+   name: Neu",
        "+   limit: 0.75",
    ]

    def without_the_first(values: dict[str, Any]) -> None:
        values["alerts"] = values["alerts"][1:]
        values["cameras"]["till"]["zones"] = values["cameras"]["till"]["zones"][1:]

    gone = change(path, without_the_first)
    assert [line for line in gone if line[0] == "+"] == []
    assert "- - key: sour       # told to Anna" in gone
    assert "-       # where staff stand" in gone and "-       # the queue" not in gone
    assert "# told to nobody\n- key: sweet" in path.read_text("utf-8")


def test_what_a_merged_group_gave_is_overruled_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "cameras:\n"
        "  a: &first\n    name: A\n    source: '0'\n    pace: 2   # fast\n"
        "  b:\n    <<: *first   # as the first\n    name: B\n"
    )

    def slow(values: dict[str, Any]) -> None:
        values["cameras"]["b"]["pace"] = 3.0

    assert change(path, slow) == ["+     pace: 3.0"]

    def slower(values: dict[str, Any]) -> None:
        values["cameras"]["a"]["name"] = "Erste"

    assert change(path, slower) == ["-     name: A", "+     name: Erste"]


def test_a_file_of_comments_and_an_empty_one_take_settings(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    for text in ("# nothing yet", ""):
        path.write_text(text)
        new = change(path, lambda values: values["privacy"].update(controller="Bäcker"))
        assert new[-2:] == ["+ privacy:", "+   controller: Bäcker"]
        assert path.read_text("utf-8").startswith(text)


def test_line_ends_permissions_and_links_stay(path: Path, tmp_path: Path) -> None:
    path.write_bytes(FILE.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    change(link, lambda values: values["storage"].update(minutes_days=9))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n")
    assert b"  minutes_days: 9\r\n" in path.read_bytes()


def test_a_failed_write_leaves_the_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        change(path, lambda values: values["storage"].update(minutes_days=9))
    assert path.read_text("utf-8") == FILE
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.mkdir [{place}]",
        "!!python/object/new:os.mkdir [{place}]",
        "!!python/name:os.mkdir",
        "!custom {a: 1}",
        "!<tag:yaml.org,2002:python/object/apply:os.mkdir> [{place}]",
    ],
)
def test_tags_make_nothing_and_are_refused(path: Path, tmp_path: Path, tagged: str) -> None:
    place = tmp_path / "made"
    configuration = Configuration(load_settings(path), path)
    path.write_text(
        FILE + "mqtt:\n  host: " + tagged.replace("{place}", str(place)) + "\n", "utf-8"
    )
    with pytest.raises(InputError, match="no plain value"):
        load_settings(path)
    with pytest.raises(InputError, match="no plain value"):
        configuration.change(settings_of({"language": "en"}))
    assert not place.exists()


def test_times_of_day_need_no_quotes_and_nothing_is_said_twice(path: Path) -> None:
    # in YAML 1.1 this would be twenty minutes past midnight
    assert str(load_settings(path).cameras["door"].hours[0].end) == "20:00:00"
    assert load_settings(path).cameras["door"].hours[1].end.hour == 16
    path.write_text("language: de\nprofile: lite\nlanguage: en\n")
    with pytest.raises(InputError, match="says something twice in line 3"):
        load_settings(path)


_KEYS = some.sampled_from(["a", "b", "ä", "key-1", "no"])
_TEXTS = some.one_of(
    some.sampled_from(
        ["yes", "20:00", "- x", "#", "a: b", "'", '"', "", "~", "*x", "zwei\nZeilen"]
    ),
    some.text(max_size=4).filter(str.isprintable),
)
_LEAVES = some.one_of(some.none(), some.booleans(), some.integers(-9, 9), some.floats(0, 1), _TEXTS)
_GROUPS = some.dictionaries(_KEYS, _LEAVES, max_size=3)
_VALUES = some.recursive(
    _LEAVES | some.lists(some.lists(some.integers(0, 9), max_size=2), max_size=3),
    lambda inner: (
        some.dictionaries(_KEYS, inner, max_size=4)
        | some.lists(_GROUPS.map(lambda each: {"key": str(each), **each}), max_size=3)
    ),
    max_leaves=12,
)
_FILES = some.dictionaries(_KEYS, _VALUES, max_size=5)


@given(_FILES, _FILES)
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_text_comes_to_hold_any_values(held: dict[str, Any], wanted: dict[str, Any]) -> None:
    text = edited("# mine\n" + dump(held), wanted)
    assert (load(text) or {}) == wanted
    assert text.startswith("# mine\n")
