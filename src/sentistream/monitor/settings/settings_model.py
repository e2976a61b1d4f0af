"""The root of the settings."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sentistream.monitor.locales import Language
from sentistream.monitor.settings.camera_settings import CameraSettings
from sentistream.monitor.settings.headquarters_settings import HeadquartersSettings
from sentistream.monitor.settings.logging_settings import LoggingSettings
from sentistream.monitor.settings.notification_settings import (
    AlertRule,
    DigestSettings,
    EmailSettings,
    HealthAlerts,
    MqttSettings,
    NtfyTopic,
    Webhook,
)
from sentistream.monitor.settings.privacy_settings import PrivacySettings
from sentistream.monitor.settings.server_settings import ServerSettings
from sentistream.monitor.settings.settings_base import Key
from sentistream.monitor.settings.storage_settings import StorageSettings
from sentistream.translatable import Translatable

FILE_ONLY_SETTINGS = {
    "server": frozenset({"host", "port", "tls_certificate", "tls_key", "public_url"}),
    "storage": frozenset({"url", "backup_folder"}),
    "headquarters": frozenset(HeadquartersSettings.model_fields),
    "logging": frozenset({"file"}),
    "email": frozenset({"password_file"}),
}
"""By group, settings that open files and ports of the machine; not changeable through the page."""

ENV_PREFIX = "SENTISTREAM_MONITOR_"
"""Prefix of environment variables; ``__`` separates a group from its field."""


class Settings(BaseSettings):
    """All settings; ``loading.load_settings`` says where they come from."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
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
        default="lite", title="Profile", description="Which networks and settings analyze faces."
    )
    language: Language = Field(
        default="en",
        title="Language",
        description="Of messages and digests; of the pages, unless the visitor or the browser "
        "chooses another.",
    )
    server: ServerSettings = Field(
        default=ServerSettings(), title="Server", description="The page and the API."
    )
    storage: StorageSettings = Field(
        default=StorageSettings(), title="Storage", description="What is stored, and for how long."
    )
    privacy: PrivacySettings = Field(
        default=PrivacySettings(), title="Privacy", description="What protects people."
    )
    alerts: tuple[AlertRule, ...] = Field(
        default=(), max_length=64, title="Alerts", description="When somebody is notified."
    )
    health_alerts: HealthAlerts = Field(
        default=HealthAlerts(),
        title="Health alerts",
        description="Alerts about cameras that are down and disks that are nearly full.",
    )
    email: EmailSettings = Field(
        default=EmailSettings(), title="E-mail", description="The mail server for alerts."
    )
    ntfy: tuple[NtfyTopic, ...] = Field(
        default=(),
        max_length=16,
        title="ntfy",
        description="Topics of ntfy servers, for messages on telephones.",
    )
    digest: DigestSettings = Field(
        default=DigestSettings(), title="Digest", description="Summaries by e-mail."
    )
    mqtt: MqttSettings = Field(
        default=MqttSettings(), title="MQTT", description="A broker that is notified."
    )
    webhooks: tuple[Webhook, ...] = Field(
        default=(), max_length=16, title="Webhooks", description="Addresses that are notified."
    )
    headquarters: HeadquartersSettings = Field(
        default=HeadquartersSettings(),
        title="Headquarters",
        description="Many shops that report to this monitor.",
    )
    logging: LoggingSettings = Field(
        default=LoggingSettings(), title="Logging", description="The program's own log."
    )

    @model_validator(mode="after")
    def _alerts_are_consistent(self) -> Self:
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

    @model_validator(mode="after")
    def _digests_have_a_mail_server(self) -> Self:
        if (self.digest.weekly or self.digest.monthly) and not self.email.host:
            raise ValueError("a digest is sent by e-mail: name the mail server first")
        return self
