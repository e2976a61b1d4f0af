"""Settings of the monitor: a typed model, each field with its title, meaning, bounds, default."""

from sentistream.monitor.settings.camera_settings import CameraSettings, Hours, Zone
from sentistream.monitor.settings.headquarters_settings import HeadquartersSettings
from sentistream.monitor.settings.kept_secrets import MovedSecret, moved_secrets
from sentistream.monitor.settings.loading import (
    InvalidSettingsError,
    build_settings,
    load_settings,
)
from sentistream.monitor.settings.logging_settings import LoggingSettings
from sentistream.monitor.settings.notification_settings import (
    AlertRule,
    Channel,
    DigestSettings,
    EmailSettings,
    HealthAlerts,
    MqttSettings,
    NtfyTopic,
    Webhook,
    is_email_address,
)
from sentistream.monitor.settings.overlay import (
    describe_changes,
    discard_changes,
    merge_patch,
    overlay_path,
    save_changes,
)
from sentistream.monitor.settings.privacy_settings import PrivacySettings
from sentistream.monitor.settings.server_settings import ServerSettings
from sentistream.monitor.settings.settings_model import FILE_ONLY_SETTINGS, Settings
from sentistream.monitor.settings.storage_settings import StorageSettings
from sentistream.monitor.settings.validation_messages import validation_messages

__all__ = [
    "FILE_ONLY_SETTINGS",
    "AlertRule",
    "CameraSettings",
    "Channel",
    "DigestSettings",
    "EmailSettings",
    "HeadquartersSettings",
    "HealthAlerts",
    "Hours",
    "InvalidSettingsError",
    "LoggingSettings",
    "MovedSecret",
    "MqttSettings",
    "NtfyTopic",
    "PrivacySettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "Webhook",
    "Zone",
    "build_settings",
    "describe_changes",
    "discard_changes",
    "is_email_address",
    "load_settings",
    "merge_patch",
    "moved_secrets",
    "overlay_path",
    "save_changes",
    "validation_messages",
]
