"""Generates a talking clip, so that sentistream can be tried on a fresh machine."""

from sentistream.demo.clip import make_clip, repeat_clip

__all__ = ["make_clip", "repeat_clip"]
