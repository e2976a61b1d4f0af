"""The web pages: what people see of the monitor in their browser."""

from sentistream.monitor.web.mount import mount_web

__all__ = ["mount_web"]
