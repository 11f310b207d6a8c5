"""Rows of a table as JavaScript values: bytes in V8's heap, 64 bits, pointers not compressed, as in Node.

- A string has a header of 16 bytes and one byte a character if all are Latin-1, else two; a multiple of 8 in all. V8
  keeps one copy of strings of up to one character.
- A whole number within 32 bits is part of its slot; any other takes 16 bytes.
- What `JSON.parse` makes: 24 bytes an object and 8 a field, 48 an array and 8 an item; names of fields are shared.

Measured on all rows of a table of up to FULL rows, else on about SAMPLE of them, evenly spread over the rowids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasmfix.diagnostics.hydration.statements import quote
from wasmfix.diagnostics.hydration.tables import Table
from wasmfix.runtime import Connection

FULL = 4_000
SAMPLE = 2_000
_MOST_POINTS = 100_000
"""Rowids that are looked up to find SAMPLE rows."""
_AT_ONCE = 200
"""Columns."""
_POINTER = 8
_LATIN = "*[^\x01-\xff]*"
_JSON_LIMIT = 2**20


@dataclass(frozen=True)
class RowSize:
    """Of a table's rows, on the average."""

    values: float
    """Bytes of values outside of their slots."""
    columns: int
    key_columns: int
    key: float
    """Characters of the primary key."""


def measure_rows(db: Connection, table: Table, rows: int) -> RowSize:
    """Sizes of the rows of a table that has so many."""
    if not rows:
        return RowSize(0.0, len(table.columns), len(table.key), 0.0)
    chosen, parameters = _chosen(db, table, rows)
    features = [_value_sql(name) for name, kind in table.columns.items() if kind not in ("json", "boolean")]
    keys = " + ".join(f"coalesce(length(t.{quote(name)}), 0)" for name in table.key)
    row = db.execute(f"SELECT count(*), total({keys}) {chosen}", parameters).one()
    assert row is not None
    count, key, values = int(str(row[0])) or 1, float(str(row[1])), 0.0
    # SQLite takes expressions of a depth of 1,000, and a table may have 2,000 columns.
    for start in range(0, len(features), _AT_ONCE):
        some = features[start : start + _AT_ONCE]
        latin = [_LATIN] * len(some)
        row = db.execute(f"SELECT total({' + '.join(some)}) {chosen}", [*latin, *parameters]).one()
        values += float(str(row[0])) if row is not None else 0.0
    for name, kind in table.columns.items():
        if kind == "json":
            texts = db.execute(f"SELECT t.{quote(name)} {chosen}", parameters)
            values += sum(_parsed_text(text) for (text,) in texts if isinstance(text, str))
    return RowSize(values / count, len(table.columns), len(table.key), key / count)


def _chosen(db: Connection, table: Table, rows: int) -> tuple[str, list[int]]:
    """The rows to measure, as the end of a statement that has them as `t`, and its parameters."""
    name, rowid = quote(table.name), table.rowid
    if rows <= FULL:
        return f"FROM {name} t", []
    low, high = (_whole(db, f"SELECT {which}({rowid}) FROM {name}") for which in ("min", "max"))
    span = high - low + 1
    points = -(-SAMPLE * span // rows)
    joined = f"CROSS JOIN {name} t NOT INDEXED ON t.{rowid} = p.r"
    if points <= _MOST_POINTS:
        # Single rowids: with a `sqlite_stat1` from when the table was small, SQLite finds the next rowid after one by
        # reading the table from its beginning. Multiples of the golden ratio are in step with no pattern.
        chosen = (
            f"FROM (WITH RECURSIVE at(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM at WHERE n < {points - 1}) "
            f"SELECT ? + CAST(? * (n * 2654435769 % 4294967296 / 4294967296.0) AS INTEGER) AS r FROM at) p {joined}"
        )
        if _whole(db, f"SELECT count(*) {chosen}", [low, span]) >= SAMPLE // 4:
            return chosen, [low, span]
    # Rowids with large gaps: every so many-th row, by way of an index if there is one.
    every = f"SELECT r FROM (SELECT {rowid} AS r, row_number() OVER () AS n FROM {name}) WHERE n % {rows // SAMPLE} = 0"
    return f"FROM ({every}) p {joined}", []


def _whole(db: Connection, sql: str, parameters: Sequence[int] = ()) -> int:
    row = db.execute(sql, parameters).one()
    return row[0] if row is not None and isinstance(row[0], int) else 0


def _value_sql(name: str) -> str:
    """Bytes of a column's value; has one parameter."""
    column = f"t.{quote(name)}"
    small = f"{column} BETWEEN -2147483648 AND 2147483647 AND {column} = CAST({column} AS INTEGER)"
    number = f"CASE WHEN {small} THEN 0 ELSE 16 END"
    width = f"CASE WHEN {column} GLOB ? THEN 2 ELSE 1 END"
    text = f"CASE WHEN length({column}) < 2 THEN 0 ELSE 16 + (length({column}) * {width} + 7) / 8 * 8 END"
    return (
        f"CASE typeof({column}) WHEN 'text' THEN {text} WHEN 'integer' THEN {number} WHEN 'real' THEN {number} "
        f"WHEN 'blob' THEN 96 + length({column}) ELSE 0 END"
    )


def _parsed_text(text: str) -> float:
    if len(text) > _JSON_LIMIT:
        # Parsing would take long; a usual document takes twice its text.
        return 2.0 * len(text)
    try:
        return sum(_parsed(json.loads(text)))
    except (ValueError, RecursionError):
        return 0.0


def _parsed(value: object) -> Iterator[float]:
    if isinstance(value, str):
        yield string_size(value)
    elif isinstance(value, dict):
        yield 24 + _POINTER * len(value)
        for each in value.values():
            yield from _parsed(each)
    elif isinstance(value, list):
        yield 48 + _POINTER * len(value)
        for each in value:
            yield from _parsed(each)
    elif isinstance(value, (int, float)) and not (-(2**31) <= value < 2**31 and value == int(value)):
        yield 16


def string_size(text: str) -> int:
    """Bytes of a string of its own."""
    if len(text) < 2:
        return 0
    units = len(text) if text.isascii() or max(text) <= "\xff" else len(text.encode("utf-16-le", "surrogatepass"))
    return 16 + (units + 7) // 8 * 8
