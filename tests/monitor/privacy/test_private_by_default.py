"""Without any settings, everything is as private as possible."""

from __future__ import annotations

from pathlib import Path

from sentistream.monitor.privacy import MEASURES, InForce, PrivacyState
from sentistream.monitor.settings import CameraSettings, Settings, load_settings
from sentistream.monitor.translation import translator

SITE_SPECIFIC = {"masked-zones", "watching-hours", "sealed-transport"}
"""Measures only the operator can set up: they depend on the site, its hours and certificate."""


def test_defaults_are_the_private_ones() -> None:
    settings = load_settings(None)
    assert settings == Settings()
    assert settings.privacy.blur
    assert settings.privacy.smallest_group >= 5
    assert settings.server.host == "127.0.0.1"
    assert settings.mqtt.host == ""
    assert settings.webhooks == ()
    assert settings.storage.url.get_secret_value() == ""
    assert settings.storage.backup_folder is None
    assert settings.logging.file is None
    assert settings.storage.seconds_days <= 7


def test_every_measure_is_in_force_by_default() -> None:
    state = PrivacyState.of(Settings(), tokens=0)
    off = {
        m.key for m in MEASURES if m.standing(state, translator("en")).in_force is not InForce.YES
    }
    assert off == SITE_SPECIFIC


def test_no_setting_stores_pictures_or_sound() -> None:
    """No such switch exists; adding one fails this test."""
    names = {
        f"{group}.{name}"
        for group, field in Settings.model_fields.items()
        if hasattr(field.annotation, "model_fields")
        for name in getattr(field.annotation, "model_fields", {})
    } | {f"cameras.{name}" for name in CameraSettings.model_fields}
    suspicious = {
        name
        for name in names
        for word in ("record", "snapshot", "clip", "save", "keep_p", "store", "upload", "cloud")
        if word in name.split(".", 1)[1]
    }
    # the largest request body; larger ones are refused
    assert suspicious == {"server.upload_kilobytes"}


def test_camera_shows_its_address_without_its_password() -> None:
    camera = CameraSettings.model_validate({"source": "rtsp://a:secret@10.0.0.4/live?key=secret"})
    assert camera.redacted_source == "rtsp://***@10.0.0.4/live"
    assert "secret" not in repr(camera)
    assert "secret" not in str(Settings.model_validate({"cameras": {"door": camera}}))


def test_settings_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    from sentistream.monitor.settings import overlay_path, save_changes

    path = tmp_path / "monitor.yaml"
    changed = Settings.model_validate({"mqtt": {"password": "made-up"}})
    save_changes(path, before=Settings(), after=changed)
    assert "made-up" in overlay_path(path).read_text("utf-8")
    assert overlay_path(path).stat().st_mode & 0o077 == 0
