"""Calendar periods across daylight saving time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sentistream.monitor.insight import BYS, By, OpenHours, Period, Shift, Span
from sentistream.monitor.insight.opening_hours import hour_of_week, scheduled_hours
from sentistream.monitor.insight.spans import MAX_PARTS
from sentistream.monitor.settings import CameraSettings

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
several = hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(params=ZONES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@several
@given(by=st.sampled_from(BYS), day=days, hour=st.integers(0, 23))
@pytest.mark.usefixtures("machine")
def test_parts_fill_their_period(by: By, day: date, hour: int) -> None:
    period = Period.about(by, day, hour)
    parts = period.parts()
    assert parts[0].begin == period.span.begin and parts[-1].end == period.span.end
    assert all(one.end == other.begin for one, other in itertools.pairwise(parts))
    assert all(part.seconds > 0 for part in parts)
    moment = datetime(day.year, day.month, day.day, hour, 30).timestamp()
    if datetime.fromtimestamp(moment).hour == hour:  # the clock does not skip it
        assert period.span.begin <= moment < period.span.end
    if by == "hour":
        assert len(parts) in (23, 24, 25)
    if by in ("day", "week", "month"):
        assert all(datetime.fromtimestamp(part.begin).hour in (0, 1) for part in parts)


@several
@given(first=days, last=days, by=st.sampled_from([None, *BYS]))
@pytest.mark.usefixtures("machine")
def test_custom_range_contains_both_its_days(first: date, last: date, by: By | None) -> None:
    period = Period.between(first, last, by)
    assert len(period.parts()) <= MAX_PARTS * 1.05
    begin, end = (
        datetime.fromtimestamp(x).date() for x in (period.span.begin, period.span.end - 1)
    )
    assert begin <= min(first, last) and max(first, last) <= end
    assert Period.between(last, first, by) == period


@several
@given(day=days, hour=st.integers(0, 23), minute=st.integers(0, 59), shift=st.integers(-60, 60))
@pytest.mark.usefixtures("machine")
def test_shift_keeps_the_time_of_day(day: date, hour: int, minute: int, shift: int) -> None:
    moment = datetime(day.year, day.month, day.day, hour, minute)
    there = datetime.fromtimestamp(Shift(shift).of(moment.timestamp()))
    wanted = moment + timedelta(days=shift)
    exists = datetime.fromtimestamp(wanted.timestamp()) == wanted
    if exists and datetime.fromtimestamp(moment.timestamp()) == moment:
        assert there == wanted or there.date() == wanted.date()
        assert abs(there - wanted) <= timedelta(hours=1)


@pytest.mark.parametrize("machine", ["Europe/Berlin"], indirect=True)
@pytest.mark.usefixtures("machine")
def test_equal_elapsed_time_across_a_clock_change() -> None:
    # clocks went back on 2026-10-25: the Sunday had 25 hours
    now = datetime(2026, 10, 25, 14, 20).timestamp()
    today = Period.about("hour", date(2026, 10, 25)).span.until(now)
    before = today.moved(Shift(-7))
    assert today.seconds == before.seconds + 3600
    assert datetime.fromtimestamp(before.end) == datetime(2026, 10, 18, 14, 20)
    assert len(Period.about("hour", date(2026, 10, 25)).parts()) == 25


def test_months_end_on_their_last_day() -> None:
    end = datetime(2026, 3, 31, 12).timestamp()
    assert datetime.fromtimestamp(Shift(months=-1).of(end)) == datetime(2026, 2, 28, 12)
    assert datetime.fromtimestamp(Shift(months=-13).of(end)) == datetime(2025, 2, 28, 12)
    period = Period.about("month", date(2026, 11, 25))
    assert datetime.fromtimestamp(period.span.begin) == datetime(2025, 12, 1)
    assert datetime.fromtimestamp(period.span.end) == datetime(2026, 12, 1)
    assert len(period.parts()) == 12


@several
@given(by=st.sampled_from(BYS), day=days, forward=st.booleans())
@pytest.mark.usefixtures("machine")
def test_next_period_and_back_is_the_same(by: By, day: date, forward: bool) -> None:
    period = Period.about(by, day, 12)
    other = period.next(forward)
    assert other != period and other.next(not forward) == period


@several
@given(
    hours=st.frozensets(st.tuples(st.integers(0, 6), st.integers(0, 23)), min_size=1),
    begin=days,
    length=st.integers(1, 200),
)
@pytest.mark.usefixtures("machine")
def test_open_spans_match_the_opening_hours(
    hours: frozenset[tuple[int, int]], begin: date, length: int
) -> None:
    opened = OpenHours(hours, scheduled=True)
    start = datetime(begin.year, begin.month, begin.day, 10, 20).timestamp()
    span = Span(start, start + length * 1800)
    found = opened.within(span)
    assert all(one.end < other.begin for one, other in itertools.pairwise(found))
    for minute in range(int(span.begin), int(span.end), 600):
        inside = any(one.begin <= minute < one.end for one in found)
        assert inside == (hour_of_week(minute) in hours), datetime.fromtimestamp(minute)


def test_schedule_defines_the_opening_hours() -> None:
    def camera(*hours: tuple[str, str]) -> CameraSettings:
        given_hours = [{"days": ["mon"], "begin": begin, "end": end} for begin, end in hours]
        return CameraSettings.model_validate({"source": "demo:", "hours": given_hours})

    found = scheduled_hours([camera(("09:30", "12:00")), camera(("22:00", "01:00"))])
    assert found is not None and found.scheduled
    assert found.hours == {(0, 9), (0, 10), (0, 11), (0, 22), (0, 23), (1, 0)}
    # if one camera always watches, schedules define nothing
    assert scheduled_hours([camera(("09:30", "12:00")), camera()]) is None
    assert scheduled_hours([]) is None
