"""Says in real time how people on video come across, from their faces and voices.

Example:
    >>> import sentistream
    >>> for reading in sentistream.analyze("clip.mp4"):  # doctest: +SKIP
    ...     print(reading.time, reading.track, reading.label)
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# from 1.29 on, ONNX Runtime's Linux wheels write an identifier to disk and send telemetry to their
# maker (release notes of kibae/onnxruntime-server 1.29.0); read when the library loads
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from sentistream.analyzer import Analyzer
    from sentistream.api import Analysis, analyze
    from sentistream.camera import Camera
    from sentistream.errors import (
        DataError,
        InputError,
        MissingExtraError,
        ModelError,
        OutputError,
        SentistreamError,
    )
    from sentistream.explanation import Explanation, explain
    from sentistream.profiles import Profile, get_profile
    from sentistream.reports.timeline_plot import plot_timeline
    from sentistream.streams import StreamEnd, StreamMoment, Streams, analyze_streams
    from sentistream.types import Box, Branch, Distribution, Face, Flag, Label, Moment, Reading

__all__ = [
    "Analysis",
    "Analyzer",
    "Box",
    "Branch",
    "Camera",
    "DataError",
    "Distribution",
    "Explanation",
    "Face",
    "Flag",
    "InputError",
    "Label",
    "MissingExtraError",
    "ModelError",
    "Moment",
    "OutputError",
    "Profile",
    "Reading",
    "SentistreamError",
    "StreamEnd",
    "StreamMoment",
    "Streams",
    "__version__",
    "analyze",
    "analyze_streams",
    "explain",
    "get_profile",
    "plot_timeline",
]

# loaded on first use, so that ``import sentistream`` takes milliseconds
_HOMES = {
    "Analysis": "api",
    "Analyzer": "analyzer",
    "Camera": "camera",
    "Profile": "profiles",
    "analyze": "api",
    "get_profile": "profiles",
    "plot_timeline": "reports.timeline_plot",
    **dict.fromkeys(("Explanation", "explain"), "explanation"),
    **dict.fromkeys(("StreamEnd", "StreamMoment", "Streams", "analyze_streams"), "streams"),
    **dict.fromkeys(
        ("Box", "Branch", "Distribution", "Face", "Flag", "Label", "Moment", "Reading"), "types"
    ),
    **dict.fromkeys(
        (
            "DataError",
            "InputError",
            "MissingExtraError",
            "ModelError",
            "OutputError",
            "SentistreamError",
        ),
        "errors",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
