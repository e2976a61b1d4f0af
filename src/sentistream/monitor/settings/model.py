"""All settings of the monitor."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sentistream.monitor.locales import Language
from sentistream.monitor.settings.alerts import AlertRule
from sentistream.monitor.settings.base import Key
from sentistream.monitor.settings.camera import CameraSettings
from sentistream.monitor.settings.events import MqttSettings, Webhook
from sentistream.monitor.settings.house import LoggingSettings, PrivacySettings, StorageSettings
from sentistream.monitor.settings.server import ServerSettings
from sentistream.translatable import Translatable

ONLY_IN_THE_FILE = {
    "server": frozenset({"host", "port", "tls_certificate", "tls_key", "public_url"}),
    "storage": frozenset({"url", "backup_folder"}),
    "logging": frozenset({"file"}),
}
"""By group, what opens files and ports of the machine: changed by who has the machine alone."""

ENVIRONMENT = "SENTISTREAM_MONITOR_"
"""What environment variables begin with; ``__`` stands between a group and its field."""


class Settings(BaseSettings):
    """From the command line, then the environment, then a YAML file, then the defaults."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    cameras: dict[Key, CameraSettings] = Field(
        default_factory=dict,
        max_length=64,
        title="Cameras",
        description="Each under a short key. None: the first webcam, or the demonstration clip.",
    )
    profile: Literal["lite", "paper"] = Field(
        default="lite", title="Profile", description="Which networks and settings read faces."
    )
    language: Language = Field(
        default="en",
        title="Language",
        description="Of the pages, where no visitor has chosen and the browser prefers none of "
        "them.",
    )
    server: ServerSettings = Field(
        default=ServerSettings(), title="Server", description="The page and the API."
    )
    storage: StorageSettings = Field(
        default=StorageSettings(), title="Storage", description="What is kept."
    )
    privacy: PrivacySettings = Field(
        default=PrivacySettings(), title="Privacy", description="What protects people."
    )
    alerts: tuple[AlertRule, ...] = Field(
        default=(), max_length=64, title="Alerts", description="When somebody is told."
    )
    mqtt: MqttSettings = Field(
        default=MqttSettings(), title="MQTT", description="A broker that is told."
    )
    webhooks: tuple[Webhook, ...] = Field(
        default=(), max_length=16, title="Webhooks", description="Addresses that are told."
    )
    logging: LoggingSettings = Field(
        default=LoggingSettings(), title="Logging", description="What it writes about itself."
    )

    @model_validator(mode="after")
    def _alerts_name_what_exists(self) -> Self:
        keys = [rule.key for rule in self.alerts]
        if len(keys) != len(set(keys)):
            raise ValueError("two alerts have the same key")
        for rule in self.alerts:
            if not rule.camera:
                continue
            if self.cameras and rule.camera not in self.cameras:
                raise ValueError(
                    Translatable(
                        "the alert {key} names no camera of these: {camera}",
                        key=rule.key,
                        camera=rule.camera,
                    )
                )
        return self
