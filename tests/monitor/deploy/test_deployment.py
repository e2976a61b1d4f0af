"""Service and container files: parsed, checked against the command line and by systemd."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context, Group

from sentistream.cli import main
from sentistream.monitor.settings import Settings, load_settings
from sentistream.monitor.settings.settings_model import ENV_PREFIX

DEPLOY = Path(__file__).parents[3] / "deploy"
UNIT = DEPLOY / "sentistream-monitor.service"


def unit() -> dict[str, list[str]]:
    """Each key's values in order; of all sections, since no key occurs in two."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def container() -> dict[str, list[str]]:
    """Each instruction's arguments, with continuation lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            found.setdefault(name, []).append(rest.strip())
    return found


def compose_file() -> dict[str, Any]:
    read = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert isinstance(read, dict)
    return read


def compose() -> dict[str, Any]:
    service = compose_file()["services"]["monitor"]
    assert isinstance(service, dict)
    return service


def health_check_command() -> list[str]:
    """The health check's command."""
    _, _, command = container()["HEALTHCHECK"][0].partition("CMD ")
    parsed = json.loads(command)
    assert isinstance(parsed, list)
    return parsed


def commands() -> list[list[str]]:
    """The commands that start the program."""
    return [shlex.split(unit()["ExecStart"][0]), json.loads(container()["ENTRYPOINT"][0])]


@pytest.mark.parametrize("command", commands(), ids=["systemd", "container"])
def test_command_lines_are_valid(command: list[str]) -> None:
    program, name, *options = command
    assert Path(program).name == "sentistream"
    assert name == "monitor"
    assert isinstance(main, Group)
    if name not in main.list_commands(Context(main)):
        pytest.skip("needs the command sentistream monitor")
    offered = main.get_command(Context(main), name)
    assert offered is not None
    known = {option for parameter in offered.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


@pytest.mark.parametrize("command", commands(), ids=["systemd", "container"])
def test_settings_are_in_the_writable_folder(command: list[str]) -> None:
    config = Path(command[command.index("--config") + 1])
    state = Path(command[command.index("--state") + 1])
    assert config.parent == state
    writable = {Path("/var/lib") / unit()["StateDirectory"][0], Path(container()["VOLUME"][0])}
    assert state in writable
    # libraries that write to the working directory may do so
    assert str(state) in (unit()["WorkingDirectory"][0], container()["WORKDIR"][-1])


def test_empty_settings_file_is_sufficient(tmp_path: Path) -> None:
    touch = shlex.split(unit()["ExecStartPre"][0])
    parsed = tmp_path / "monitor.yaml"
    subprocess.run([touch[0], *touch[1:-1], str(parsed)], check=True)  # noqa: S603
    assert load_settings(parsed) == Settings()
    assert touch[-1] in unit()["ExecStart"][0]


def test_service_restarts_and_is_sandboxed() -> None:
    for name, value in {
        "Type": "notify",
        "Restart": "always",
        "StartLimitIntervalSec": "0",
        "DynamicUser": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "LimitCORE": "0",
        "MemorySwapMax": "0",
        "IPAddressDeny": "any",
        "DevicePolicy": "closed",
    }.items():
        assert unit()[name] == [value]
    assert int(unit()["WatchdogSec"][0]) >= 30
    assert {"char-video4linux rw", "char-alsa rw"} == set(unit()["DeviceAllow"])
    assert {"RestartSec", "MemoryMax", "StateDirectory", "SystemCallFilter"} <= set(unit())


def analyze(tmp_path: Path, *arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    # verify needs an existing program
    copy = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8").replace("/opt/sentistream/bin/sentistream", sys.executable)
    copy.write_text(text)
    ran = subprocess.run(  # noqa: S603
        [program, *arguments, str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    output = ran.stdout + ran.stderr
    if "Failed to" in output and ("bus" in output or "manager" in output or "option" in output):
        pytest.skip(f"needs a working systemd-analyze: {output.splitlines()[0]}")
    return output


def test_systemd_verify_accepts_the_unit(tmp_path: Path) -> None:
    output = analyze(tmp_path, "verify", "--man=no")
    assert not [line for line in output.splitlines() if UNIT.name in line]


def test_systemd_security_rates_the_unit_well(tmp_path: Path) -> None:
    output = analyze(tmp_path, "security", "--offline=yes", "--no-pager")
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", output)
    assert exposure, output
    assert float(exposure[1]) < 2.5


def test_container_is_hardened() -> None:
    parsed, service = container(), compose()
    assert parsed["USER"] == ["10001"]
    assert service["healthcheck"]["test"] == ["CMD", *health_check_command()]
    program = health_check_command()[1]
    assert f"deploy/{Path(program).name} {program}" in parsed["COPY"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["memswap_limit"] == service["mem_limit"]
    assert service["ulimits"] == {"core": 0}
    assert service["restart"] == "unless-stopped"
    target = {volume.split(":")[1] for volume in service["volumes"]}
    assert target == {parsed["VOLUME"][0]}
    (build,) = [service["build"]]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"


def test_container_port_is_bound_to_localhost() -> None:
    port = Settings().server.port
    assert compose()["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert container()["EXPOSE"] == [str(port)]
    assert health_check_command()[-1] == str(port)


def test_container_trusts_only_its_host_as_proxy() -> None:
    (network,) = compose_file()["networks"]["default"]["ipam"]["config"]
    assert compose()["environment"]["FORWARDED_ALLOW_IPS"] == network["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in compose()["ports"])


def test_container_environment_holds_known_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = dict(pair.split("=", 1) for pair in container()["ENV"][0].split())
    ours = {name: value for name, value in pairs.items() if name.startswith(ENV_PREFIX)}
    assert ours
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    assert load_settings(None).server.host == "0.0.0.0"  # noqa: S104


def test_copied_files_exist() -> None:
    for line in container()["COPY"]:
        if not line.startswith("--from"):
            for name in line.split()[:-1]:
                assert (DEPLOY.parent / name).exists(), name
    text = (DEPLOY.parent / "pyproject.toml").read_text("utf-8")
    (extras,) = re.findall(r"\.\[([a-z,]+)\]", container()["RUN"][0])
    for extra in extras.split(","):
        assert f"\n{extra} = [" in text
