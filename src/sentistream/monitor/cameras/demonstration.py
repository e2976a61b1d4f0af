"""The demonstration clip as a camera's source, drawn once and kept."""

from __future__ import annotations

import fcntl
from pathlib import Path

from sentistream.errors import OutputError
from sentistream.translatable import Translatable

DEMO = "demo:"
"""The source's name in the settings."""

CLIP = "demonstration.mp4"
"""The clip's name in the state folder."""

SIZE = (960, 540)
"""Its pictures, pixels: drawn in half the time of larger ones."""


def ready_clip(path: Path) -> None:
    """Draws the clip unless it is there: whole or not at all, and once whoever else wants it.

    Raises:
        MissingExtraError: scikit-image, which brings the portrait, is not installed.
        OutputError: It cannot be written.
    """
    if path.exists():
        return
    from sentistream.demo import make_clip

    unfinished = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # let go by whoever dies
            if path.exists():  # somebody else has drawn it meanwhile
                unfinished.unlink(missing_ok=True)
                return
            make_clip(unfinished, size=SIZE)
            unfinished.replace(path)
    except OSError as error:
        raise OutputError(
            Translatable(
                "{path} cannot be written ({words}).",
                path=path,
                words=Translatable(str(error.strerror)),
            ),
            "See who owns its folder.",
        ) from None
