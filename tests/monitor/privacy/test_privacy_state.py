"""The privacy page and documents state the facts: each statement in both cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, HttpUrl

from sentistream.monitor.privacy import (
    MEASURES,
    InForce,
    PrivacyState,
    Transport,
    render_assessment,
    render_notice,
)
from sentistream.monitor.settings import Settings
from sentistream.monitor.translation import translator

EN, DE = translator("en"), translator("de")
CORNERS = [[0, 0], [1, 0], [1, 1]]
MASK = {"name": "till", "title": "Behind the till", "points": CORNERS, "masked": "always"}
HOURS = [{"begin": "09:00", "end": "18:00"}]
ANYWHERE = "0.0.0.0"  # noqa: S104
POSTGRES = "postgresql://mood:secret@db.example.org/mood"


def state(tokens: int | None = 0, **settings: Any) -> PrivacyState:
    return PrivacyState.of(Settings.model_validate(settings), tokens=tokens)


def note(measure: str, of: PrivacyState) -> tuple[InForce, str]:
    found = next(each for each in MEASURES if each.key == measure).standing(of, EN)
    return found.in_force, found.note


@pytest.mark.parametrize(
    ("server", "transport", "in_force", "expected"),
    [
        ({}, Transport.LOCAL, InForce.NO, "nothing crosses a network"),
        ({"host": "::1"}, Transport.LOCAL, InForce.NO, "nothing crosses a network"),
        ({"host": ANYWHERE}, Transport.PLAIN, InForce.NO, "cross the network readably"),
        (
            {"public_url": "http://mood.example.org"},
            Transport.PLAIN,
            InForce.NO,
            "cross the network readably",
        ),
        (
            {"public_url": "https://mood.example.org"},
            Transport.PROXY,
            InForce.YES,
            "by a proxy on this machine",
        ),
        (
            {"public_url": "https://mood.example.org", "host": ANYWHERE},
            Transport.PROXY_AND_PLAIN,
            InForce.PARTLY,
            "unencrypted",
        ),
        (
            {"tls_certificate": "a.pem", "tls_key": "b.pem", "host": ANYWHERE},
            Transport.TLS,
            InForce.YES,
            "by the monitor",
        ),
    ],
)
def test_encryption_statement(
    server: dict[str, Any], transport: Transport, in_force: InForce, expected: str
) -> None:
    of = state(server=server)
    assert of.transport is transport
    found, text = note("sealed-transport", of)
    assert found is in_force and expected in text


def test_plain_http_is_never_called_encrypted() -> None:
    page = render_assessment(state(), EN)
    row = page.partition('<tr id="sealed-transport">')[2].partition("</tr>")[0]
    assert "yes" not in row and '<span class="off">no</span>' in row


@pytest.mark.parametrize(
    ("privacy_state", "stays"),
    [
        (state(), True),
        (state(tokens=1), False),
        (state(tokens=None), False),
        (state(mqtt={"host": "localhost"}), False),
        (state(webhooks=[{"url": "https://hooks.example.org/x"}]), False),
        (state(storage={"url": POSTGRES}), False),
        (state(server={"host": ANYWHERE}), False),
        (state(server={"public_url": "https://mood.example.org"}), False),
        (state(server={"public_url": "http://localhost/mood"}), True),
    ],
)
def test_external_transmission_statement(privacy_state: PrivacyState, stays: bool) -> None:
    assert privacy_state.stays_on_machine is stays
    in_force, text = note("on-the-machine", privacy_state)
    assert (in_force is InForce.YES) is stays
    assert ("nothing is sent to other programs" in text) is stays
    assert ("Nothing leaves the computer" in render_notice(privacy_state, EN)) is stays
    assert ("Nichts verlässt den Rechner" in render_notice(privacy_state, DE)) is stays


@pytest.mark.parametrize(("tokens", "text"), [(0, ""), (1, "1 program with"), (3, "3 programs")])
def test_programs_with_tokens_are_recipients(tokens: int, text: str) -> None:
    notice, assessment = (make(state(tokens), EN) for make in (render_notice, render_assessment))
    assert ("with an API token" in notice) is bool(tokens)
    assert text in notice and text in assessment


def test_facts_known_only_to_a_running_monitor_are_left_open() -> None:
    for make in (render_notice, render_assessment):
        assert "hether programs have" in make(state(tokens=None), EN)
        assert "b Programme" in make(state(tokens=None), DE)
        assert "hether programs have" not in make(state(tokens=0), EN)


def _cameras(*cameras: dict[str, Any]) -> dict[str, Any]:
    return {f"camera-{n}": {"source": str(n), **each} for n, each in enumerate(cameras)}


@pytest.mark.parametrize(
    ("cameras", "in_force", "expected"),
    [
        (({}, {}), InForce.NO, ""),
        (({"zones": [MASK]}, {}, {}, {}), InForce.PARTLY, "at 1 of 4 cameras: Camera-0; not at"),
        (({"zones": [MASK]}, {"zones": [MASK]}), InForce.YES, ""),
        # a disabled one neither protects nor endangers anybody
        (({"zones": [MASK]}, {"enabled": False}), InForce.YES, ""),
        (({}, {"zones": [MASK], "enabled": False}), InForce.NO, ""),
        ((), InForce.NO, ""),
    ],
)
def test_masks_statement(
    cameras: tuple[dict[str, Any], ...], in_force: InForce, expected: str
) -> None:
    found, text = note("masked-zones", state(cameras=_cameras(*cameras)))
    assert found is in_force and text.startswith(expected) and bool(text) is bool(expected)


@pytest.mark.parametrize(
    ("cameras", "in_force"),
    [
        (({}, {}), InForce.NO),
        (({"hours": HOURS}, {}), InForce.PARTLY),
        (({"hours": HOURS}, {"hours": HOURS}), InForce.YES),
    ],
)
def test_hours_statement(cameras: tuple[dict[str, Any], ...], in_force: InForce) -> None:
    found, text = note("watching-hours", state(cameras=_cameras(*cameras)))
    assert found is in_force
    assert ("at 1 of 2 cameras" in text) is (in_force is InForce.PARTLY)


@pytest.mark.parametrize(
    ("camera", "has_sound"),
    [
        ({"source": "0"}, False),  # a webcam has sound only if its microphone is named
        ({"source": "/dev/video2"}, False),
        ({"source": "0", "microphone": "hw:1"}, True),
        ({"source": "0", "microphone": "hw:1", "sound": False}, False),
        ({"source": "rtsp://10.0.0.4/live"}, True),
        ({"source": "rtsp://10.0.0.4/live", "sound": False}, False),
    ],
)
def test_sound_statement(camera: dict[str, Any], has_sound: bool) -> None:
    of = state(cameras={"door": camera})
    assert of.hears is has_sound
    assert ("listens to the tone of voices" in render_notice(of, EN)) is has_sound
    assert ("hört auf den Klang von Stimmen" in render_notice(of, DE)) is has_sound


def test_no_cameras_make_no_claim_about_sound() -> None:
    assert not state().hears
    running = Settings.model_validate({"cameras": {"demo": {"source": "demo:"}}}).cameras
    assert PrivacyState.of(Settings(), running=running, tokens=0).hears


@pytest.mark.parametrize(
    ("storage", "in_force", "expected", "unexpected"),
    [
        ({}, InForce.YES, "is overwritten", "backup"),
        ({"seconds_days": 31}, InForce.PARTLY, "after 31 days", "backup"),
        (
            {"backup_folder": "backups", "backups_kept": 3},
            InForce.PARTLY,
            "3 backup copies",
            "decides",
        ),
        ({"url": POSTGRES}, InForce.PARTLY, "the database decides", "deleted data is overwritten;"),
        # PostgreSQL is backed up with its own tools
        ({"url": POSTGRES, "backup_folder": "backups"}, InForce.PARTLY, "decides", "backup"),
    ],
)
def test_deletion_statement(
    storage: dict[str, Any], in_force: InForce, expected: str, unexpected: str
) -> None:
    of = state(storage=storage)
    found, text = note("deletion", of)
    assert found is in_force and expected in text and unexpected not in text
    assert ("backup cop" in render_notice(of, EN)) is ("backup" in text)


@pytest.mark.parametrize(
    ("smallest", "in_force"), [(1, InForce.NO), (3, InForce.PARTLY), (5, InForce.YES)]
)
def test_small_groups_statement(smallest: int, in_force: InForce) -> None:
    of = state(privacy={"smallest_group": smallest})
    assert note("small-groups", of)[0] is in_force
    notice = render_notice(of, EN)
    assert (f"Sums over fewer than {smallest}" in notice) is (smallest > 1)
    assert ("however few" in notice) is (smallest == 1)


@pytest.mark.parametrize(
    ("privacy", "in_force", "expected"),
    [
        ({}, InForce.YES, "whatever moves are unrecognizable"),
        ({"blur": False}, InForce.NO, "faces are not blurred"),
        ({"blur": False, "preview": False}, InForce.YES, "Nobody can look at the picture"),
    ],
)
def test_preview_statement(privacy: dict[str, Any], in_force: InForce, expected: str) -> None:
    of = state(privacy=privacy)
    assert note("blurred-preview", of)[0] is in_force
    assert expected in render_notice(of, EN)


def test_zones_are_called_by_their_names() -> None:
    of = state(cameras=_cameras({"zones": [MASK]}))
    for make in (render_notice, render_assessment):
        assert "Behind the till" in make(of, EN)


KNOWN = {"server", "cameras", "logging"}
"""Groups whose addresses are no recipients: its own, and its sources."""


COMPLETED = {"email": {"sender": "a@somebody.example", "recipients": ["b@somebody.example"]}}
"""Required fields of groups besides their addresses."""


def test_every_recipient_is_named() -> None:
    """Any new setting with an external address must be mentioned in the documents."""
    found = list(_addresses(Settings))
    assert {("mqtt", "host"), ("webhooks",), ("storage", "url")} <= {path for path, _ in found}
    for path, example in found:
        values: dict[str, Any] = {}
        below = values
        for name in path[:-1]:
            below = below.setdefault(name, {})
        below |= {path[-1]: example} | COMPLETED.get(path[0], {})
        assert state(**values).recipients, path


def _addresses(model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, info in model.model_fields.items():
        annotation = info.annotation
        inner = [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]
        groups = [each for each in inner if issubclass(each, BaseModel)]
        if model is Settings and name in KNOWN:
            continue
        if name == "host" and annotation is str:
            yield (name,), "somebody.example"
        elif name == "url" and annotation is not HttpUrl:
            yield (name,), POSTGRES
        elif name == "url":
            yield (name,), "https://somebody.example/x"
        for group in groups:
            for path, example in _addresses(group):
                if annotation is group:
                    yield (name, *path), example
                elif len(path) == 1:
                    yield (name,), [{path[0]: example}]
