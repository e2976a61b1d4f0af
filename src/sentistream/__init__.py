"""Watches and listens to people on video and says, in real time, how they feel."""

__version__ = "0.1.0"
