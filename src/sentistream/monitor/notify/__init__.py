"""Notifications: e-mail, ntfy, webhooks, and an MQTT broker with Home Assistant discovery."""

import warnings
from typing import Any

from sentistream.monitor.notify.mqtt_publisher import MqttPublisher
from sentistream.monitor.notify.notifier import Notifier
from sentistream.monitor.notify.webhooks import sign, verify_signature

__all__ = ["MqttPublisher", "Notifier", "sign", "verify_signature"]

_RENAMED = {"is_signed": verify_signature, "signature": sign}


def __getattr__(name: str) -> Any:
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    renamed = _RENAMED[name]
    warnings.warn(
        f"{name} is now called {renamed.__name__}; the next version drops the old name",
        DeprecationWarning,
        stacklevel=2,
    )
    return renamed
