"""Cameras and their supervision: one worker process each, looked after by the server."""

from sentistream.monitor.cameras.supervisor import Supervisor

__all__ = ["Supervisor"]
