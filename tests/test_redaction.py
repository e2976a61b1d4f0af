"""No password in an address is shown, wherever its manufacturer puts it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sentistream.cli import COMMANDS, main
from sentistream.redaction import secrets_in, shown_address, without_secrets

SECRETS = ("S3cret", "Pa55", "KeyZq7Pw")
ADDRESSES = (
    "rtsp://admin:S3cret@Pa55@127.0.0.1:1/live",
    "rtsp://admin:S3cr/Pa55:S3cret@127.0.0.1:1/live",
    "rtsp://admin:S3cret?Pa55#KeyZq7Pw@localhost:1/live",
    "rtsp://admin:S3cret!@#$%^&*()_-=+[]{}\\/,.:;'\"<>Pa55@127.0.0.1:1/live?channel=1",
    "RTSP://admin:S3cret%40Pa55@127.0.0.1:1/live",
    "rtsp://KeyZq7Pw@localhost:1/live",
    "http://127.0.0.1:1/video.mjpg?user=admin&pwd=S3cretPa55",
    "http://localhost:1/videostream.cgi?loginuse=admin&loginpas=S3cret@Pa55",
    "http://127.0.0.1:1/video#KeyZq7Pw",
    "srt://127.0.0.1:1?passphrase=KeyZq7Pw",
    "rtsp://127.0.0.1:1/user=admin_password=KeyZq7Pw_channel=1_stream=0.sdp",
    "rtsp://127.0.0.1:1/user=admin&password=S3cret/Pa55&channel=1",
    "rtsp://127.0.0.1:1/user%3Dadmin_password%3DKeyZq7Pw_channel=1",
    "rtsp://127.0.0.1:1/0/admin:S3cret/main",
    "rtsp://127.0.0.1:1/live/admin/S3cret/1",
    "http://127.0.0.1:1/live/S3cret/Pa55/12.ts",
    "rtsps://127.0.0.1:1/KeyZq7Pw3rT9xLm2?enableSrtp",
    "rtmp://127.0.0.1:1/live2/pa55-key7-s3cr-zq7p",
    "http://127.0.0.1:1/pw/S3cretPa55/snap.jpg",
    "http://127.0.0.1:1/snap.jpg?auth=S3cretPa55==&jwt=KeyZq7Pw",
    "http://127.0.0.1:1/live#access_token=KeyZq7Pw&x=1",
    "http://localhost:1/key/S3cretPa55/snap.jpg",
    "rtsp://us:S3cr@Pa55/KeyZq7Pw@localhost/",
    "rtsp:/admin:S3cret@127.0.0.1:1/live",
    "rtsp//admin:S3cret@127.0.0.1:1/live",
    "admin:S3cret@127.0.0.1:1/live",
)
HIDDEN = (*SECRETS, "S3cr/", "pa55-key7", "KeyZq")


def leaks(text: str) -> list[str]:
    return [secret for secret in HIDDEN if secret in text]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_secret_is_shown(address: str) -> None:
    assert not leaks(shown_address(address))
    for text in (
        f"cannot open {address}",
        f"'{address}': refused",
        f"({address})",
        f"a\n{address}.",
    ):
        assert not leaks(without_secrets(text)), text


@pytest.mark.parametrize("address", [each for each in ADDRESSES if "://" in each])
def test_quoted_parts_of_an_address_are_redacted(address: str) -> None:
    quoted = [address, address.partition("://")[2], address.rpartition("/")[2].rpartition("@")[0]]
    for text in quoted:
        assert not leaks(without_secrets(f"server says: {text}!", secrets_in(address)))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://viewer:word@192.168.1.20/stream2", "rtsp://***@192.168.1.20/stream2"),
        ("rtsp://me:secret@host/x?y=@", "rtsp://***@host/x"),
        ("rtsp://[fe80::1]:554/a/b", "rtsp://[fe80::1]:554/a/b"),
        ("rtsp://10.0.0.1/Streaming/Channels/101", "rtsp://10.0.0.1/Streaming/Channels/101"),
        ("rtsp://10.0.0.1/h264Preview_01_main", "rtsp://10.0.0.1/h264Preview_01_main"),
        ("rtsp://h/axis-media/media.amp?resolution=1280x720", "rtsp://h/axis-media/media.amp"),
        ("rtsp://h/cam/realmonitor?channel=1&subtype=1", "rtsp://h/cam/realmonitor"),
        ("rtsp://h:8554/garden", "rtsp://h:8554/garden"),
        ("sqlite:////var/lib/mood.db", "sqlite:////var/lib/mood.db"),
        ("films/session=3/a: b@c.mp4", "films/session=3/a: b@c.mp4"),
    ],
)
def test_nonsecret_parts_are_shown(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_text_without_secrets_is_unchanged() -> None:
    text = "at 10:20:30 a@b.c wrote: 3 passes; see http://example.org/page, then rtsp://h/live."
    assert without_secrets(text) == text


def test_short_secrets_are_redacted_only_as_whole_words() -> None:
    assert without_secrets("no abc in abcd", ["abc"]) == "no *** in abcd"


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"demo"}))
def test_no_command_prints_a_secret(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = ""
    for arguments in ([ADDRESSES[0]], list(ADDRESSES), ["--out", "results", *ADDRESSES[:23]]):
        result = CliRunner().invoke(main, [command, *arguments], catch_exceptions=True)
        output += result.output + repr(result.exception)
        assert result.exit_code != 0
    for path in tmp_path.rglob("*"):
        output += str(path.relative_to(tmp_path))
        output += path.read_text("utf-8", "replace") if path.is_file() else ""
    assert not leaks(output)


def test_path_component_after_a_key_is_hidden() -> None:
    assert shown_address("http://camera/key/S3cretPa55/stream") == "http://camera/key/***"
