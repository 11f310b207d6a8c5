"""The server: its settings, its replication slots, and what Zero asks of published tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wasmfix.postgres.connect import Database
from wasmfix.postgres.publications import Table

# What Zero 1.9.0 accepts: change-source/pg/schema/validation.js.
_TABLE_NAME = r"^[A-Za-z_]+[A-Za-z0-9_-]*$"
_COLUMN_NAME = r"^[A-Za-z_]+[.A-Za-z0-9_-]*$"
_RESERVED_COLUMN = "_0_version"


@dataclass(frozen=True)
class Server:
    version: int
    """As server_version_num: 150004."""
    words: str
    """As `SHOW server_version`."""
    pglite: bool
    """PostgreSQL compiled to WebAssembly. It has no logical replication; who uses it with Zero (orez) imitates that."""
    wal_level: str
    slots: int
    max_slots: int
    senders: int
    max_senders: int
    user: str
    may_replicate: bool


@dataclass(frozen=True)
class Slot:
    name: str
    logical: bool
    active: bool
    status: str | None
    """wal_status: reserved, extended, unreserved, lost; None if it never held WAL."""
    lag: int | None
    """Bytes of WAL that are kept for it."""
    here: bool
    """Whether it belongs to this database: a physical slot belongs to none."""


@dataclass(frozen=True)
class PublishedTable:
    table: Table
    primary_key: bool
    identity: str
    """pg_class.relreplident: d (primary key), n (nothing), f (all columns), i (an index)."""
    identity_index: bool
    """Whether there is an index that is marked as the identity."""
    unique_index: str | None
    """An index that could be the identity: unique, not partial, not deferrable, of columns that are not null."""
    refused: tuple[str, ...]
    """Why Zero does not take it: names that it does not accept."""
    partitioned: bool


def look_at_server(database: Database) -> Server:
    """Settings and what is left of them."""
    [row] = database.rows("""
        SELECT current_setting('server_version_num')::int4 AS version, current_setting('server_version') AS words,
               version() AS compiled, current_setting('wal_level') AS wal_level,
               current_setting('max_replication_slots')::int4 AS max_slots,
               current_setting('max_wal_senders')::int4 AS max_senders,
               (SELECT count(*) FROM pg_replication_slots) AS slots,
               (SELECT count(*) FROM pg_stat_replication) AS senders,
               current_user::text AS user,
               -- Amazon's servers have a role instead of the attribute.
               (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)
               OR EXISTS (SELECT FROM pg_roles r
                          WHERE r.rolname = 'rds_replication' AND pg_has_role(current_user, r.oid, 'MEMBER'))
               AS may_replicate""")
    compiled = row["compiled"].lower()
    return Server(
        version=row["version"],
        words=row["words"],
        pglite=any(word in compiled for word in ("emscripten", "emcc", "wasm", "pglite")),
        wal_level=row["wal_level"],
        slots=row["slots"],
        max_slots=row["max_slots"],
        senders=row["senders"],
        max_senders=row["max_senders"],
        user=row["user"],
        may_replicate=bool(row["may_replicate"]),
    )


def find_slots(database: Database) -> tuple[Slot, ...]:
    """All slots of the server: they share its disk."""
    rows = database.rows("""
        SELECT slot_name::text AS name, slot_type = 'logical' AS logical, active, wal_status AS status,
               CASE WHEN pg_is_in_recovery() THEN NULL
                    ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 END AS lag,
               coalesce(database = current_database(), false) AS here
        FROM pg_replication_slots ORDER BY 1""")
    return tuple(Slot(**row) for row in rows)


def look_at_tables(database: Database, publications: Sequence[str]) -> tuple[PublishedTable, ...]:
    """What the publications' tables have that logical replication and Zero ask for."""
    rows = database.rows(
        """
        SELECT n.nspname::text AS schema, c.relname::text AS name, c.relreplident::text AS identity,
               c.relkind = 'p' AS partitioned,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS primary_key,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident) AS identity_index,
               (SELECT ic.relname::text FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
                  AND i.indpred IS NULL AND i.indexprs IS NULL
                  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                                  AND a.attnum = ANY(i.indkey) AND NOT a.attnotnull)
                ORDER BY 1 LIMIT 1) AS unique_index,
               c.relname !~ %s AS odd_name,
               ARRAY(SELECT a.attname::text FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       AND a.attname = ANY(p.attnames) AND (a.attname !~ %s OR a.attname = %s)
                     ORDER BY a.attnum) AS odd_columns
        FROM (SELECT schemaname, tablename, array_agg(DISTINCT column_name) AS attnames
              FROM pg_publication_tables CROSS JOIN LATERAL unnest(attnames) AS column_name
              WHERE pubname = ANY(%s) GROUP BY 1, 2) AS p
        JOIN pg_namespace n ON n.nspname = p.schemaname
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
        ORDER BY 1, 2""",
        (_TABLE_NAME, _COLUMN_NAME, _RESERVED_COLUMN, list(publications)),
    )
    return tuple(
        PublishedTable(
            table=Table(row["schema"], row["name"]),
            primary_key=row["primary_key"],
            identity=row["identity"],
            identity_index=row["identity_index"],
            unique_index=row["unique_index"],
            refused=(
                *(["its name has signs that Zero does not accept"] if row["odd_name"] else []),
                *(
                    f'the column "{name}" is reserved for Zero'
                    if name == _RESERVED_COLUMN
                    else f'the column "{name}" has signs that Zero does not accept'
                    for name in row["odd_columns"]
                ),
            ),
            partitioned=row["partitioned"],
        )
        for row in rows
    )


def different_columns(database: Database, publications: Sequence[str]) -> dict[Table, dict[str, tuple[str, ...]]]:
    """Tables that several of the publications have, each with other columns: columns by publication."""
    found: dict[Table, dict[str, tuple[str, ...]]] = {}
    for row in database.rows(
        """
        SELECT schemaname::text AS schema, tablename::text AS name, pubname::text AS publication,
               attnames::text[] AS columns
        FROM pg_publication_tables WHERE pubname = ANY(%s) ORDER BY 1, 2, 3""",
        (list(publications),),
    ):
        found.setdefault(Table(row["schema"], row["name"]), {})[row["publication"]] = tuple(row["columns"])
    return {
        table: columns for table, columns in found.items() if len({frozenset(each) for each in columns.values()}) > 1
    }
