"""The database of readings: what was, by second, minute, hour and day."""

from sentistream.monitor.store.database import migrate, open_database
from sentistream.monitor.store.readings import DatabaseStore

__all__ = ["DatabaseStore", "migrate", "open_database"]
