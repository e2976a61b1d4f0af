"""Files for headquarters and shops: parsed, checked against the settings; the broker is run."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from free_port import free_port
from mqtt_broker import Mosquitto, certificate
from sentistream.monitor.fleet.broker_connection import MAX_UNDER_WAY, BrokerConnection
from sentistream.monitor.fleet.join_code import BrokerAddress
from sentistream.monitor.fleet.messages import MAX_BYTES, FleetTopics
from sentistream.monitor.settings import HeadquartersSettings, load_settings
from sentistream.monitor.settings.settings_model import ENV_PREFIX
from waiting import wait_until

DEPLOY = Path(__file__).parents[3] / "deploy"
CONFIG = (DEPLOY / "headquarters" / "mosquitto.conf").read_text("utf-8")
TOPICS = FleetTopics(HeadquartersSettings().topic)


def compose(place: str) -> dict[str, Any]:
    read = yaml.safe_load((DEPLOY / place / "compose.yaml").read_text("utf-8"))
    assert isinstance(read, dict)
    return read


def test_headquarters_environment_holds_known_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = compose("headquarters")["services"]["monitor"]["environment"]
    ours = {name: value for name, value in variables.items() if name.startswith(ENV_PREFIX)}
    for name, value in ours.items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:\?\}", "filled", value))
    settings = load_settings(None)
    assert settings.headquarters.host == "filled"
    assert settings.headquarters.username in (DEPLOY / "headquarters" / "acl").read_text()
    assert settings.headquarters.site_username == "site"
    assert "@database/" in settings.storage.url.get_secret_value()


def test_no_file_contains_a_password() -> None:
    text = (DEPLOY / "headquarters" / "compose.yaml").read_text("utf-8")
    for line in text.splitlines():
        if "PASSWORD:" in line:
            assert "${" in line, line


def test_containers_are_hardened_and_only_the_broker_is_public() -> None:
    services = compose("headquarters")["services"]
    assert set(services) == {"broker", "database", "monitor"}
    open_to_all = [
        port for service in services.values() for port in service.get("ports", [])
        if not port.startswith("127.0.0.1:")
    ]  # fmt: skip
    assert open_to_all == [f"{HeadquartersSettings().port}:{HeadquartersSettings().port}"]
    for name in ("broker", "monitor"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    for service in services.values():
        assert service["restart"] == "unless-stopped"


def test_mounted_files_exist_or_are_required() -> None:
    text = (DEPLOY / "headquarters" / "compose.yaml").read_text("utf-8")
    for source in re.findall(r"- \./([\w./]+):", text):
        if not source.startswith("certs"):
            assert (DEPLOY / "headquarters" / source).exists(), source
    monitor = compose("headquarters")["services"]["monitor"]
    build = monitor["build"]
    folder = DEPLOY / "headquarters" / build["context"]
    assert (folder / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"


def test_shop_extends_the_standard_container() -> None:
    service = compose("site")["services"]["monitor"]
    extended = service["extends"]
    path = (DEPLOY / "site" / extended["file"]).resolve()
    assert path == DEPLOY / "compose.yaml"
    base = yaml.safe_load(path.read_text("utf-8"))
    assert extended["service"] in base["services"]
    assert compose("site")["networks"] == base["networks"]
    assert compose("site")["volumes"] == base["volumes"]


def test_broker_limits_fit_the_messages() -> None:
    lines = dict(line.split(" ", 1) for line in CONFIG.splitlines() if line[:1].isalpha())
    assert int(lines["message_size_limit"]) == MAX_BYTES
    assert int(lines["max_inflight_messages"]) == MAX_UNDER_WAY
    assert lines["allow_anonymous"] == "false"


class Deployed(Mosquitto):
    """The broker with the deployed files, with their paths and port replaced."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, tls=True)
        self.kill()
        passwords = folder / "passwords"
        for flag, user in ((["-c"], "headquarters"), ([], "site")):
            command = ["mosquitto_passwd", "-b", *flag, str(passwords), user, f"{user}-word"]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        self.port = free_port()
        text = CONFIG.replace("listener 8883", f"listener {self.port} 127.0.0.1\nuser root")
        for place, here in (
            ("/mosquitto/certs/server.pem", certificate(folder)),
            ("/mosquitto/certs/server.key", folder / "key.pem"),
            ("/run/mosquitto/passwords", passwords),
            ("/mosquitto/config/acl", DEPLOY / "headquarters" / "acl"),
            ("/mosquitto/data/", f"{folder}/"),
        ):
            assert place in text
            text = text.replace(place, str(here))
        self._config.write_text(text)
        self.start()


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    broker = Deployed(tmp_path)
    yield broker
    broker.kill()


def client(
    broker: Deployed, user: str, name: str, topics: list[str], topics_received: list[str]
) -> Any:
    address = BrokerAddress(
        host="127.0.0.1",
        port=broker.port,
        ca=broker.certificate.read_text(),
        username=user,
        password=f"{user}-word",
    )
    return BrokerConnection(
        address,
        client_id=name,
        subscriptions=topics,
        on_message=lambda topic, _: topics_received.append(topic),
    )


def test_sites_cannot_read_other_sites_reports(deployed: Deployed) -> None:
    received: dict[str, list[str]] = {"headquarters": [], "site": [], "nosy": []}
    headquarters = client(deployed, "headquarters", "hq", [TOPICS.all_up], received["headquarters"])
    site = client(deployed, "site", "north", [TOPICS.down("north")], received["site"])
    nosy = client(deployed, "site", "nosy", [TOPICS.all_up, "#"], received["nosy"])
    anonymous = client(deployed, "nobody", "stranger", [TOPICS.all_up], [])
    try:
        wait_until(lambda: headquarters.is_connected and site.is_connected, "both are connected")
        assert site.publish(TOPICS.up("north"), b"sums")
        wait_until(
            lambda: received["headquarters"] == [TOPICS.up("north")], "headquarters receives it"
        )
        assert headquarters.publish(TOPICS.down("north"), b"answer")
        wait_until(lambda: received["site"] == [TOPICS.down("north")], "the site receives it")
        time.sleep(1)
        assert TOPICS.up("north") not in received["nosy"]
        assert not anonymous.is_connected
        assert "refuses the login" in anonymous.problem
    finally:
        for each in (headquarters, site, nosy, anonymous):
            each.close()
