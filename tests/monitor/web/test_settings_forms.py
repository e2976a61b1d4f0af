"""Settings forms: untouched values stay, errors are reported, secrets are not sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sentistream.monitor.accounts import Role, User
from sentistream.monitor.settings import load_settings, overlay_path
from sentistream.monitor.web.settings_pages import SECTIONS
from web.fake_monitor import MQTT_PASSWORD, SETTINGS, SOURCE_PASSWORD, TOKEN, FakeMonitor
from web.html_forms import changed, fields_of, form_of, send

HOOK = "https://hooks.example/services/T0/secret-path"
WITH_HOOKS = {
    **SETTINGS,
    "webhooks": [
        {"url": HOOK, "secret": "first-secret", "events": ["alert", "camera"]},
        {"url": "https://other.example/", "secret": "second-secret"},
    ],
}


@pytest.mark.parametrize("path", [f"/settings/{name}" for name in SECTIONS])
def test_saving_untouched_changes_nothing(tmp_path: Path, path: str) -> None:
    monitor = FakeMonitor(tmp_path, WITH_HOOKS)
    before = monitor.configuration.settings
    answer = send(monitor, path, form_of(monitor, path))
    assert answer.status_code == 303
    assert monitor.configuration.settings.model_dump() == before.model_dump()


@pytest.mark.parametrize("key", list(SETTINGS["cameras"]))
def test_saving_an_untouched_camera_changes_nothing(monitor: FakeMonitor, key: str) -> None:
    before = monitor.configuration.settings
    path = f"/settings/cameras/{key}"
    assert send(monitor, path, form_of(monitor, path)).status_code == 303
    assert monitor.configuration.settings.model_dump() == before.model_dump()


def test_change_is_saved_applied_and_touches_nothing_else(monitor: FakeMonitor) -> None:
    before = monitor.configuration.settings
    path = "/settings/cameras/window"
    fields = changed(form_of(monitor, path), name="Terrace", max_faces="4", sound=None)
    answer = send(monitor, path, fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?saved=true")
    after = monitor.configuration.settings
    camera = after.cameras["window"]
    assert (camera.name, camera.max_faces, camera.sound) == ("Terrace", 4, False)
    assert camera.source == before.cameras["window"].source
    assert {k: v for k, v in after.cameras.items() if k != "window"} == {
        k: v for k, v in before.cameras.items() if k != "window"
    }
    assert monitor.cameras.applied == [after]
    kept = yaml.safe_load(overlay_path(monitor.configuration.path).read_text())
    assert kept["cameras"]["window"]["name"] == "Terrace"
    assert "entrance" not in kept["cameras"]
    assert SOURCE_PASSWORD in monitor.configuration.path.read_text()


def test_no_secret_reaches_the_browser(tmp_path: Path) -> None:
    monitor = FakeMonitor(tmp_path, WITH_HOOKS)
    paths = ["/", "/history", "/alerts", "/privacy", "/settings", "/settings/people", "/account"]
    paths += [f"/settings/{name}" for name in SECTIONS]
    paths += [f"/settings/cameras/{key}" for key in SETTINGS["cameras"]]
    for path in paths:
        text = monitor.request("GET", path).text
        for secret in (SOURCE_PASSWORD, MQTT_PASSWORD, "secret-path", "first-secret", "second-"):
            assert secret not in text, path
    # nor when the form has an error
    fields = changed(form_of(monitor, "/settings/mqtt"), port="0", password="typed-again")  # noqa: S106
    text = send(monitor, "/settings/mqtt", fields).text
    assert MQTT_PASSWORD not in text and "typed-again" not in text


def test_secret_is_kept_replaced_and_removed(monitor: FakeMonitor) -> None:
    path = "/settings/mqtt"

    def password() -> str:
        return monitor.configuration.settings.mqtt.password.get_secret_value()

    assert send(monitor, path, changed(form_of(monitor, path), topic="shop")).status_code == 303
    assert (password(), monitor.configuration.settings.mqtt.topic) == (MQTT_PASSWORD, "shop")
    send(monitor, path, changed(form_of(monitor, path), password="new"))  # noqa: S106
    assert password() == "new"
    send(monitor, path, [*form_of(monitor, path), ("password.clear", "on")])
    assert password() == ""


def test_kept_password_is_not_sent_to_another_broker(monitor: FakeMonitor) -> None:
    path = "/settings/mqtt"
    fields = changed(form_of(monitor, path), host="elsewhere.example")
    answer = send(monitor, path, fields)
    assert answer.status_code == 422 and "enter its password again" in answer.text
    assert monitor.configuration.settings.mqtt.host == "broker.example"
    assert send(monitor, path, changed(fields, password="for-it")).status_code == 303  # noqa: S106
    assert monitor.configuration.settings.mqtt.host == "elsewhere.example"


def test_each_webhook_keeps_its_own_secret(tmp_path: Path) -> None:
    monitor = FakeMonitor(tmp_path, WITH_HOOKS)
    path = "/settings/webhooks"
    fields = form_of(monitor, path)
    fields = [(n, v) for n, v in fields if not n.startswith("webhooks.0.")]
    fields += [("webhooks.7.was", ""), ("webhooks.7.url", "https://third.example/")]
    refused = send(monitor, path, fields)  # a new one without a secret
    assert refused.status_code == 422 and "At least 1 is needed" in refused.text
    fields += [("webhooks.7.events", "alert")]
    assert send(monitor, path, fields).status_code == 303
    second, third = monitor.configuration.settings.webhooks
    assert second.secret.get_secret_value() == "second-secret"
    assert str(second.url) == "https://other.example/"
    assert (str(third.url), third.secret.get_secret_value()) == ("https://third.example/", "")


def test_file_paths_and_ports_cannot_be_changed_here(monitor: FakeMonitor) -> None:
    before = monitor.configuration.settings
    fields = form_of(monitor, "/settings/server")
    assert "host" not in dict(fields)
    fields += [("host", "0.0.0.0"), ("tls_key", "/etc/shadow")]  # noqa: S104
    send(monitor, "/settings/server", changed(fields, session_hours="3"))
    after = monitor.configuration.settings.server
    assert (after.host, after.tls_key, after.session_hours) == (before.server.host, None, 3)
    send(monitor, "/settings/logging", [*form_of(monitor, "/settings/logging"), ("file", "/x")])
    assert monitor.configuration.settings.logging.file is None


@pytest.mark.parametrize(
    ("path", "field", "value", "english", "german"),
    [
        ("/settings/privacy", "smallest_group", "0", "At least 1.", "Mindestens 1."),
        ("/settings/storage", "hours_days", "40000", "At most 36500.", "Höchstens 36500."),
        ("/settings/server", "login_attempts", "many", "Enter a whole number", "eine ganze Zahl"),
        ("/settings/server", "session_hours", "", "Enter a number", "eine Zahl"),
        (
            "/settings/mqtt",
            "topic",
            "a b",
            "not in the required format",
            "nicht die verlangte Form",
        ),
        (
            "/settings/cameras/window",
            "name",
            "",
            "This field is required.",
            "Dieses Feld ist erforderlich.",
        ),
        ("/settings/cameras/window", "name", "x" * 81, "At most 80", "Höchstens 80"),
        ("/settings/cameras/entrance", "zones.0.points", "0.1,0.1 0.9,0.9", "At least 3", "3"),
        ("/settings/cameras/entrance", "zones.0.points", "a b c", "number", "Zahl"),
        ("/settings/cameras/entrance", "zones.1.name", "door", "same key", "dasselbe Kürzel"),
        ("/settings/cameras/night", "hours.0.begin", "late", "time of day", "Uhrzeit"),
        (
            "/settings/cameras/night",
            "hours.0.days",
            "noday",
            "one of the options",
            "eine der Möglichkeiten",
        ),
    ],
)
def test_error_is_shown_at_its_field(
    monitor: FakeMonitor, path: str, field: str, value: str, english: str, german: str
) -> None:
    before = monitor.configuration.settings
    fields = changed(form_of(monitor, path), **{field.replace(".", "__"): value})
    for language, message in (("en", english), ("de", german)):
        answer = send(monitor, path, fields, language)
        assert answer.status_code == 422
        errors = re.findall(r'id="field-([\w-]+)-error">([^<]*)<', answer.text)
        whole = re.search(r'role="alert" tabindex="-1">(.*?)</div>', answer.text, re.DOTALL)
        assert whole is not None
        if errors:
            assert message in errors[0][1]
            assert field.replace(".", "-").startswith(errors[0][0])
        else:  # not the fault of a single field
            assert message in whole[1]
        # the typed value is still there
        assert field.endswith("days") or "same key" in english or value in answer.text
    assert monitor.configuration.settings == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/nowhere/at/all.mp4", "There is no such file on the machine of the monitor."),
        ("clip.mp4", "There is no such file"),
        ("/tmp", "This is a folder"),  # noqa: S108
        ("/dev/video987", "There is no such device"),
        ("192.168.1.20/stream1", "this is a network address: write rtsp://"),
        ("rtsp:/192.168.1.20", "two slashes follow the colon"),
        ("", "a camera needs a source"),
        ("\0", "There is no such file"),
    ],
)
@pytest.mark.parametrize("key", ["new", "window"])
def test_invalid_source_is_reported_at_its_field(
    monitor: FakeMonitor, source: str, message: str, key: str
) -> None:
    path = f"/settings/cameras/{key}"
    if key == "window" and not source:
        return  # it remains unchanged
    before = monitor.configuration.settings
    form = changed(form_of(monitor, path), name="Back door", source=source, max_faces="3")
    answer = send(monitor, path, form)
    assert answer.status_code == 422
    (error,) = re.findall(r'id="field-source-error">([^<]*)<', answer.text)
    assert message.lower() in error.lower()
    assert "See the messages next to the fields." in answer.text
    # nothing has to be typed again
    left = dict(fields_of(answer.text, path))
    assert (left["name"], left["max_faces"]) == ("Back door", "3")
    assert "\0" in source or left["source"] == source
    assert monitor.configuration.settings == before


def test_address_with_a_password_is_not_shown_again(monitor: FakeMonitor) -> None:
    path = "/settings/cameras/new"
    form = changed(form_of(monitor, path), name="", source="rtsp://ada:hunter2@10.0.0.4/live")
    answer = send(monitor, path, form)
    assert answer.status_code == 422 and "hunter2" not in answer.text


def test_missing_file_does_not_block_other_changes(tmp_path: Path, monitor: FakeMonitor) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    path = "/settings/cameras/new"
    form = changed(form_of(monitor, path), name="Clip", source=str(clip))
    assert send(monitor, path, form).status_code == 303
    clip.unlink()
    path = "/settings/cameras/clip"
    assert send(monitor, path, changed(form_of(monitor, path), name="Film")).status_code == 303
    assert monitor.configuration.settings.cameras["clip"].name == "Film"


def test_missing_mask_hours_are_reported_at_their_field(monitor: FakeMonitor) -> None:
    path = "/settings/cameras/entrance"
    answer = send(monitor, path, changed(form_of(monitor, path), zones__0__masked="scheduled"))
    assert answer.status_code == 422
    (error,) = re.findall(r'id="field-zones-0-hours-error">([^<]*)<', answer.text)
    assert "scheduled" in error


def test_camera_is_added_and_removed(monitor: FakeMonitor) -> None:
    path = "/settings/cameras/new"
    fields = changed(form_of(monitor, path), name="Tür Süd", source="rtsp://10.0.0.9/")
    answer = send(monitor, path, fields)
    assert answer.headers["location"] == "/settings/cameras/tuer-sued?saved=true"
    assert (
        send(monitor, path, fields).headers["location"].startswith("/settings/cameras/tuer-sued-2")
    )
    assert send(monitor, "/settings/cameras/tuer-sued/remove", []).status_code == 303
    assert list(monitor.configuration.settings.cameras)[-1] == "tuer-sued-2"
    nameless = send(monitor, path, changed(fields, source=""))
    assert nameless.status_code == 422 and "A camera needs a source" in nameless.text


def test_camera_watched_by_a_rule_cannot_be_removed(monitor: FakeMonitor) -> None:
    answer = send(monitor, "/settings/cameras/entrance/remove", [])
    assert answer.status_code == 409 and "Sour mood" in answer.text
    assert "entrance" in monitor.configuration.settings.cameras


def test_rule_is_created_changed_and_removed(monitor: FakeMonitor) -> None:
    fields = form_of(monitor, "/alerts", "/alerts/save")
    fields = changed(fields, name="Quiet!", limit="12,5", minutes="3", camera="yard", zone="")
    assert send(monitor, "/alerts/save", fields).status_code == 303
    rule = monitor.configuration.settings.alerts[-1]
    assert (rule.key, rule.limit, rule.minutes, rule.camera) == ("quiet", 0.125, 3, "yard")
    fields = form_of(monitor, "/alerts?rule=quiet", "/alerts/save?rule=quiet")
    assert dict(fields)["limit"] == "12.5"
    send(monitor, "/alerts/save?rule=quiet", changed(fields, limit="50"))
    assert [each.key for each in monitor.configuration.settings.alerts] == [
        "sour",
        "bliss",
        "quiet",
    ]
    assert monitor.configuration.settings.alerts[-1].limit == 0.5
    refused = send(monitor, "/alerts/save", changed(fields, limit="150"))
    assert refused.status_code == 422 and "At most 1" in refused.text
    send(monitor, "/alerts/remove", [("rule", "quiet")])
    assert [each.key for each in monitor.configuration.settings.alerts] == ["sour", "bliss"]


def test_unwritable_settings_are_reported(monitor: FakeMonitor) -> None:
    monitor.configuration.path = monitor.configuration.path.parent / "gone" / "monitor.yaml"
    before = monitor.configuration.settings
    fields = changed(form_of(monitor, "/settings/privacy"), smallest_group="9")
    answer = send(monitor, "/settings/privacy", fields)
    assert answer.status_code == 500 and "cannot be written" in answer.text
    assert monitor.configuration.settings is before


def test_viewers_can_look_but_not_change(monitor: FakeMonitor) -> None:
    fields = form_of(monitor, "/settings/privacy")
    monitor.user = User("vera", Role.VIEWER)
    before = monitor.configuration.settings
    for path in ("/settings", "/settings/server", "/settings/cameras/yard", "/settings/people"):
        answer = monitor.request("GET", path)
        assert answer.status_code == 403 and "ask a manager" in answer.text.lower()
    for path in ("/settings/privacy", "/alerts/save", "/alerts/remove", "/live/restart/yard"):
        assert send(monitor, path, fields).status_code == 403, path
    assert monitor.configuration.settings is before and monitor.cameras.restarted == []
    for path in ("/", "/history", "/alerts", "/privacy", "/try", "/about", "/account"):
        assert monitor.request("GET", path).status_code == 200


def test_hostile_forms_are_answered(monitor: FakeMonitor) -> None:
    headers = {"X-CSRF-Token": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe", b"a=b&" * 9000, b"zones.999999.points=" + b"1,2+" * 5000, b""):
        for path in ("/settings/cameras/entrance", "/settings/webhooks", "/alerts/save"):
            answer = monitor.request("POST", path, content=body, headers=headers)
            assert answer.status_code in (303, 422), (path, body[:20])


def test_saving_keeps_the_comments_of_the_file(monitor: FakeMonitor) -> None:
    path = monitor.configuration.path
    text = path.read_text("utf-8").replace("privacy:\n", "# asked for by Jörg\nprivacy:  # mind\n")
    path.write_text(text, "utf-8")
    fields = changed(form_of(monitor, "/settings/privacy"), smallest_group="9")
    assert send(monitor, "/settings/privacy", fields).status_code == 303
    assert yaml.safe_load(overlay_path(path).read_text()) == {"privacy": {"smallest_group": 9}}
    fields = changed(form_of(monitor, "/settings/cameras/new"), name="Küche", source="1")
    assert send(monitor, "/settings/cameras/new", fields).status_code == 303
    assert path.read_text("utf-8") == text
    assert load_settings(path) == monitor.configuration.settings
