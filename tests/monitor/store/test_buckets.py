"""Minutes, hours and days of several time zones."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sentistream.monitor.interfaces import Step
from sentistream.monitor.store.buckets import bucket_bounds, covering_buckets

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",  # half-hour offset
    "Australia/Lord_Howe",  # clocks change by half an hour
    "America/Havana",  # midnight occurs twice
    "Asia/Beirut",  # midnight does not exist
    "Pacific/Apia",  # 2011-12-30 does not exist
)
MOMENTS = st.integers(1_262_304_000, 1_893_456_000)  # 2010 to 2030

every_zone = pytest.mark.parametrize("zone_of_the_machine", ZONES, indirect=True)
quickly = hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@every_zone
@quickly
@given(second=MOMENTS)
def test_day_is_a_local_date(zone_of_the_machine: str, second: int) -> None:
    zone = ZoneInfo(zone_of_the_machine)

    def date(moment: int) -> dt.date:
        return dt.datetime.fromtimestamp(moment, zone).date()

    begin, end = bucket_bounds(Step.DAY, second)
    assert begin <= second < end
    assert {date(m) for m in (begin, second, end - 1)} == {date(second)}
    assert date(begin - 1) < date(begin)
    assert date(end) > date(second)
    assert bucket_bounds(Step.DAY, begin) == bucket_bounds(Step.DAY, end - 1) == (begin, end)


@every_zone
@quickly
@given(second=MOMENTS, step=st.sampled_from([Step.MINUTE, Step.HOUR]))
def test_minutes_and_hours_start_on_the_local_clock(
    zone_of_the_machine: str, second: int, step: Step
) -> None:
    begin, end = bucket_bounds(step, second)
    assert begin <= second < end
    assert end - begin == {Step.MINUTE: 60, Step.HOUR: 3600}[step]
    local = time.localtime(second)
    since = (local.tm_min * 60 if step is Step.HOUR else 0) + local.tm_sec
    assert begin == second - since


@pytest.mark.parametrize("zone_of_the_machine", ["Europe/Berlin"], indirect=True)
@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_on_which_clocks_change(zone_of_the_machine: str, date: str, hours: int) -> None:
    noon = dt.datetime.fromisoformat(f"{date}T12:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    begin, end = bucket_bounds(Step.DAY, int(noon.timestamp()))
    assert end - begin == hours * 3600


@pytest.mark.parametrize("zone_of_the_machine", ["Pacific/Apia"], indirect=True)
def test_skipped_date_has_no_bucket(zone_of_the_machine: str) -> None:
    """2011-12-29 was followed by 2011-12-31."""
    zone = ZoneInfo(zone_of_the_machine)
    before, after = (
        int(dt.datetime(2011, 12, day, 12, tzinfo=zone).timestamp()) for day in (29, 31)
    )
    assert after - before == 86_400
    assert (
        bucket_bounds(Step.DAY, before)[1] == bucket_bounds(Step.DAY, after)[0] == before + 43_200
    )


@pytest.mark.parametrize(
    "zone_of_the_machine", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Beirut"], indirect=True
)
@quickly
@given(begin=MOMENTS, length=st.integers(0, 40 * 86_400))
def test_buckets_cover_a_span_once(zone_of_the_machine: str, begin: int, length: int) -> None:
    cut = covering_buckets(begin, begin + length)
    if not cut:
        assert length == 0
        return
    assert begin - 60 < cut[0][1] <= begin
    assert begin + length <= cut[-1][2] < begin + length + 60
    for (_, _, end), (_, after, _) in itertools.pairwise(cut):
        assert end == after
    for step, first, last in cut:
        assert bucket_bounds(step, first)[0] == first
        assert bucket_bounds(step, last - 1)[1] == last
    assert len(cut) <= 5


def test_very_long_spans_are_split_too() -> None:
    assert covering_buckets(float("-inf"), 1.5)[-1][2] == 60
