"""Many sources at once: a few worker processes, each with its share of the streams."""

from sentistream.streams.pool import Streams, analyze_streams
from sentistream.streams.values import StreamEnd, StreamMoment

__all__ = ["StreamEnd", "StreamMoment", "Streams", "analyze_streams"]
