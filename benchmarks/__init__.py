"""Measurements of speed and memory; run them with `python -m benchmarks.pipeline` and so on."""
