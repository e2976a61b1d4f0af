"""Cameras found by WS-Discovery, and their streams by ONVIF, on loopback."""

from __future__ import annotations

import pytest

from fake_onvif_camera import ENVELOPE, OnvifCamera
from sentistream.errors import InputError
from sentistream.monitor.cameras.camera_makers import MAKERS, address_of, maker_of
from sentistream.monitor.cameras.onvif import FoundCamera, discover, find_streams
from sentistream.redaction import shown_address

WRONG = "wrong"


def found(camera: OnvifCamera) -> list[FoundCamera]:
    return discover(seconds=0.5, target=("127.0.0.1", camera.probe_port))


def test_camera_is_found_once() -> None:
    with OnvifCamera().running() as camera:
        (one,) = found(camera)
    assert camera.probes == 2  # datagrams may be lost, so two are sent
    assert one == FoundCamera(
        host="127.0.0.1",
        name="Shop Cam",
        hardware="DS-2CD",
        service=f"http://127.0.0.1:{camera.port}/onvif/device_service",
    )
    assert maker_of(one.name, one.hardware) == "hikvision"


def test_discovery_without_cameras_finds_none() -> None:
    with OnvifCamera().running() as camera:
        port = camera.probe_port
    assert discover(seconds=0.2, target=("127.0.0.1", port)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "no XML",
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        ENVELOPE.format("<d:ProbeMatch/>"),
        ENVELOPE.format("<d:ProbeMatch><d:XAddrs>file:///etc/passwd</d:XAddrs></d:ProbeMatch>"),
    ],
)
def test_invalid_answers_are_ignored(answer: str) -> None:
    with OnvifCamera().running() as camera:
        camera.answers["Probe"] = answer
        assert found(camera) == []


def test_camera_cannot_redirect_to_another_host() -> None:
    with OnvifCamera().running() as camera:
        camera.foreign_host = "192.0.2.66"
        assert found(camera) == []


@pytest.mark.parametrize("skew", [0.0, 7200.0])
@pytest.mark.parametrize("by_http", [False, True])
def test_largest_stream_is_chosen_with_credentials(skew: float, by_http: bool) -> None:
    with OnvifCamera(skew=skew, by_http=by_http).running() as camera:
        streams = find_streams(f"127.0.0.1:{camera.port}", camera.user, camera.password)
        address = streams.main
    # the host is the one contacted, whatever address the camera reports
    assert address == "rtsp://owner:p%26ss%20w%C3%B6rd@127.0.0.1:8554/live?x=1"
    assert "ss" not in shown_address(address)
    assert camera.password not in "".join(
        camera.requests
    )  # the password is never sent in clear text


def test_camera_without_a_password_is_read() -> None:
    with OnvifCamera(user="", stream="rtsp://192.0.2.7/live").running() as camera:
        streams = find_streams(f"127.0.0.1:{camera.port}", "", "")
    assert streams.main == "rtsp://127.0.0.1/live"


@pytest.mark.parametrize(
    ("profiles", "small", "enough"),
    [
        ([("sub", 640, 360), ("main", 1920, 1080)], "sub", False),
        ([("main", 2560, 1440), ("a", 640, 480), ("b", 1280, 720), ("c", 1920, 1080)], "b", True),
        ([("main", 3840, 2160), ("a", 320, 240), ("b", 704, 576)], "b", False),
        ([("main", 1080, 1920), ("a", 720, 1280)], "a", True),
        ([("main", 1920, 1080), ("copy", 1920, 1080)], "", False),
        ([("main", 1920, 1080), ("silent", 0, 0)], "", False),
    ],
)
def test_smallest_sufficient_stream_is_chosen(
    profiles: list[tuple[str, int, int]], small: str, enough: bool
) -> None:
    with OnvifCamera().running() as camera:
        camera.profiles = profiles
        streams = find_streams(f"127.0.0.1:{camera.port}", camera.user, camera.password)
    assert streams.main.endswith("@127.0.0.1:8554/live?x=1")
    assert streams.small.endswith(f"&p={small}") if small else streams.small == ""
    assert streams.small_is_enough is enough


@pytest.mark.parametrize("by_http", [False, True])
def test_wrong_password_is_reported(by_http: bool) -> None:
    with (
        OnvifCamera(by_http=by_http).running() as camera,
        pytest.raises(InputError, match="refuses the user or the password") as caught,
    ):
        find_streams(f"127.0.0.1:{camera.port}", camera.user, WRONG)
    assert WRONG not in caught.value.message.replace("wrong user", "")


@pytest.mark.parametrize(
    ("operation", "answer", "message"),
    [
        ("GetSystemDateAndTime", "no XML", "does not speak ONVIF"),
        ("GetProfiles", ENVELOPE.format(""), "names no stream"),
        ("GetStreamUri", ENVELOPE.format("<t:Uri>file:///etc/passwd</t:Uri>"), "names no stream"),
        ("GetProfiles", ENVELOPE.format("x" * 300_000), "too long"),
    ],
)
def test_onvif_errors_are_reported(operation: str, answer: str, message: str) -> None:
    with OnvifCamera().running() as camera:
        camera.answers[operation] = answer
        with pytest.raises(InputError, match=message):
            find_streams(f"127.0.0.1:{camera.port}", camera.user, camera.password)


def test_unresponsive_camera_times_out() -> None:
    with OnvifCamera().running() as camera:
        port = camera.port
    with pytest.raises(InputError, match="does not answer"):
        find_streams(f"127.0.0.1:{port}", "a", "b")


@pytest.mark.parametrize("maker", MAKERS)
def test_addresses_of_common_brands_are_valid_and_redacted(maker: str) -> None:
    address = address_of(maker, "192.168.1.20", user="ad min", password="p@ss/w:rd", channel=2)  # noqa: S106
    assert address.startswith("rtsp://ad%20min:p%40ss%2Fw%3Ard@192.168.1.20:")
    assert "{" not in address
    assert shown_address(address).startswith("rtsp://***@192.168.1.20")
    assert address_of(maker, "camera.local:8554").startswith("rtsp://camera.local:8554/")


@pytest.mark.parametrize("host", ["", "a/b", "user@host", "192.168.1.20:port"])
def test_invalid_hosts_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"host|[Pp]ort"):
        address_of("axis", host)
