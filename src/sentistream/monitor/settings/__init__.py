"""Settings of the monitor: one typed model, each field with its title, meaning, bounds, default."""

from sentistream.monitor.settings.alerts import AlertRule
from sentistream.monitor.settings.camera import CameraSettings, Hours, Zone
from sentistream.monitor.settings.events import MqttSettings, Webhook
from sentistream.monitor.settings.files import load_settings, save_settings
from sentistream.monitor.settings.given import settings_of
from sentistream.monitor.settings.house import LoggingSettings, PrivacySettings, StorageSettings
from sentistream.monitor.settings.model import ONLY_IN_THE_FILE, Settings
from sentistream.monitor.settings.server import ServerSettings

__all__ = [
    "ONLY_IN_THE_FILE",
    "AlertRule",
    "CameraSettings",
    "Hours",
    "LoggingSettings",
    "MqttSettings",
    "PrivacySettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "Webhook",
    "Zone",
    "load_settings",
    "save_settings",
    "settings_of",
]
