"""Writes readings as tables, a summary, a page and an annotated video.

Every output is a context manager that takes moments with their readings and leaves a valid
file however the run ends.
"""
