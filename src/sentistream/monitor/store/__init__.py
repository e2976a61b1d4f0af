"""The database of readings: ingestion, aggregates, retention, backups and export."""

from sentistream.monitor.store.database import SQLITE_FILE, database_url, migrate, open_database
from sentistream.monitor.store.database_store import DatabaseStore
from sentistream.monitor.store.housekeeping import Housekeeper
from sentistream.monitor.store.store_writer import StoreWriter, WriterState

__all__ = [
    "SQLITE_FILE",
    "DatabaseStore",
    "Housekeeper",
    "StoreWriter",
    "WriterState",
    "database_url",
    "migrate",
    "open_database",
]
