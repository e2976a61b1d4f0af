"""Settings are loaded in layers, and every error is reported in a plain sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentistream.errors import InputError
from sentistream.monitor.settings import InvalidSettingsError, load_settings, overlay_path

FILE = """\
cameras:
  door: {name: Door, source: 'rtsp://viewer:secret@10.0.0.2/live'}
server: {port: 9000}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "monitor.yaml"
    file.write_text(FILE)
    return file


def test_each_layer_overrides_the_ones_below(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(path).server.port == 9000
    overlay_path(path).write_text("server: {port: 9001}")
    assert load_settings(path).server.port == 9001
    monkeypatch.setenv("SENTISTREAM_MONITOR_SERVER__PORT", "9002")
    assert load_settings(path).server.port == 9002
    settings = load_settings(path, {"server": {"port": 9003}})
    assert settings.server.port == 9003
    assert settings.cameras["door"].name == "Door"


def test_missing_file_is_an_error_unless_optional(path: Path) -> None:
    path.unlink()
    with pytest.raises(InputError, match=r"There is no file .*monitor\.yaml"):
        load_settings(path)
    assert load_settings(path, optional=True).cameras == {}
    # changes on the page need no settings file
    overlay_path(path).write_text("language: de\nmqtt: {host: null}\n")
    assert load_settings(path, optional=True).language == "de"


def test_non_json_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_SERVER", "{port")
    with pytest.raises(InputError, match="not JSON"):
        load_settings(None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("language: xx\n", "line 1: language is not valid; allowed: `en` or `de` or `fr`."),
        (
            "# mine\nprivacy:\n  smallest_group: 0\n",
            "line 3: privacy.smallest_group is 0; allowed: whole number, ≥ 1, ≤ 100.",
        ),
        (
            "cameras:\n  a:\n    source: 0\n    paces: 2\n",
            "line 4: cameras.a.paces is not a setting; did you mean pace?",
        ),
        ("camera:\n  source: 0\n", "line 1: camera is not a setting; did you mean cameras?"),
        ("qqq: 1\n", "line 1: qqq is not a setting."),
        ("language: en\ncameras:\n  a: {name: A}\n", "line 3: cameras.a.source is missing."),
        (
            "cameras:\n  Front Door: {source: 0}\n",
            "line 2: cameras.Front Door is not a valid key: use lowercase letters, digits and "
            "inner hyphens.",
        ),
        ("mqtt: yes please\n", "line 1: mqtt must be a group of settings, each as name: value."),
        ("cameras:\n", "line 1: cameras must be a group of settings, each as name: value."),
        (
            "cameras:\n  a:\n    source: 0\n    zones:\n      - {name: b, points: [[0, 2]]}\n",
            "line 5: cameras.a.zones.0.points is not valid; allowed: list of "
            "[number 0 to 1, number 0 to 1], at least 3, at most 32.",
        ),
        (
            "alerts:\n  - {key: a, name: A}\n  - key: b\n    name: B\n    camera: '?'\n",
            "line 5: alerts.1.camera is not valid; allowed: text of lowercase letters, digits and "
            "inner hyphens (at most 40) or empty.",
        ),
        ("alerts: [{key: a, name: A}, {key: a, name: B}]\n", "Two alerts have the same key."),
        ("cameras: {a: {source: ' '}}\n", "line 1: cameras.a.source: a camera needs a source."),
        (
            "server: {tls_key: k.pem}\n",
            "line 1: server: tls_certificate and tls_key belong together.",
        ),
    ],
)
def test_error_names_its_place_and_the_allowed_values(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(text)
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(path)
    place = "" if sentence.startswith("Two") else f"{path}, "
    assert caught.value.messages == (f"{place}{sentence}",)


def test_all_errors_are_reported_at_once_with_their_layer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_PRIVACY__SMALLEST_GROUP", "0")
    overlay = overlay_path(path)
    overlay.write_text("# page\ncameras:\n  door: {pace: 1000}\n  new: {source: ''}\n")
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(path, {"server": {"port": 70_000}})
    assert set(caught.value.messages) == {
        f"{overlay}, line 3: cameras.door.pace is 1000; allowed: number, ≥ 0.1, ≤ 100.",
        f"{overlay}, line 4: cameras.new.source: a camera needs a source.",
        "The command line: server.port is 70000; allowed: whole number, ≥ 0, ≤ 65535.",
        "The environment (SENTISTREAM_MONITOR_...): privacy.smallest_group is not valid; "
        "allowed: whole number, ≥ 1, ≤ 100.",
    }


def test_misplaced_password_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text("mqtt: hunter2-made-up\nlanguage: hunter2-made-up\nwebhooks: [hunter2-made-up]")
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "holds no settings"),
        ("a: [", "is not YAML"),
        ("language: de\nprofile: lite\nlanguage: en\n", "repeats a key in line 3"),
    ],
)
def test_invalid_yaml_is_reported(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_settings(path)


def test_unreadable_settings_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_bytes(b"language: \xff\n")
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(path)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputError, match="too large"):
        load_settings(path)
    path.write_text("# nothing yet\n")
    assert load_settings(path).cameras == {}


def test_zones_alerts_and_addresses_are_validated_together(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "cameras:\n"
        "  a:\n    source: 0\n    zones:\n"
        "      - {name: b, points: [[0, 0], [1, 0], [1, 1]], masked: scheduled}\n"
        "server: {public_url: https://example.org/settings}\n"
    )
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(path)
    assert caught.value.messages == (
        f"{path}, line 5: cameras.a.zones.0.hours: hours are given exactly where masked is "
        "'scheduled'.",
        f"{path}, line 6: server: the path of public_url begins as one of the monitor's own does.",
    )
    path.write_text("cameras: {a: {source: 0}}\nalerts: [{key: k, name: K, camera: b}]\n")
    with pytest.raises(InvalidSettingsError, match="The alert k names no camera of these: b"):
        load_settings(path)


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
@pytest.mark.parametrize("in_overlay", [False, True])
def test_yaml_tags_are_refused_without_effect(path: Path, tagged: str, in_overlay: bool) -> None:
    place = path.parent / "made"
    file = overlay_path(path) if in_overlay else path
    file.write_text("mqtt:\n  host: " + tagged.replace("{place}", str(place)) + "\n", "utf-8")
    with pytest.raises(InputError, match=rf"{file.name} contains a tagged value"):
        load_settings(path)
    assert not place.exists()


def test_times_of_day_need_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "cameras: {a: {source: 0, hours: [{begin: 09:00, end: 20:00}, {end: '16:00'}]}}"
    )
    hours = load_settings(path).cameras["a"].hours
    # YAML 1.1 would read this as 20 minutes past midnight
    assert [str(each.end) for each in hours] == ["20:00:00", "16:00:00"]


def test_file_written_by_earlier_versions_keeps_its_meaning(tmp_path: Path) -> None:
    """What the page used to write into the settings file, with anchors and merged groups."""
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "cameras:\n"
        "  a: &first\n    name: A\n    source: '0'\n    pace: 2   # fast\n"
        "  b:\n    <<: *first   # as the first\n    name: B\n    pace: 3.0\n"
        "privacy:\n  smallest_group: 0x08\n"
    )
    settings = load_settings(path)
    assert (settings.cameras["b"].pace, settings.cameras["b"].name) == (3.0, "B")
    assert settings.cameras["b"].source.get_secret_value() == "0"
    assert settings.privacy.smallest_group == 8
