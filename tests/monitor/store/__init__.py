"""The database of readings, on SQLite and on PostgreSQL."""
