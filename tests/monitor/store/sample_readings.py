"""Sample readings for tests."""

from __future__ import annotations

from collections.abc import Iterable

from sentistream.monitor.observations import Alert, SecondReading, Seconds
from sentistream.monitor.settings import PrivacySettings, Settings, StorageSettings
from sentistream.types import Label

TEN = 1_767_607_200
"""2026-01-05 10:00:00 UTC, a Monday."""


def reading(
    second: int,
    track: str = "a",
    *,
    camera: str = "door",
    zone: str = "",
    shares: tuple[float, float, float] = (0.2, 0.5, 0.3),
    seen: float = 1.0,
    speaking: float = 0.0,
) -> SecondReading:
    """One face in one second."""
    positive, neutral, negative = shares
    return SecondReading(
        camera=camera,
        zone=zone,
        second=second,
        track=track,
        positive=positive,
        neutral=neutral,
        negative=negative,
        label=Label.NEUTRAL,
        seen=seen,
        speaking=speaking,
    )


def seconds(second: int, *readings: SecondReading, camera: str = "door") -> Seconds:
    """One second of one camera."""
    return Seconds(camera=camera, second=second, readings=readings)


def crowd(
    begin: int,
    end: int,
    tracks: Iterable[str] = ("a", "b", "c", "d", "e"),
    *,
    camera: str = "door",
    zone: str = "",
    shares: tuple[float, float, float] = (0.2, 0.5, 0.3),
) -> list[Seconds]:
    """The same people in each second of [begin, end)."""
    who = tuple(tracks)
    return [
        seconds(
            second,
            *(reading(second, t, camera=camera, zone=zone, shares=shares) for t in who),
            camera=camera,
        )
        for second in range(begin, end)
    ]


def alert(time: float, *, active: bool = True, rule: str = "grim") -> Alert:
    """An alert of camera ``door``."""
    return Alert(
        rule=rule,
        name="Grim faces",
        camera="door",
        zone="",
        time=time,
        active=active,
        sentiment="negative",
        share=0.45,
        limit=0.4,
        minutes=10,
    )


def settings(smallest_group: int = 1, **storage: object) -> Settings:
    """Settings with these retention times, and all groups shown by default."""
    return Settings(
        privacy=PrivacySettings(smallest_group=smallest_group),
        storage=StorageSettings.model_validate(storage),
    )
