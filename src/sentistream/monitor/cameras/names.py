"""Names for those who are seen: random, new for each, and forgotten with them."""

from __future__ import annotations

import secrets


class TrackNames:
    """Gives each of the analyzer's tracks a random name, so that no number leaves the worker."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[str, float]] = {}

    def of(self, track: int, time: float) -> str:
        """The name of a track that is seen at ``time``: a new one where it has none."""
        name = self._names[track][0] if track in self._names else secrets.token_hex(8)
        self._names[track] = name, time
        return name

    def forget(self, before: float) -> None:
        """Forgets those that were last seen before a time."""
        self._names = {
            track: (name, seen) for track, (name, seen) in self._names.items() if seen >= before
        }
