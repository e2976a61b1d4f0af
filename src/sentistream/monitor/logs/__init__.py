"""The monitor's own log: levels, formats, the rotated file, and the redaction of secrets."""

from sentistream.monitor.logs.log_redaction import LogRedactor, log_redactor, settings_secrets
from sentistream.monitor.logs.logging_setup import configure_logging

__all__ = ["LogRedactor", "configure_logging", "log_redactor", "settings_secrets"]
