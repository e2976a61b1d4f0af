"""No secret of the settings is in any response, event, metric or log line."""

from __future__ import annotations

import json
import logging
import random
import string
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.sync.client import connect

from api.served_monitor import ServedMonitor, settings
from sentistream.errors import InputError
from sentistream.monitor.api.problems import LockedSettingError
from sentistream.monitor.api.secret_masks import SecretMasks
from sentistream.monitor.api.settings_api import apply_patch
from sentistream.monitor.observations import CameraHealth, CameraState
from sentistream.monitor.settings import Settings, overlay_path

SIGNS = string.ascii_letters + string.digits + "@:/?#&=%+!$.,;~-_ "


def _secret(chance: random.Random) -> str:
    return "zq" + "".join(chance.choices(SIGNS, k=chance.randint(8, 24))).replace(" ", "_") + "qz"


def _with_secrets(chance: random.Random) -> tuple[Settings, list[str]]:
    secrets = [_secret(chance) for _ in range(9)]
    plain = ["zq" + chance.randbytes(8).hex() for _ in range(12)]
    plain[7] = b64encode(f"admin:{plain[7]}".encode()).decode()
    sources = [
        f"rtsp://eye:{secrets[0]}@10.0.0.7:554/stream",
        f"rtsp://{secrets[1]}@camera.test/stream",
        f"http://camera.test/video?user=a&password={secrets[2]}",
        f"srt://camera.test:9000?passphrase={secrets[3]}",
        f"rtsp://eye:{secrets[4]}@camera.test/{'a@b' if chance.random() < 0.5 else ''}"
        f"?x={secrets[5]}",
        f"rtsp://10.0.0.8/user=admin_password={plain[3]}_channel=1_stream=0.sdp",
        f"rtsp://10.0.0.9/0/admin:{plain[4]}/main",
        f"http://camera.test/key/{plain[5]}/snap.jpg",
        f"http://camera.test/snap.jpg?pwd={plain[6]}",
        f"http://camera.test/snap.jpg?auth={plain[7]}",
        f"http://camera.test/live#access_token={plain[8]}",
        f"rtsp://us:{plain[9]}:p@ss/w@camera.test/",
    ]
    values: dict[str, Any] = {
        "cameras": {f"cam{n}": {"source": source} for n, source in enumerate(sources)},
        "mqtt": {"host": "broker.test", "username": "mo", "password": secrets[6]},
        "webhooks": [
            {"url": f"https://hooks.test/services/{plain[0]}", "secret": secrets[7]},
            {"url": f"https://user:{plain[1]}@hooks.test/in?token={plain[2]}"},
        ],
        "email": {
            "host": "127.0.0.1",
            "port": 1,
            "username": "mo@mail.test",
            "password": secrets[8],
            "recipients": ["o@mail.test"],
        },
        "ntfy": [{"server": "http://127.0.0.1:1", "topic": plain[10], "token": plain[11]}],
        "storage": {"url": f"postgresql://mo:{plain[0]}{plain[1]}@db.test/mood"},
        "server": {"requests_a_minute": 100_000, "login_attempts": 100},
    }
    return Settings.model_validate(values), secrets + plain


@pytest.mark.parametrize("seed", range(40))
def test_masks_hide_and_restore_secrets(seed: int) -> None:
    custom_settings, secrets = _with_secrets(random.Random(seed))  # noqa: S311
    masks = SecretMasks(custom_settings)
    shown = json.dumps(masks.shown)
    for secret in secrets:
        assert secret not in shown
        # nor a recognizable part of it
        for part in secret.replace("@", " ").replace("/", " ").replace("?", " ").split():
            assert len(part) < 6 or part not in shown, (part, shown)
        assert secret not in masks.redact(f"cannot open {secret}: refused")
    assert apply_patch(custom_settings, {}) == custom_settings
    assert apply_patch(custom_settings, masks.shown) == custom_settings
    assert apply_patch(custom_settings, json.loads(shown)) == custom_settings


def test_masks_follow_what_they_belong_to() -> None:
    custom_settings, _ = _with_secrets(random.Random(7))  # noqa: S311
    shown = SecretMasks(custom_settings).shown
    cameras = shown["cameras"]
    # a camera under another key, webhooks in another order
    new = apply_patch(
        custom_settings,
        {
            "cameras": {"cam0": None, "porch": cameras["cam0"] | {"name": "Porch"}},
            "webhooks": shown["webhooks"][::-1],
        },
    )
    assert new.cameras["porch"].source == custom_settings.cameras["cam0"].source
    assert "cam0" not in new.cameras
    assert new.webhooks == custom_settings.webhooks[::-1]


@pytest.mark.parametrize(
    "patch",
    [
        {"cameras": {"cam0": {"source": "rtsp://***@10.0.0.7:554/other"}}},
        {
            "cameras": {
                "new": {"source": "rtsp://***@10.0.0.7:554/stream [masked 0123456789abcdef]"}
            }
        },
        {"mqtt": {"password": "**********"}},
        {"webhooks": [{"url": "https://hooks.test/ [masked 0123456789abcdef]"}]},
    ],
)
def test_forged_masks_are_refused(patch: dict[str, Any]) -> None:
    custom_settings, _ = _with_secrets(random.Random(7))  # noqa: S311
    with pytest.raises(InputError, match="masked"):
        apply_patch(custom_settings, patch)


def test_mask_is_invalid_in_another_field() -> None:
    custom_settings, _ = _with_secrets(random.Random(7))  # noqa: S311
    shown = SecretMasks(custom_settings).shown
    with pytest.raises(InputError):
        apply_patch(custom_settings, {"mqtt": {"password": shown["storage"]["url"]}})
    # nor does a visible field reveal it
    new = apply_patch(custom_settings, {"privacy": {"purpose": shown["mqtt"]["password"]}})
    assert new.privacy.purpose == shown["mqtt"]["password"]


@pytest.mark.parametrize(
    ("patch", "secret"),
    [
        ({"email": {"host": "evil.test"}}, "email.password"),
        ({"email": {"port": 2525}}, "email.password"),
        ({"ntfy": "moved"}, "ntfy.0.token"),
    ],
)
def test_secrets_do_not_move_to_other_servers(patch: dict[str, Any], secret: str) -> None:
    custom_settings, _ = _with_secrets(random.Random(7))  # noqa: S311
    if "ntfy" in patch:
        patch = {
            "ntfy": [
                SecretMasks(custom_settings).shown["ntfy"][0] | {"server": "https://evil.test"}
            ]
        }
    with pytest.raises(InputError, match=f"{secret} must be sent again"):
        apply_patch(custom_settings, patch)


def test_password_file_is_bound_to_its_mail_server() -> None:
    email = {
        "host": "mail.test",
        "username": "mo@mail.test",
        "password_file": "/run/secrets/mail",
        "recipients": ["o@mail.test"],
    }
    with pytest.raises(InputError, match="password file was named for"):
        apply_patch(settings(email=email), {"email": {"host": "evil.test"}})
    with pytest.raises(LockedSettingError):
        apply_patch(settings(email=email), {"email": {"password_file": "/etc/shadow"}})


def test_broker_does_not_move_with_its_password() -> None:
    custom_settings, _ = _with_secrets(random.Random(7))  # noqa: S311
    for moved in ({"host": "evil.test"}, {"port": 1884}):
        with pytest.raises(InputError, match="password must be sent again"):
            apply_patch(custom_settings, {"mqtt": moved})
    new = apply_patch(custom_settings, {"mqtt": {"host": "other.test", "password": "a new one"}})
    assert new.mqtt.password.get_secret_value() == "a new one"
    assert apply_patch(custom_settings, {"mqtt": None}).mqtt.host == ""


@pytest.mark.parametrize(
    ("group", "field", "value"),
    [
        ("server", "host", "0.0.0.0"),  # noqa: S104
        ("server", "port", 1),
        ("server", "public_url", "http://evil.test"),
        ("storage", "url", "sqlite:////etc/passwd"),
        ("storage", "backup_folder", "/etc"),
        ("logging", "file", "/etc/cron.d/evil"),
    ],
)
def test_files_and_ports_cannot_be_changed_by_clients(
    group: str, field: str, value: object
) -> None:
    custom_settings = settings()
    with pytest.raises(LockedSettingError):
        apply_patch(custom_settings, {group: {field: value}})
    # resetting to the default is a change, too
    if field == "backup_folder":
        with_folder = settings(storage={"backup_folder": "/var/backups"})
        with pytest.raises(LockedSettingError):
            apply_patch(with_folder, {"storage": {"backup_folder": None}})


def test_certificates_cannot_be_changed_by_clients() -> None:
    with pytest.raises(LockedSettingError):
        apply_patch(settings(), {"server": {"tls_certificate": "/a.pem", "tls_key": "/b.pem"}})


@pytest.mark.parametrize(
    "patch",
    [
        {"nonsense": 1},
        {"cameras": {"Not A Key": {"source": "0"}}},
        {"cameras": {"door": {"source": ""}}},
        {"cameras": {"door": {"pace": float("nan")}}},
        {"cameras": {"door": {"zones": [{"name": "a", "points": [[0, 0]]}]}}},
        {"privacy": {"smallest_group": 0}},
        {"cameras": []},
        {"server": "x"},
        {"webhooks": [{"url": "file:///etc/passwd"}]},
    ],
    ids=str,
)
def test_invalid_settings_are_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        apply_patch(settings(), patch)


def test_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTISTREAM_MONITOR_PROFILE", "paper")
    assert apply_patch(settings(profile="lite"), {"profile": None}).profile == "lite"


def test_metrics_reveal_no_secret(tmp_path: Path) -> None:
    custom_settings, secrets = _with_secrets(random.Random(21))  # noqa: S311
    with ServedMonitor(tmp_path, custom_settings) as served, served.browser_client() as client:
        for key, camera in custom_settings.cameras.items():
            reason = f"{camera.source.get_secret_value()} does not answer"
            health = CameraHealth(camera=key, state=CameraState.WAITING, since=0, reason=reason)
            served.bus.publish(health)
        output = client.get("/metrics").text
    for key in custom_settings.cameras:
        assert f'sentistream_camera_state{{camera="{key}",state="waiting"}} 1.0' in output
    for secret in [*secrets, "10.0.0.7", "camera.test", "db.test"]:
        assert secret not in output


def test_no_output_reveals_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(20)  # noqa: S311
    custom_settings, secrets = _with_secrets(chance)
    caplog.set_level(logging.DEBUG)
    for ours in ("httpx", "httpcore", "websockets.client"):  # the test's own logs
        monkeypatch.setattr(logging.getLogger(ours), "level", logging.WARNING)
    answers: list[str] = []
    with ExitStack() as stack:
        served = stack.enter_context(ServedMonitor(tmp_path, custom_settings))
        client = stack.enter_context(served.browser_client())
        program = stack.enter_context(served.api_client())
        token = program.headers["authorization"].removeprefix("Bearer ")
        session = client.cookies["sentistream_session"]
        socket = stack.enter_context(
            connect(
                f"ws://127.0.0.1:{served.port}/api/events",
                additional_headers={"Authorization": f"Bearer {token}"},
            )
        )
        for key, camera in custom_settings.cameras.items():
            source = camera.source.get_secret_value()
            served.bus.publish(
                CameraHealth(
                    camera=key,
                    state=CameraState.WAITING,
                    since=0,
                    reason=f"{source} does not answer; {source[7:]}: 401",
                )
            )
            answers.append(str(socket.recv(10)))
        paths = [path.replace("{camera}", "cam0") for path in served.app.openapi()["paths"]]
        answers += [client.get(path).text for path in paths]
        channels = client.get("/api/channels").json()
        assert {each["medium"] for each in channels} == {"email", "ntfy", "webhooks"}
        answers.append(json.dumps(channels))
        for each in channels[:2]:  # the others have no server that answers at once
            answers.append(client.post(f"/api/channels/{each['key']}/test").text)
            answers.append(client.post(f"/alerts/channels/{each['key']}/test").text)
        answers += [client.get(f"/settings/{name}").text for name in ("email", "ntfy", "webhooks")]
        answers.append(client.get("/alerts").text)
        shown = client.get("/api/settings").json()
        answers.append(json.dumps(shown))
        sent = [
            {},
            shown,
            {"language": "de"},
            {"cameras": {"Cam 0": {"source": secrets[0]}}},
            {"cameras": {"cam0": {"sauce": secrets[0]}}},
            {"mqtt": {"password": [secrets[6]]}},
            {"webhooks": [{"url": secrets[0], "secret": secrets[7]}]},
            {"storage": {"url": f"mysql://{secrets[1]}"}},
        ]
        answers += [client.patch("/api/settings", json=patch).text for patch in sent]
        wrong = {"name": "x", "password": secrets[0][:9]}
        answers.append(client.post("/api/users", json=wrong).text)
        answers.append(client.post("/api/users", content=secrets[0].encode()).text)
        path = served.configuration.path
        assert yaml.safe_load(overlay_path(path).read_text("utf-8")) == {"language": "de"}
        kept = yaml.safe_load(path.read_text("utf-8"))
        assert kept["mqtt"]["password"] == custom_settings.mqtt.password.get_secret_value()
        assert served.configuration.settings == custom_settings.model_copy(
            update={"language": "de"}
        )
    output = "".join(answers)
    assert "cam4" in output
    for secret in secrets:
        assert secret not in output
        assert secret not in caplog.text
    assert token not in caplog.text
    assert session not in caplog.text
    assert session not in output
