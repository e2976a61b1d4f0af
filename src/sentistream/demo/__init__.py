"""A talking clip that the program makes by itself, so that a fresh machine can try it."""

from sentistream.demo.clip import make_clip, repeat_clip

__all__ = ["make_clip", "repeat_clip"]
