"""Sources of moments, and the pairing of sound with pictures."""

from sentistream.media.cameras import Camera, list_cameras
from sentistream.media.opening import open_source
from sentistream.media.source import Faults, MediaInfo, Source

__all__ = ["Camera", "Faults", "MediaInfo", "Source", "list_cameras", "open_source"]
