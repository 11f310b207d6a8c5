"""Change-tracking triggers: found, told from others, and dropped where their table is not published.

orez (through PGlite, which has no logical replication) tracks changes with two triggers on each table:

    _zero_change_trigger  FOR EACH ROW        public._zero_track_change()   writes a row to _zero_changes
    _zero_notify_trigger  FOR EACH STATEMENT  public._zero_notify_change()  calls pg_notify

Some releases put them on all tables of `public`; Zero, which knows the published tables only, then ends with "Unknown
table". A trigger is taken for one of them only if its name, its function's schema and name, what it fires on, how often
(for each row or statement) and what the function does all agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wasmfix.errors import WasmfixError
from wasmfix.postgres.connect import Database
from wasmfix.postgres.publications import Chosen, Publication, Table, quoted

LOCK_TIMEOUT = 3
"""Seconds to wait for one table that others use."""
DROP_TIMEOUT = 10
"""Seconds to wait for all tables together: those that are locked already are closed to others meanwhile."""

_SCHEMA = "public"
# pg_trigger.tgtype, from catalog/pg_trigger.h.
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE, _INSTEAD = 1, 2, 4, 8, 16, 32, 64

# Of a trigger's name: the function's, whether it fires for each row, and what the function's body has to do.
_KINDS = {
    "_zero_change_trigger": (
        "_zero_track_change",
        _ROW,
        re.compile(r'\binsert\s+into\s+(?:"?\w+"?\s*\.\s*)?"?_zero_changes\b'),
    ),
    "_zero_notify_trigger": ("_zero_notify_change", 0, re.compile(r"\bpg_notify\s*\(")),
}
NAMES = tuple(_KINDS)
_FUNCTIONS = tuple(function for function, _row, _body in _KINDS.values())

_QUERY = """
    SELECT t.oid::int8 AS oid, c.oid::int8 AS table_oid, p.oid::int8 AS function_oid,
           n.nspname::text AS schema, c.relname::text AS table, t.tgname::text AS trigger,
           pn.nspname::text AS function_schema, p.proname::text AS function,
           t.tgtype::int4 AS type, t.tgenabled::text AS enabled, t.tgnargs::int4 AS arguments,
           l.lanname::text AS language, p.prosrc AS source, c.relkind::text AS kind
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_namespace pn ON pn.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE NOT t.tgisinternal
      AND t.tgparentid = 0  -- those of partitions come and go with that of the partitioned table
      AND (t.tgname = ANY(%s) OR p.proname = ANY(%s))
    ORDER BY n.nspname, c.relname, t.tgname"""

# Every table with all tables of its tree of partitions: a publication may have the root, a row the leaf's name.
_TREES = """
    SELECT c.oid::int8 AS oid, n.nspname::text AS schema, r.relname::text AS name
    FROM pg_class c
    CROSS JOIN LATERAL pg_partition_tree(coalesce(pg_partition_root(c.oid), c.oid)) AS tree
    JOIN pg_class r ON r.oid = tree.relid
    JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE c.oid::int8 = ANY(%s)"""


@dataclass(frozen=True)
class Trigger:
    oid: int
    table: Table
    table_oid: int
    name: str
    function: Table
    """Schema and name of the function."""
    function_oid: int
    enabled: bool
    kind: str
    """The table's, as in pg_class.relkind: r, p (partitioned) …"""
    doubt: str | None = None
    """Why it is not taken for change tracking, though its name or its function's says so."""
    published_by: tuple[str, ...] = ()
    """Publications that have its table, or a table of the same tree of partitions."""

    @property
    def statement(self) -> str:
        """The statement that drops it."""
        return f"DROP TRIGGER {quoted(self.name)} ON {self.table.sql};"

    def to_json(self) -> dict[str, object]:
        return {
            "schema": self.table.schema,
            "table": self.table.name,
            "trigger": self.name,
            "function": self.function.shown,
            "enabled": self.enabled,
            "published_by": list(self.published_by),
        }


@dataclass(frozen=True)
class Found:
    """The triggers of a database that are, or are called as if they were, change tracking."""

    stale: tuple[Trigger, ...]
    """Change tracking on tables that none of the chosen publications has."""
    wanted: tuple[Trigger, ...]
    """Change tracking on published tables."""
    doubtful: tuple[Trigger, ...]
    """Not taken for change tracking, never touched."""


def find_triggers(database: Database, publications: dict[str, Publication], chosen: Chosen) -> Found:
    """Sort the triggers that track changes by whether one of the chosen publications has their table."""
    stale, wanted, doubtful = [], [], []
    for trigger in _published(database, publications, tuple(_all(database))):
        if trigger.doubt is not None:
            doubtful.append(trigger)
        elif set(trigger.published_by) & set(chosen.all):
            wanted.append(trigger)
        else:
            stale.append(trigger)
    return Found(tuple(stale), tuple(wanted), tuple(doubtful))


def lock_tables(database: Database, triggers: Sequence[Trigger]) -> None:
    """Keep everybody from the triggers' tables until the transaction ends, and publications from taking them up.

    Raises:
        WasmfixError: somebody uses one of them for longer than LOCK_TIMEOUT, or this user may not.
    """
    database.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")
    database.run(f"SET LOCAL statement_timeout = '{DROP_TIMEOUT}s'")
    # Tables of their own only: views and foreign tables cannot be locked, DROP TRIGGER does it as well as it can.
    tables = {t.table: ("ONLY " if t.kind == "r" else "") + t.table.sql for t in triggers if t.kind in "rp"}
    if tables:
        # One statement, so that the time limit is for all of them.
        database.run(f"LOCK TABLE {', '.join(tables.values())} IN ACCESS EXCLUSIVE MODE")


def drop_triggers(database: Database, shown: Sequence[Trigger], current: Sequence[Trigger]) -> None:
    """Drop `shown`, unless what is there now (`current`, read after `lock_tables`) is not the same.

    Raises:
        WasmfixError: nothing is dropped; the caller's transaction is to be rolled back.
    """
    if {_identity(trigger) for trigger in shown} != {_identity(trigger) for trigger in current}:
        what = "the triggers, or what is published, changed since they were shown; nothing was dropped"
        raise WasmfixError(what, where=database.shown, remedy="run the command again")
    # The database's own event triggers may count on it.
    database.run("SET LOCAL search_path TO DEFAULT")
    for trigger in shown:
        database.run(trigger.statement)


def _identity(trigger: Trigger) -> Trigger:
    return replace(trigger, published_by=())


def _all(database: Database) -> Iterator[Trigger]:
    for row in database.rows(_QUERY, (list(NAMES), list(_FUNCTIONS))):
        function = Table(row["function_schema"], row["function"])
        yield Trigger(
            oid=row["oid"],
            table=Table(row["schema"], row["table"]),
            table_oid=row["table_oid"],
            name=row["trigger"],
            function=function,
            function_oid=row["function_oid"],
            # O: as ever; A: on replicas as well. R fires on replicas only, D never.
            enabled=row["enabled"] in ("O", "A"),
            kind=row["kind"],
            doubt=_doubt(row["trigger"], function, row["type"], row["language"], row["source"]),
        )


def _doubt(name: str, function: Table, type_: int, language: str, source: str) -> str | None:
    if name not in _KINDS:
        return f"it is not called {' or '.join(NAMES)}"
    wanted, row, does = _KINDS[name]
    if function.name != wanted:
        return f"it does not run {wanted}"
    if function.schema != _SCHEMA:
        return f"it runs {function.shown}, not the function of {_SCHEMA}"
    if type_ & _ROW != row:
        return f"it fires for each {'statement' if row else 'row'}, not for each {'row' if row else 'statement'}"
    if type_ & (_BEFORE | _INSTEAD | _TRUNCATE) or not type_ & (_INSERT | _UPDATE | _DELETE):
        return "it does not fire after INSERT, UPDATE or DELETE"
    if language != "plpgsql":
        return f"{function.name} is written in {language}, not in plpgsql"
    if not does.search(_without_comments(source).lower()):
        return f"{function.name} does something else"
    return None


_SKIPPED = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


def _without_comments(source: str) -> str:
    """The words of a function's body that are neither comments nor in quotes."""
    return _SKIPPED.sub(" ", source)


def _published(
    database: Database, publications: dict[str, Publication], triggers: Sequence[Trigger]
) -> Iterator[Trigger]:
    holders: dict[Table, list[str]] = {}
    for publication in publications.values():
        for table in publication.tables:
            holders.setdefault(table, []).append(publication.name)
    trees: dict[int, list[Table]] = {}
    if triggers:
        for row in database.rows(_TREES, ([trigger.table_oid for trigger in triggers],)):
            trees.setdefault(row["oid"], []).append(Table(row["schema"], row["name"]))
    for trigger in triggers:
        tree = [trigger.table, *trees.get(trigger.table_oid, ())]
        names = {name for table in tree for name in holders.get(table, ())}
        yield replace(trigger, published_by=tuple(sorted(names)))
