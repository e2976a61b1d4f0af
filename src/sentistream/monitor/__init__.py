"""The monitor: cameras and their supervision, store, page, privacy."""
