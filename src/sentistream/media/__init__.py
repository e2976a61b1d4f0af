"""Sources of moments, and the pairing of sound with pictures."""

from sentistream.media.opening import open_source
from sentistream.media.source import Faults, MediaInfo, Source

__all__ = ["Faults", "MediaInfo", "Source", "open_source"]
