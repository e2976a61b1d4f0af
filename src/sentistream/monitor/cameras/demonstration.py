"""The demonstration clip as a camera's source, drawn once and kept."""

from __future__ import annotations

import os
from pathlib import Path

from sentistream.errors import OutputError

DEMO = "demo:"
"""The source's name in the settings."""

CLIP = "demonstration.mp4"
"""The clip's name in the state folder."""


def ready_clip(path: Path) -> None:
    """Draws the clip unless it is there; whole or not at all, whoever else draws it.

    Raises:
        MissingExtraError: scikit-image, which brings the portrait, is not installed.
        OutputError: It cannot be written.
    """
    if path.exists():
        return
    from sentistream.demo import make_clip

    unfinished = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        make_clip(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).", "See who owns its folder."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
