"""Inserting what may be there already, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

_T = TypeVar("_T")
Row = Mapping[str, Any]

_AT_ONCE = 400
"""Keys asked for in one statement."""


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> list[Row]:
    """Inserts the rows whose key is not there; of two with the same key the first.

    Returns:
        Those that were inserted.
    """
    key = [column.name for column in table.primary_key]
    unique = {tuple(row[name] for name in key): row for row in reversed(rows)}
    if not unique:
        return []
    statement = _insert_new(connection.dialect.name, table)
    inserted = connection.execute(statement, [unique[one] for one in sorted(unique)])
    return [unique[tuple(one)] for one in inserted]


def insert_selected(
    connection: Connection, table: Table, names: Sequence[str], source: Select[Any]
) -> None:
    """Inserts what a query finds, where its key is not there."""
    insertion = _insertion(connection.dialect.name, table).from_select(list(names), source)
    connection.execute(insertion.on_conflict_do_nothing())


def add_to(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    added: tuple[str, ...] = (),
    replaced: tuple[str, ...] = (),
) -> None:
    """Inserts rows; where the key is there, adds to some columns and replaces others."""
    if rows:
        connection.execute(_add_to(connection.dialect.name, table, added, replaced), rows)


def some_at_once(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """As many as a statement may name, time after time."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _insertion(dialect: str, table: Table) -> Any:
    kind = postgresql if dialect == "postgresql" else sqlite
    return kind.insert(table)


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    return _insertion(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


@cache
def _add_to(dialect: str, table: Table, added: tuple[str, ...], replaced: tuple[str, ...]) -> Any:
    insertion = _insertion(dialect, table)
    return insertion.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={name: table.c[name] + insertion.excluded[name] for name in added}
        | {name: insertion.excluded[name] for name in replaced},
    )
