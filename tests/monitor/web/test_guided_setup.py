"""The guided set-up's forms: what they save, and the errors they report."""

from __future__ import annotations

import base64

import pytest

from sentistream.monitor.accounts import Role, User
from sentistream.monitor.cameras.onvif import CameraStreams
from sentistream.monitor.cameras.trial_picture import TrialPicture
from sentistream.monitor.settings import CameraSettings, Settings
from sentistream.monitor.web import guided_setup, new_camera_form
from sentistream.monitor.web.guided_setup import STEPS, next_step
from web.fake_monitor import TOKEN, FakeMonitor

CORNERS = [[0, 0], [1, 0], [1, 1]]


def settings(monitor: FakeMonitor) -> Settings:
    return monitor.configuration.settings


@pytest.mark.parametrize(
    ("form", "field", "message"),
    [
        ({"maker": "onvif", "host": ""}, "host", "required"),
        ({"maker": "address", "host": "192.168.1.20/live"}, "host", "write rtsp://"),
        ({"maker": "address", "host": "rtsp:/192.168.1.20"}, "host", "Two slashes"),
        ({"maker": "address", "host": "/nowhere/clip.mp4"}, "host", "no such file"),
        ({"maker": "axis", "host": "192.168.1.20/live"}, "host", "Enter a host only"),
        ({"maker": "axis", "host": "192.168.1.20", "channel": "x"}, "channel", "whole number"),
        ({"maker": "axis", "host": "192.168.1.20", "name": "n" * 81}, "name", "80 characters"),
    ],
)
def test_error_is_reported_at_its_field(
    empty: FakeMonitor, form: dict[str, str], field: str, message: str
) -> None:
    headers = {"x-csrf-token": TOKEN}
    tried = empty.request("POST", "/start/camera/try", data=form, headers=headers)
    assert tried.status_code == 422
    assert tried.json()["field"] == field and message in tried.json()["problem"]
    saved = empty.request("POST", "/start/camera", data=form, headers=headers)
    assert saved.status_code == 422
    _, _, part = saved.text.partition(f'data-of="{field}"')
    assert message in part.partition("data-of=")[0]
    assert settings(empty).cameras == {}


def test_camera_page_also_rejects_an_address_without_rtsp(monitor: FakeMonitor) -> None:
    form = {"name": "Yard", "source": "10.0.0.9/live", "enabled": "on"}
    answer = monitor.request(
        "POST", "/settings/cameras/new", data=form, headers={"x-csrf-token": TOKEN}
    )
    assert answer.status_code == 422
    _, _, part = answer.text.partition('id="field-source-error"')
    assert "write rtsp://" in part[:200]


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ({"maker": "demo:"}, "demo:"),
        ({"maker": "webcam-2"}, "2"),
        (
            {"maker": "hikvision", "host": "10.0.0.4", "user": "a", "password": " p",
             "channel": "3"},
            "rtsp://a:%20p@10.0.0.4:554/Streaming/Channels/301",
        ),
        ({"maker": "address", "host": "rtsp://10.0.0.4/x", "user": "a", "password": "b@c"},
         "rtsp://a:b%40c@10.0.0.4/x"),
        # a pasted complete address counts, whatever the selected kind
        ({"maker": "onvif", "host": "rtsp://u:p@10.0.0.4/x", "user": "a"}, "rtsp://u:p@10.0.0.4/x"),
    ],
)  # fmt: skip
def test_sources_are_built_from_the_form(
    empty: FakeMonitor, form: dict[str, str], source: str
) -> None:
    answer = empty.request("POST", "/start/camera", data=form, headers={"x-csrf-token": TOKEN})
    assert answer.status_code == 303, answer.text
    (camera,) = settings(empty).cameras.values()
    assert camera.source.get_secret_value() == source


@pytest.mark.parametrize(
    ("service", "requested"),
    [
        ("http://10.0.0.4:8000/onvif/device_service", "http://10.0.0.4:8000/onvif/device_service"),
        ("http://evil.test/10.0.0.4", ""),
        ("file:///10.0.0.4", ""),
        ("", ""),
    ],
)
def test_found_camera_is_queried_at_its_own_service_address(
    empty: FakeMonitor, monkeypatch: pytest.MonkeyPatch, service: str, requested: str
) -> None:
    def find_streams(
        host: str, user: str, password: str, *, service: str, enough: int
    ) -> CameraStreams:
        assert (host, user, service, enough) == ("10.0.0.4", "a", requested, 720)
        return CameraStreams(main="rtsp://10.0.0.4/found", small="rtsp://10.0.0.4/small")

    monkeypatch.setattr(new_camera_form, "find_streams", find_streams)
    form = {"maker": "onvif", "host": "10.0.0.4", "user": "a", "service": service}
    answer = empty.request("POST", "/start/camera", data=form, headers={"x-csrf-token": TOKEN})
    assert answer.status_code == 303, answer.text
    (camera,) = empty.services.configuration.settings.cameras.values()
    assert camera.small_source.get_secret_value() == "rtsp://10.0.0.4/small"
    assert camera.stream == "auto"


def test_current_step_follows_from_the_settings() -> None:
    zone = {"name": "till", "points": CORNERS}
    values: dict[str, object] = {}
    assert next_step(Settings.model_validate(values)) == "camera"
    values["cameras"] = {"a": {"source": "0"}}
    assert next_step(Settings.model_validate(values)) == "zones"
    values["cameras"] = {"a": {"source": "0", "zones": [zone]}}
    assert next_step(Settings.model_validate(values)) == "hours"
    assert list(STEPS)[-1] == "notice"


def test_mask_schedule_is_saved(monitor: FakeMonitor) -> None:
    zone = {
        "name": "till",
        "points": CORNERS,
        "masked": "scheduled",
        "hours": [{"begin": "09:00", "end": "10:00"}],
    }
    camera = CameraSettings.model_validate({"source": "0", "zones": [zone]})
    cameras = {**settings(monitor).cameras, "a": camera}
    changed = settings(monitor).model_copy(update={"cameras": cameras})
    monitor.configuration.change(changed)
    form = {
        "zones.0.was": "0",
        "zones.0.title": "Till",
        "zones.0.masked": "scheduled",
        "zones.0.points": "0,0 1,0 1,1",
    }
    answer = monitor.request(
        "POST", "/start/zones?camera=a", data=form, headers={"x-csrf-token": TOKEN}
    )
    assert answer.status_code == 303
    (kept,) = settings(monitor).cameras["a"].zones
    assert kept.hours == camera.zones[0].hours and kept.title == "Till"


def test_only_managers_can_set_up(monitor: FakeMonitor) -> None:
    monitor.user = User("vera", Role.VIEWER)
    for step in ("", *(f"/{each}" for each in STEPS)):
        assert monitor.request("GET", f"/start{step}").status_code == 403
    answer = monitor.request("POST", "/start/camera/look", headers={"x-csrf-token": TOKEN})
    assert answer.status_code == 403


def test_trial_shows_no_picture_if_previews_are_off(
    monitor: FakeMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[bool, bool]] = []

    def take(_: object, *, preview: bool, blur: bool) -> TrialPicture:
        shown.append((preview, blur))
        jpeg = b"picture" if preview else None
        return TrialPicture(width=1, height=1, faces=1, sound=False, jpeg=jpeg)

    monkeypatch.setattr(guided_setup, "take_trial_picture", take)
    for preview in (True, False):
        privacy = settings(monitor).privacy.model_copy(update={"preview": preview})
        monitor.configuration.change(settings(monitor).model_copy(update={"privacy": privacy}))
        answer = monitor.request(
            "POST",
            "/start/camera/try",
            data={"maker": "address", "host": "rtsp://10.0.0.4/x"},
            headers={"x-csrf-token": TOKEN},
        ).json()
        expected = base64.b64encode(b"picture").decode() if preview else None
        assert answer["picture"] == expected
        assert ("turned off" in answer["message"]) is not preview
        assert "1 face was found." in answer["message"]
    assert shown == [(True, True), (False, True)]


def test_zones_per_camera_are_limited(monitor: FakeMonitor) -> None:
    form: dict[str, str] = {}
    for n in range(17):
        form |= {f"zones.{n}.title": f"Zone {n}", f"zones.{n}.points": "0,0 1,0 1,1"}
    answer = monitor.request(
        "POST", "/start/zones?camera=entrance", data=form, headers={"x-csrf-token": TOKEN}
    )
    assert answer.status_code == 422 and "At most 16." in answer.text
    assert len(settings(monitor).cameras["entrance"].zones) == 2
