"""Who is told beside the page: a message broker with Home Assistant on it, other programs."""

from sentistream.monitor.notify.mqtt import MqttPublisher
from sentistream.monitor.notify.signature import is_signed, signature
from sentistream.monitor.notify.webhooks import WebhookSender

__all__ = ["MqttPublisher", "WebhookSender", "is_signed", "signature"]
