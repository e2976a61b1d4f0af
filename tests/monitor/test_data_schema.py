"""Readings and aggregates have the same fields wherever they are stored, sent or exported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel

from sentistream import client
from sentistream.monitor.alerts import WindowStats
from sentistream.monitor.api import schemas
from sentistream.monitor.api.series_file import SERIES_COLUMNS
from sentistream.monitor.interfaces import Aggregate
from sentistream.monitor.notify.payloads import state_payload
from sentistream.monitor.observations import SecondReading
from sentistream.monitor.store.database_export import AGGREGATE_COLUMNS, READING_COLUMNS
from sentistream.monitor.store.ingest import AggregateDelta
from sentistream.monitor.store.reading_tables import READINGS, SUMS
from sentistream.monitor.store.small_cell_suppression import RawAggregate

DEPRECATED = {"people"}
"""The deprecated name of ``appearances`` in responses and files."""


EXPLAINED = {"time_local", "begin_local", "end_local", "camera_name", "zone_name"}
"""Columns of exported files only: local times and names in place of other columns."""


def names(of: Any) -> set[str]:
    """The fields of a dataclass or of an API response."""
    if issubclass(of, BaseModel):
        return set(of.model_fields)
    return {field.name for field in fields(of)}


READING = names(SecondReading)
OUTSIDE_READING = READING - {"second"} | {"time"}
"""Outside the monitor, a reading's second is a timestamp."""

AGGREGATE = names(Aggregate)


@pytest.mark.parametrize(
    "found",
    [
        {column.name for column in READING_COLUMNS} - EXPLAINED,
        names(schemas.SingleReading),
        names(client.Reading),
    ],
    ids=["export", "REST", "client"],
)
def test_reading_fields_are_the_same_in_every_output(found: set[str]) -> None:
    assert found == OUTSIDE_READING


@pytest.mark.parametrize(
    "found",
    [
        {column.name for column in AGGREGATE_COLUMNS} - EXPLAINED | {"withheld"},
        names(schemas.AggregateInterval),
        names(client.Aggregate),
    ],
    ids=["export", "REST", "client"],
)
def test_aggregate_fields_are_the_same_in_every_output(found: set[str]) -> None:
    # an empty cell means withheld; responses have a field for it
    assert found - DEPRECATED == AGGREGATE | {"withheld"}


def test_stored_readings_have_the_same_fields() -> None:
    assert set(READINGS.columns.keys()) == READING


def test_stored_aggregates_have_the_same_fields() -> None:
    key = {"step", "begin", "camera", "zone"}
    assert {column.name for column in SUMS.primary_key} == key
    stored = set(SUMS.columns.keys())
    assert names(AggregateDelta) == stored - key - {"end"}
    # the column people counts appearances; arrived counts them once over several buckets
    assert stored - {"step", "people", "arrived"} == AGGREGATE - {"appearances"}
    assert names(RawAggregate) == AGGREGATE - {"camera", "zone", "begin", "end"}


def test_mqtt_sentiments_are_named_as_in_readings() -> None:
    shares = {"positive": 0.1, "neutral": 0.6, "negative": 0.3}
    measure = WindowStats(shares=shares, seen=9, appearances=9, covered=1)
    message = state_payload(measure, faces=2, time=0.0, minutes=10, smallest_group=5)
    sentiments = [name for name in message if name in READING]
    assert sentiments == list(shares)
    assert [message[name] for name in sentiments] == [10.0, 60.0, 30.0]


def test_exported_columns_are_unique() -> None:
    for columns in (READING_COLUMNS, AGGREGATE_COLUMNS, SERIES_COLUMNS):
        listed: Iterable[str] = [column.name for column in columns]
        assert len(set(listed)) == len(columns)
