"""Which cameras this machine has (Linux: Video4Linux)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that can be named by its number.

    Attributes:
        index: What to give to ``open_source``.
        path: Its device file.
        name: What its driver calls it; empty when it does not say.
    """

    index: int
    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.index}: {self.name or 'camera'} ({self.path})"


def list_cameras(
    devices: Path = Path("/dev"), facts: Path = Path("/sys/class/video4linux")
) -> tuple[Camera, ...]:
    """The cameras, by number; device files that carry only metadata are left out."""
    cameras = []
    for path in devices.glob("video*"):
        number = re.fullmatch(r"video(\d+)", path.name)
        # a camera's second device file carries its metadata, not pictures
        if number is None or _fact(facts / path.name / "index") not in ("", "0"):
            continue
        cameras.append(Camera(int(number[1]), path, _fact(facts / path.name / "name")))
    return tuple(sorted(cameras, key=lambda camera: camera.index))


def _fact(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
