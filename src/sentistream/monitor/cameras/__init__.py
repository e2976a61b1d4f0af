"""Cameras and their supervision: one worker process each, looked after by the server.

``supervisor.Supervisor`` is where to begin.
"""
