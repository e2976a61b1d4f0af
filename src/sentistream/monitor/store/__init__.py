"""The database of readings: what was, by second, minute, hour and day."""
