"""The figures of insight, against the visits themselves."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from insight.conftest import NOW, WEEKS, shop_settings
from insight.synthetic_visits import CAMERAS, DAY, HOUR, ZONES, Visit, fill, readings, visits
from sentistream.monitor.insight import (
    ALL_CAMERAS,
    Figures,
    Insight,
    Known,
    Period,
    Shift,
    Span,
    Verdict,
)
from sentistream.monitor.store import DatabaseStore, migrate, open_database
from sentistream.monitor.store.database import read_transaction
from sentistream.monitor.store.reading_tables import SUMS

BEGIN = NOW - WEEKS * 7 * DAY
several = hypothesis_settings(max_examples=30, deadline=None)


@pytest.fixture(scope="session")
def everybody() -> list[Visit]:
    """All visits of the database."""
    return list(visits(BEGIN, NOW, an_hour=8))


def brute_force(
    generated: Sequence[Visit], spans: Sequence[Span], camera: str, zone: str
) -> tuple[int, int]:
    """Appearances of each span added up, and seconds of faces."""
    appearances = seconds = 0
    for span in spans:
        for visit in generated:
            overlap = min(span.end, visit.begin + visit.stay) - max(span.begin, visit.begin)
            if overlap > 0 and camera in ("", visit.camera) and zone in ("", visit.zone):
                appearances += 1
                seconds += int(overlap)
    return appearances, seconds


def test_synthetic_weeks_equal_their_readings(tmp_path: Path) -> None:
    begin = NOW - NOW % DAY + 10 * HOUR
    end = begin + 1_800
    tables = []
    for name in ("written", "read"):
        engine = open_database(f"sqlite:///{tmp_path / name}.sqlite3")
        migrate(engine)
        if name == "written":
            fill(engine, begin, end, an_hour=60)
        else:
            generated = list(visits(begin, end, an_hour=60))
            DatabaseStore(engine, shop_settings).add(readings(generated, begin, end))
        with read_transaction(engine) as connection:
            tables.append([tuple(row) for row in connection.execute(select(SUMS))])
        engine.dispose()
    assert len(tables[0]) > 100
    assert sorted(tables[0]) == sorted(tables[1])


@several
@given(
    minutes=st.lists(st.integers(0, WEEKS * 7 * 1440 - 1), min_size=2, max_size=6, unique=True),
    camera=st.sampled_from(CAMERAS),
    zone=st.sampled_from(["", *ZONES]),
)
def test_totals_of_any_spans_match_their_visits(
    ten_weeks: Engine, everybody: list[Visit], minutes: list[int], camera: str, zone: str
) -> None:
    edges = [BEGIN + minute * 60.0 for minute in sorted(minutes)]
    spans = [Span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    settings = shop_settings(smallest_group=1)
    insight = Insight(DatabaseStore(ten_weeks, lambda: settings), settings, CAMERAS)
    found = insight.figures(spans, camera=camera, zone=zone)
    appearances, seconds = brute_force(everybody, spans, camera, zone)
    assert found.appearances == appearances
    assert (found.seen or 0.0) == seconds
    if found.negative is not None:
        assert found.negative.value == pytest.approx(
            _negative(everybody, spans, camera, zone) / seconds
        )
        assert found.dwell == pytest.approx(seconds / appearances)


def _negative(generated: Sequence[Visit], spans: Sequence[Span], camera: str, zone: str) -> float:
    return sum(
        visit.shares[2]
        / 10_000
        * max(0.0, min(span.end, visit.begin + visit.stay) - max(span.begin, visit.begin))
        for span in spans
        for visit in generated
        if visit.camera == camera and zone in ("", visit.zone)
    )


def test_batched_groups_equal_single_groups(ten_weeks: Engine) -> None:
    store = DatabaseStore(ten_weeks, shop_settings)
    monday = Period.about("day", datetime.fromtimestamp(NOW).date()).span.begin
    groups = [
        [
            (monday + day * DAY + h * HOUR, monday + day * DAY + (h + 2.5) * HOUR)
            for day in (-14, -7)
        ]
        for h in range(9, 19)
    ]
    together = store.totals(groups, zone=None)
    assert together == [store.totals([group], zone=None)[0] for group in groups]
    assert sum(len(group) for group in together) > 100


def _all_figures(insight: Insight) -> list[Figures]:
    today = datetime.fromtimestamp(NOW).date()
    found = [point.figures for point in insight.overview(NOW).places.values()]
    for camera, zone in insight.places():
        for by in ("minute", "hour", "day"):
            period = Period.about(by, today - timedelta(days=1), 12)
            series = insight.series(period, now=NOW, camera=camera, zone=zone)
            found += [point.figures for point in series.parts]
        heat = insight.heatmap(Span(NOW - 14 * DAY, NOW), camera=camera, zone=zone)
        found += list(heat.values())
    found += insight.ranking(Span(NOW - 3 * HOUR, NOW))
    return found


def test_small_groups_are_withheld_in_every_query(insight: Insight) -> None:
    found = _all_figures(insight)
    withheld = [one for one in found if one.known is Known.WITHHELD]
    assert len(withheld) > 50
    for one in found:
        if 0 < one.appearances < 5:
            assert one.known is Known.WITHHELD
        if one.known is Known.WITHHELD:
            shown = one.seen, one.speaking, one.positive, one.neutral, one.negative, one.dwell
            assert shown == (None,) * 6
    worst = insight.worst_hour(Span(NOW - DAY, NOW))
    assert worst is None or worst.figures.appearances >= 5


def test_totals_over_cameras_reveal_no_withheld_camera(insight: Insight, ten_weeks: Engine) -> None:
    """Totals over all cameras are sums of the shown ones only."""
    period = Period.about("hour", datetime.fromtimestamp(NOW).date() - timedelta(days=1))
    together = insight.series(period, now=NOW).parts
    each = [insight.series(period, now=NOW, camera=key).parts for key in CAMERAS]
    some = 0
    for place, point in enumerate(together):
        shown = [one[place].figures for one in each if one[place].figures.known is Known.SHOWN]
        some += 0 < len(shown) < len(CAMERAS)
        assert (point.figures.seen or 0.0) == sum(one.seen or 0.0 for one in shown)
        assert point.figures.appearances == sum(one[place].figures.appearances for one in each)
        if point.figures.negative is not None:
            basis = sum(one.appearances for one in shown)
            assert point.figures.negative.appearances == basis
    assert some  # in some hour a camera was withheld


def test_today_is_compared_with_the_same_weekday_up_to_the_same_time(
    insight: Insight, everybody: list[Visit]
) -> None:
    overview = insight.overview(NOW + 40)
    assert overview.span.end == NOW  # the current minute is excluded
    midnight = Period.about("hour", datetime.fromtimestamp(NOW).date()).span.begin
    assert overview.span.begin == midnight
    earlier = [
        brute_force(everybody, [Span(midnight, NOW).moved(Shift(-7 * week))], "tills", "till")[0]
        for week in range(1, 9)
    ]
    usual = overview.places["tills", "till"].usual.appearances
    assert usual is not None
    assert (usual.median, usual.low, usual.high, usual.count) == (
        statistics.median(earlier),
        min(earlier),
        max(earlier),
        8,
    )
    assert set(overview.places) == set(insight.places())


def test_current_week_is_compared_with_the_same_part_of_the_last(
    insight: Insight, everybody: list[Visit]
) -> None:
    period = Period.about("day", datetime.fromtimestamp(NOW).date())
    whole = insight.series(period, now=NOW, shift=Shift(-7)).whole
    assert whole.compared is not None
    before = Span(period.span.begin, NOW).moved(Shift(-7))
    assert whole.compared.before.span == before
    assert whole.compared.before.appearances == brute_force(everybody, [before], "", "")[0]
    assert not whole.compared.is_incomplete and whole.compared.covered == 1
    parts = insight.series(period, now=NOW, shift=Shift(-7)).parts
    running = parts[datetime.fromtimestamp(NOW).weekday()]
    assert running.figures.span.end == NOW and running.compared is not None
    assert running.compared.before.span.end == NOW - 7 * DAY
    assert [point.figures.known for point in parts[-4:]] == [Known.AHEAD] * 4


def test_missing_earlier_data_is_reported(insight: Insight) -> None:
    period = Period.about("day", datetime.fromtimestamp(BEGIN + DAY).date())
    compared = insight.series(period, now=NOW, shift=Shift(-7)).whole.compared
    assert compared is not None and compared.is_incomplete and compared.covered == 0
    # and missing data does not count as usual
    first = insight.series(Period.about("week", datetime.fromtimestamp(NOW).date()), now=NOW)
    assert first.parts[0].usual.weeks == 0 and first.parts[0].usual.negative is None
    assert first.parts[-1].usual.weeks >= 8


def test_outlier_is_found_and_ordinary_days_are_not(ten_weeks: Engine, tmp_path: Path) -> None:
    DatabaseStore(ten_weeks, shop_settings).backup(tmp_path / "m.sqlite3")
    engine = open_database(f"sqlite:///{tmp_path / 'm.sqlite3'}")
    bad = Period.about("hour", datetime.fromtimestamp(NOW).date() - timedelta(days=2)).span
    with engine.begin() as connection:
        table = SUMS.c
        chosen = SUMS.update().where(
            table.step == "day", table.begin == int(bad.begin), table.camera == "hall"
        )
        connection.execute(chosen.values(negative=table.negative + table.positive, positive=0))
    settings = shop_settings()
    insight = Insight(DatabaseStore(engine, lambda: settings), settings, CAMERAS)
    period = Period.between(
        datetime.fromtimestamp(NOW).date() - timedelta(days=14),
        datetime.fromtimestamp(NOW).date() - timedelta(days=1),
        "day",
    )
    parts = insight.series(period, now=NOW, camera="hall").parts
    above = [p.figures.span.begin for p in parts if p.verdict("negative") is Verdict.ABOVE]
    assert above == [bad.begin]
    engine.dispose()


def test_worst_hour_and_ranking_find_noon_and_tills(insight: Insight) -> None:
    span = Span(NOW - 28 * DAY, NOW)
    ranking = [one for one in insight.ranking(span) if one.zone]
    shown = [one for one in ranking if one.negative is not None and not one.negative.is_vague]
    assert {one.zone for one in shown[:3]} == {"till"}
    values = [one.negative.value for one in shown if one.negative is not None]
    assert values == sorted(values, reverse=True)
    heat = insight.heatmap(span)
    by_hour = {
        hour: statistics.mean(
            one.negative.value for (_, h), one in heat.items() if h == hour and one.negative
        )
        for hour in range(9, 20)
    }
    assert set(sorted(by_hour, key=lambda hour: by_hour[hour])[-2:]) == {12, 17}


def test_worst_hour_is_significant(busy_week: Insight, insight: Insight) -> None:
    span = Span(NOW - 3 * DAY, NOW)
    worst = busy_week.worst_hour(span)
    assert worst is not None and worst.figures.negative is not None
    hours = [
        one
        for one in _hours(busy_week, span)
        if one.negative is not None and not one.negative.is_vague
    ]
    assert worst.figures.negative.low == max(one.negative.low for one in hours if one.negative)
    assert datetime.fromtimestamp(worst.figures.span.begin).hour in (12, 17)
    # where few people come, no hour is singled out
    assert insight.worst_hour(Span(NOW - 3 * HOUR, NOW)) is None


def _hours(insight: Insight, span: Span) -> list[Figures]:
    found = []
    for camera, zone in insight.places():
        period = Period("hour", span)
        series = insight.series(period, now=NOW, camera=camera, zone=zone)
        found += [point.figures for point in series.parts]
    return found


def test_opening_hours_follow_from_the_data_and_limit_the_figures(
    insight: Insight, everybody: list[Visit]
) -> None:
    hours = insight.open_hours(NOW)
    assert hours is not None and not hours.scheduled
    assert {hour for _, hour in hours.hours} == set(range(9, 20))
    period = Period.about("hour", datetime.fromtimestamp(NOW).date() - timedelta(days=1))
    series = insight.series(period, now=NOW, hours=hours)
    assert [datetime.fromtimestamp(p.figures.span.begin).hour for p in series.parts] == list(
        range(9, 20)
    )
    opened = hours.within(period.span)
    assert series.whole.figures.appearances == brute_force(everybody, opened, "", "")[0]
    week = Period.about("day", datetime.fromtimestamp(NOW).date() - timedelta(days=7))
    for point in insight.series(week, now=NOW, hours=hours, camera="hall").parts:
        assert (
            point.figures.appearances
            == (brute_force(everybody, hours.within(point.figures.span), "hall", "")[0])
        )


def test_minutes_are_merged_until_enough_can_be_shown(insight: Insight) -> None:
    day = datetime.fromtimestamp(NOW).date() - timedelta(days=1)
    one = insight.series(Period.about("minute", day, 12), now=NOW, camera="terrace")
    assert one.period.minutes == 15 and len(one.parts) == 4
    night = insight.series(Period.about("minute", day, 3), now=NOW)
    assert night.period.minutes == 1 and len(night.parts) == 60  # nothing to merge


def test_report_consists_of_the_series_and_the_places(insight: Insight) -> None:
    span = Period.about("day", datetime.fromtimestamp(NOW).date() - timedelta(days=7)).span
    report = insight.report(span, Shift(-7), now=NOW)
    series = insight.series(Period("day", span), now=NOW, shift=Shift(-7))
    assert report.whole == series.whole.compared and list(report.days) == list(series.parts)
    assert report.worst == insight.worst_hour(span)
    for (camera, zone), compared in report.places.items():
        assert compared.now == insight.figures([span], camera=camera, zone=zone)
    assert {(one.camera, one.zone) for one in report.ranking} == set(report.places)
    assert report.whole.now.camera == ALL_CAMERAS
