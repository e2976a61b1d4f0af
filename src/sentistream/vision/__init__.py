"""Detects and tracks faces, places their landmarks, and crops the networks' inputs."""
