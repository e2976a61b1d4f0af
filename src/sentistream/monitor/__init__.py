"""The live product: cameras and their supervision, store, page, privacy."""
