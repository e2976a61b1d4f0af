from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sentistream.monitor.cameras.zones import is_watching, is_within
from sentistream.monitor.settings import CameraSettings, Hours

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def hours(begin: str, end: str, *days: str) -> list[Hours]:
    values = {"begin": begin, "end": end, **({"days": days} if days else {})}
    return [Hours.model_validate(values)]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-06-01 08:59:59", False),  # a Monday
        ("2026-06-01 09:00", True),
        ("2026-06-01 17:59:59", True),
        ("2026-06-01 18:00", False),
        ("2026-06-02 12:00", False),
    ],
)
def test_daily_hours(when: str, holds: bool) -> None:
    assert is_within(hours("09:00", "18:00", "mon"), at(when)) is holds


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-06-05 21:59", False),  # a Friday
        ("2026-06-05 22:00", True),
        ("2026-06-06 01:59", True),
        ("2026-06-06 02:00", False),
        ("2026-06-05 01:00", False),  # that night began on Thursday
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_begin_on(when: str, holds: bool) -> None:
    assert is_within(hours("22:00", "02:00", "fri"), at(when)) is holds


def test_equal_begin_and_end_is_a_whole_day() -> None:
    assert is_within(hours("00:00", "00:00", "mon"), at("2026-06-01 00:00"))
    assert is_within(hours("00:00", "00:00", "mon"), at("2026-06-01 23:59:59"))
    assert not is_within(hours("00:00", "00:00", "mon"), at("2026-06-02 00:00"))
    assert is_within(hours("06:00", "06:00", "mon"), at("2026-06-02 05:59"))


def test_hours_follow_local_time_in_summer_and_winter() -> None:
    opening = hours("09:00", "18:00")
    for day in ("2026-01-15", "2026-07-15"):
        assert not is_within(opening, at(f"{day} 08:59"))
        assert is_within(opening, at(f"{day} 09:00"))


def test_night_when_clocks_go_forward() -> None:
    night = hours("22:00", "03:00", "sat")  # 02:00 to 03:00 on 2026-03-29 does not exist
    shown = at("2026-03-29 01:59:59")
    assert is_within(night, shown)
    assert not is_within(night, shown + 1)  # 03:00
    early = hours("02:30", "04:00")
    assert not is_within(early, shown)
    assert is_within(early, shown + 1)


def test_night_when_clocks_go_back() -> None:
    early = hours("02:00", "03:00")  # occurs twice on 2026-10-25
    assert is_within(early, at("2026-10-25 02:30", fold=0))
    assert is_within(early, at("2026-10-25 02:30", fold=1))
    assert at("2026-10-25 02:30", fold=1) - at("2026-10-25 02:30", fold=0) == 3600
    assert not is_within(early, at("2026-10-25 03:00"))


def test_no_hours_means_always() -> None:
    camera = CameraSettings.model_validate({"source": "0"})
    assert is_watching(camera, 0.0)
    assert not is_watching(
        camera.model_copy(update={"hours": tuple(hours("09:00", "10:00"))}),
        at("2026-06-01 11:00"),
    )
