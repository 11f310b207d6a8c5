"""What is published, and which publications Zero uses.

Zero (1.9.0, `change-source/pg/schema/shard.js`) makes two schemas for an app and a shard number: `APP` with
`permissions`, `APP_N` with `clients`, `mutations`, `replicas` and `shardConfig`, whose one row names the publications:
those of ZERO_APP_PUBLICATIONS, or `_APP_public_N` (FOR TABLES IN SCHEMA public) if there are none, and in any case
`_APP_metadata_N` (permissions, clients, mutations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wasmfix.postgres.connect import Database


@dataclass(frozen=True)
class Table:
    schema: str
    name: str

    @property
    def shown(self) -> str:
        """For people: with quotes only where there is something odd."""
        return f"{_plainly(self.schema)}.{_plainly(self.name)}"

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True)
class Publication:
    name: str
    missing: tuple[str, ...]
    """Of insert, update, delete and truncate, what it leaves out."""
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Shard:
    """What a zero-cache has set up in this database."""

    schema: str
    publications: tuple[str, ...]
    ddl_detection: bool


@dataclass(frozen=True)
class Chosen:
    """The publications that Zero uses here, as far as that can be told."""

    names: tuple[str, ...]
    source: str
    """Who names them, for people; empty if nobody does."""
    metadata: tuple[str, ...] = ()
    """Zero's own, which go with them."""

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.names, *self.metadata)


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


_SHARDS = """
        SELECT n.nspname::text AS schema,
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
        FROM pg_namespace n
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'shardConfig' AND c.relkind = 'r'
        WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'publications'
                      AND a.atttypid = 'text[]'::regtype)
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'ddlDetection'
                      AND a.atttypid = 'bool'::regtype)
        ORDER BY 1"""


def find_shards(database: Database) -> tuple[Shard, ...]:
    """The shards that a zero-cache has set up, recognised by their tables' columns, as far as they can be read."""
    shards = []
    for row in database.rows(_SHARDS):
        if not row["readable"]:
            continue
        table = Table(row["schema"], "shardConfig").sql
        for config in database.rows(f'SELECT publications, "ddlDetection" AS detection FROM {table}'):
            shards.append(Shard(row["schema"], tuple(config["publications"]), config["detection"]))
    return tuple(shards)


def find_unreadable_shards(database: Database) -> tuple[str, ...]:
    """Schemas of the shards whose publications this user may not read."""
    return tuple(row["schema"] for row in database.rows(_SHARDS) if not row["readable"])


def find_publications(database: Database) -> dict[str, Publication]:
    """All publications, by name, with the tables that they come to (FOR ALL TABLES and schemas written out)."""
    tables: dict[str, list[Table]] = {}
    for row in database.rows("""
        SELECT pubname::text, schemaname::text, tablename::text FROM pg_publication_tables ORDER BY 1, 2, 3"""):
        tables.setdefault(row["pubname"], []).append(Table(row["schemaname"], row["tablename"]))
    found = {}
    for row in database.rows("""
        SELECT pubname::text, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication ORDER BY 1"""):
        missing = tuple(what for what in ("insert", "update", "delete", "truncate") if not row[f"pub{what}"])
        found[row["pubname"]] = Publication(row["pubname"], missing, tuple(tables.get(row["pubname"], ())))
    return found


def choose(
    given: Sequence[str], given_source: str, shards: Sequence[Shard], *, exact: bool, own: str | None = None
) -> Chosen:
    """Which publications count.

    Args:
        given: named by the user or the project's configuration; empty for what the database itself says.
        exact: `given` is all that there is. Otherwise it is one project's configuration, and what other shards in the
            same database publish counts as well: another app lives on it.
        own: the schema of the project's own shard, whose former configuration does not count.
    """
    internal = {name for shard in shards for name in shard.publications if _is_metadata(name, shard)}
    metadata = tuple(sorted(internal))
    if not given:
        names = sorted({name for shard in shards for name in shard.publications} - internal)
        source = f"what zero-cache has set up in {', '.join(shard.schema for shard in shards)}" if names else ""
        return Chosen(tuple(names), source, metadata)
    names = list(dict.fromkeys(given))
    source = given_source
    if not exact:
        others = [shard for shard in shards if shard.schema != own and set(shard.publications) - internal - set(names)]
        for shard in others:
            names += [name for name in shard.publications if name not in internal and name not in names]
        if others:
            source += f", and the shards {', '.join(shard.schema for shard in others)} in the database"
    return Chosen(tuple(names), source, metadata)


def parse_names(value: str) -> tuple[str, ...]:
    """The names in a ZERO_APP_PUBLICATIONS."""
    return tuple(name for part in value.split(",") if (name := part.strip()))


def _is_metadata(name: str, shard: Shard) -> bool:
    app, _, number = shard.schema.rpartition("_")
    return name == f"_{app}_metadata_{number}"


def _plainly(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and name == name.lower() else quoted(name)
