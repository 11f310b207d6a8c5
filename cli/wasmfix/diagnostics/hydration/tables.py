"""The replica's tables as Zero's `computeZqlSpecs` sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wasmfix.diagnostics.checks.replica_subject import Table as ReplicaTable
from wasmfix.runtime import Connection

# Zero's `pg-data-type.ts`: PostgreSQL's types that it syncs.
_TYPES = {
    "number": """
        smallint, integer, int, int2, int4, int8, bigint, smallserial, serial, serial2, serial4, serial8, bigserial,
        decimal, numeric, real, double precision, float, float4, float8, date, time, timetz, time with time zone,
        time without time zone, timestamp, timestamptz, timestamp with time zone, timestamp without time zone""",
    "string": """
        bpchar, character, character varying, text, varchar, cidr, ean13, inet, isbn, isbn13, ismn, ismn13, issn,
        issn13, macaddr, macaddr8, pg_lsn, upc, uuid""",
    "boolean": "bool, boolean",
    "json": "json, jsonb",
}
_KINDS = {name.strip(): kind for kind, names in _TYPES.items() for name in names.split(",")}
_ARGUMENTS = re.compile(r"\(.*")


@dataclass(frozen=True)
class Table:
    name: str
    columns: Mapping[str, str]
    """Synced columns by name: `number`, `string`, `boolean` or `json`; with `_0_version`."""
    key: tuple[str, ...]
    """Primary key as Zero chooses it: the shortest unique index over columns that are never NULL."""
    rowid: str
    """The name under which this table's rowid can be had."""
    published: bool
    indexed: frozenset[str] = frozenset()
    """Columns that an index begins with."""


def tables_of(replica: Iterable[ReplicaTable], db: Connection) -> dict[str, Table]:
    """Tables that Zero can sync, by name. A table without a usable key, or WITHOUT ROWID, is not among them."""
    indexed: dict[str, set[str]] = {}
    sql = """SELECT m.tbl_name, i.name FROM sqlite_master m, pragma_index_info(m.name) i
             WHERE m.type = 'index' AND i.seqno = 0"""
    for table, column in db.execute(sql):
        indexed.setdefault(str(table), set()).add(str(column))
    seen = (
        (table.name, _table(table, frozenset(indexed.get(table.name, ()))))
        for table in replica
        if not table.name.startswith(("_zero.", "sqlite_"))
    )
    return {name: table for name, table in seen if table is not None}


def kind_of(declared: str) -> str | None:
    """The ZQL type of a column declared as `int4|NOT_NULL`, `text[]|TEXT_ARRAY`; None: not synced."""
    base, *attributes = declared.split("|")
    if base.endswith("[]") or "TEXT_ARRAY" in attributes:
        return "json"
    kind = _KINDS.get(_ARGUMENTS.sub("", base).strip().lower())
    return kind or ("string" if "TEXT_ENUM" in attributes else None)


def _table(replica: ReplicaTable, indexed: frozenset[str]) -> Table | None:
    columns = {column.name: kind for column in replica.columns if (kind := kind_of(column.type)) is not None}
    keys = [key for key in replica.keys if all(name in columns for name in key)]
    if not keys or replica.rowid is None:
        return None
    key = min(keys, key=lambda names: (len(names), names))
    return Table(replica.name, columns, key, replica.rowid, replica.published, indexed)
