"""Sources of moments: decoding, and synchronization of audio and video."""

from sentistream.media.capture_devices import Camera, list_cameras
from sentistream.media.source import Faults, MediaInfo, Source
from sentistream.media.source_factory import open_source

__all__ = ["Camera", "Faults", "MediaInfo", "Source", "list_cameras", "open_source"]
