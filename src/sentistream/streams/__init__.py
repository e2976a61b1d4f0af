"""Many sources at once: a few worker processes, each with its share of the streams."""

from sentistream.streams.stream_pool import Streams, analyze_streams
from sentistream.streams.stream_worker import StreamEnd, StreamMoment

__all__ = ["StreamEnd", "StreamMoment", "Streams", "analyze_streams"]
