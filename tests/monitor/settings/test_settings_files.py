from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from sentistream.errors import InputError, OutputError
from sentistream.monitor.configuration import Configuration
from sentistream.monitor.settings import Settings, load_settings, save_settings, settings_of

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


def with_names(settings: Settings, **names: str) -> Settings:
    cameras = {
        key: camera.model_copy(update={"name": names.get(key, camera.name)})
        for key, camera in settings.cameras.items()
    }
    return settings_of({**dict(settings), "cameras": cameras})


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(path).server.port == 9000
    monkeypatch.setenv("SENTISTREAM_MONITOR_SERVER__PORT", "9001")
    assert load_settings(path).server.port == 9001
    settings = load_settings(path, {"server": {"port": 9002}})
    assert settings.server.port == 9002
    assert settings.cameras["door"].name == "Door"


def test_what_is_saved_is_loaded_again_and_a_new_file_is_for_its_owner_alone(path: Path) -> None:
    settings = load_settings(path)
    new = path.with_name("new.yaml")
    save_settings(settings, new)
    assert load_settings(new) == settings
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert "viewer:secret" in new.read_text()


def test_a_variable_that_is_no_json_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_SERVER", "{port")
    with pytest.raises(InputError, match="not JSON"):
        load_settings(None)


def test_changes_do_not_carry_the_environment_into_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_MQTT__PASSWORD", "from outside")
    monkeypatch.setenv("SENTISTREAM_MONITOR_MQTT__HOST", "broker")
    configuration = Configuration(load_settings(path, {"server": {"port": 1234}}), path)
    heard: list[Settings] = []
    configuration.on_change(heard.append)
    configuration.change(with_names(configuration.settings, door="Front door"))
    held = yaml.safe_load(path.read_text())
    assert held == {
        "cameras": {"door": {"name": "Front door", "source": "rtsp://viewer:secret@10.0.0.2/live"}},
        "server": {"port": 9000},
    }
    assert heard == [configuration.settings]
    assert configuration.settings.server.port == 1234
    assert configuration.settings.mqtt.host == "broker"


def test_what_goes_back_to_its_default_leaves_the_file(path: Path) -> None:
    configuration = Configuration(load_settings(path), path)
    without = settings_of({**dict(configuration.settings), "cameras": {}})
    configuration.change(without)
    assert "cameras" not in yaml.safe_load(path.read_text())


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "monitor.yaml"
    configuration = Configuration(settings_of({}), path)
    before = configuration.settings
    with pytest.raises(OutputError, match="cannot be written"):
        configuration.change(settings_of({"language": "de"}))
    assert configuration.settings is before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n- b\n", "holds no settings"),
        ("a: [", "is not YAML"),
        ("language: fr\n", "language"),
        ("privacy: {smallest_group: 0}\n", "privacy.smallest_group"),
        ("alerts: [{key: a, name: A}, {key: a, name: B}]\n", "two alerts have the same key"),
        ("cameras: {a: {source: ' '}}\n", "a camera needs a source"),
        ("server: {tls_key: k.pem}\n", "belong together"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        load_settings(path)
