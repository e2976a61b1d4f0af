"""The database of readings: what was, by second, minute, hour and day."""

from sentistream.monitor.store.database import DATABASE, database_url, migrate, open_database
from sentistream.monitor.store.housekeeping import Housekeeper
from sentistream.monitor.store.readings import DatabaseStore
from sentistream.monitor.store.writer import StoreWriter, WriterState

__all__ = [
    "DATABASE",
    "DatabaseStore",
    "Housekeeper",
    "StoreWriter",
    "WriterState",
    "database_url",
    "migrate",
    "open_database",
]
