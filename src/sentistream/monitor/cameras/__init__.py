"""Cameras: one worker process each, supervised by the server.

Start at ``supervisor.Supervisor``; a camera second runs through ``capture``, ``pipeline`` (with
``second_aggregator``) and ``camera_process`` to the event bus.
"""
