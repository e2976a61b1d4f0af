"""An analyzer made before a worker is forked: making one takes most of a worker's start."""

from __future__ import annotations

from sentistream.analyzer import Analyzer
from sentistream.profiles import DEFAULT_PROFILE, MAX_FACES, Profile, get_profile

_made: list[Analyzer] = []


def make() -> None:
    """In the process workers are forked from.

    Raises:
        ModelError: A network is missing or altered.
    """
    _made.append(Analyzer(DEFAULT_PROFILE, max_faces=MAX_FACES))


def take(profile: Profile, max_faces: int) -> Analyzer:
    """The one that was made, where it fits; else another. For one taker in each process.

    Raises:
        ModelError: A network is missing or altered.
    """
    if _made and (profile, max_faces) == (get_profile(DEFAULT_PROFILE), MAX_FACES):
        return _made.pop()
    return Analyzer(profile, max_faces=max_faces)
