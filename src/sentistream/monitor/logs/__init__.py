"""What the monitor writes about itself: levels, formats, files, and nothing that is secret."""

from sentistream.monitor.logs.redaction import Redaction, redaction, secrets_of
from sentistream.monitor.logs.setup import configure_logging

__all__ = ["Redaction", "configure_logging", "redaction", "secrets_of"]
