"""Turns sound into the voice networks' inputs."""
