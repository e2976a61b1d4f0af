"""The page: what people see of the live product in their browser."""

from sentistream.monitor.page.mounting import mount_page

__all__ = ["mount_page"]
