"""What zero-cache keeps in a replica about itself: how far it is, from which publications, with which keys."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

from wasmfix.diagnostics.checks.replica_subject import SECTION, ReplicaSubject, check, is_damage, shown
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.errors import WasmfixError
from wasmfix.runtime import SqlError

_VERSIONS, _CONFIG, _STATE = "_zero.versionHistory", "_zero.replicationConfig", "_zero.replicationState"
_PUBLICATIONS = "ZERO_APP_PUBLICATIONS"
_QUIET = 3600.0
"""Seconds after which it is worth a word that no commit has come."""
_NAMED = 20


def _state(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    names = {table.name for table in subject.tables}
    if not subject.is_zeros:
        what = "it has no tables" if not names else "it has no table of Zero's"
        remedy = "Name the file that ZERO_REPLICA_FILE of zero-cache names."
        yield finding("WF210", subject.name, what, remedy=remedy, data={"tables": len(names)})
        return
    config, state = (_row(subject, name, names) for name in (_CONFIG, _STATE))
    missing = [
        f"{name}: {'it has no row' if name in names else 'the table is missing'}"
        for name, row in ((_CONFIG, config), (_STATE, state))
        if row is None
    ]
    if missing:
        what = "its initial copy was never finished"
        if subject.in_use:
            remedy = "Wait: a process has it open. If nothing moves, read zero-cache's log."
        else:
            remedy = "Start zero-cache; if it does not copy anew, delete the file with its -wal, -wal2 and -shm first."
        yield finding("WF211", subject.name, what, evidence=missing, remedy=remedy)
    if config is not None:
        yield Fact(SECTION, "replica version", shown(str(config.get("replicaVersion"))))
        yield from _publications(subject, config.get("publications"))
    if state is not None:
        yield Fact(SECTION, "state version", shown(str(state.get("stateVersion"))))
        yield from _age(subject, state.get("writeTimeMs"))


def _publications(subject: ReplicaSubject, content: object) -> Iterator[Item]:
    copied = _names(content)
    if copied is None:
        what = f"{_CONFIG} has publications that are no list"
        yield finding("WF211", subject.name, what, remedy="Delete the file and its logs: zero-cache copies anew.")
        return
    yield Fact(SECTION, "publications", shown(", ".join(copied)))
    setting = subject.options.setting(_PUBLICATIONS)
    asked, source = list(subject.options.publications), "--publication"
    if not asked and setting is not None:
        asked, source = [name.strip() for name in setting.value.split(",") if name.strip()], _PUBLICATIONS
    # zero-cache adds one of its own, `_<app>_metadata_<shard>`.
    own = {name for name in copied if name.startswith("_")}
    if not asked or set(asked) | own == set(copied):
        return
    extra, lacking = sorted(set(copied) - own - set(asked)), sorted(set(asked) - set(copied))
    said = [f"only in the replica: {shown(name)}" for name in extra] + [f"only in {source}: {name}" for name in lacking]
    yield finding(
        "WF213",
        subject.name,
        f"it was copied from other publications than {source} names",
        evidence=said,
        remedy="Restart zero-cache with the publications that you want: it copies anew.",
        data={"replica": copied, "configured": asked},
    )


def _age(subject: ReplicaSubject, written: object) -> Iterator[Item]:
    if not isinstance(written, int | float):
        return  # older versions of Zero do not keep it
    seconds = time.time() - written / 1000
    yield Fact(
        SECTION, "last commit", f"{_ago(seconds)} ago" if seconds >= 0 else f"{_ago(-seconds)} ahead of our clock"
    )
    if seconds < _QUIET:
        return
    running = subject.in_use
    yield finding(
        "WF212",
        subject.name,
        f"nothing was committed to it for {_ago(seconds)}" + (", though a process has it open" if running else ""),
        severity=Severity.WARNING if running else None,
        remedy="If rows were changed since, look at the replication slot: wasmfix diagnose --database-url URL."
        if running
        else "Start zero-cache, if it should run.",
        data={"seconds": round(seconds)},
    )


def _ago(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _keys(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    if not subject.is_zeros:
        return
    for table in subject.tables:
        if not table.published or table.keys:
            continue
        unique = [", ".join(map(shown, columns)) for columns in table.unique]
        what = "a column of its unique index may be null" if unique else "it has no primary key and no unique index"
        yield finding(
            "WF214",
            table.shown,
            f"Zero does not sync it: {what}",
            evidence=[f"unique: {columns}" for columns in unique],
            remedy="Give the table in PostgreSQL a primary key, or take it out of the publication.",
            data={"table": table.name},
        )


def _described(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    """Tables that zero-cache's own description has, against those that are there."""
    sql = 'SELECT DISTINCT table_name FROM "_zero.column_metadata"'
    try:
        described = {str(name) for (name,) in subject.db.execute(sql)}
    except SqlError as error:
        if is_damage(error):
            raise
        return  # versions of Zero before 0.25
    there = {table.name for table in subject.tables}
    published = {table.name for table in subject.tables if table.published}
    said = [f"described, not there: {shown(name)}" for name in sorted(described - there)]
    said += [f"there, not described: {shown(name)}" for name in sorted(published - described)]
    if described and said:
        yield finding(
            "WF215",
            subject.name,
            "its tables are not those that zero-cache has put down in _zero.column_metadata",
            evidence=said[:_NAMED],
            remedy="Stop zero-cache, delete the file with its -wal, -wal2 and -shm: it copies anew.",
            data={"missing": sorted(described - there), "unknown": sorted(published - described)},
        )


def _published(subject: ReplicaSubject, tell: Tell) -> Iterator[Item]:
    """Tables of the publications in PostgreSQL, against those that are there."""
    url = subject.options.database_url
    config = _row(subject, _CONFIG, {table.name for table in subject.tables}) if url else None
    publications = _names((config or {}).get("publications"))
    if url is None or not publications:
        return
    # Imported late: it brings in psycopg.
    from wasmfix.postgres.connect import connected

    tell("asking the database for its publications")
    sql = "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = ANY(%s)"
    try:
        with connected(url) as database:
            rows = database.rows(sql, [publications])
    except WasmfixError:
        return  # said where the database is looked at
    names = ((str(row["schemaname"]), str(row["tablename"])) for row in rows)
    wanted = {table if schema == "public" else f"{schema}.{table}" for schema, table in names}
    there = {table.name for table in subject.tables}
    missing = sorted(wanted - there)
    extra = sorted(table.name for table in subject.tables if table.published and table.name not in wanted)
    if missing or extra:
        said = [f"published, not in the replica: {shown(name)}" for name in missing]
        said += [f"in the replica, not published: {shown(name)}" for name in extra]
        yield finding(
            "WF222",
            subject.name,
            "its tables are not those that are published",
            evidence=said[:_NAMED],
            remedy="Restart zero-cache; if they still differ, delete the file with its logs first: it copies anew.",
            data={"missing": missing, "extra": extra},
        )


def _names(content: object) -> list[str] | None:
    with suppress(ValueError, TypeError):
        value = json.loads(str(content))
        return sorted(map(str, value)) if isinstance(value, list) else None
    return None


def _statistics(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    if not subject.is_zeros or not any(table.published for table in subject.tables):
        return
    try:
        known = subject.db.execute("SELECT count(*) FROM sqlite_stat1").one()
    except SqlError as error:
        if is_damage(error):
            raise
        known = None
    if known is None or known[0] == 0:
        what = "it has no statistics (sqlite_stat1): Zero's planner guesses what a query costs"
        yield finding("WF216", subject.name, what, remedy="Start zero-cache again: it runs ANALYZE after the copy.")


def _row(subject: ReplicaSubject, name: str, names: set[str]) -> dict[str, object] | None:
    if name not in names:
        return None
    for row in subject.db.execute(f'SELECT * FROM "{name}" LIMIT 1').dicts():
        return dict(row)
    return None


CHECKS = (
    check("state", ("WF210", "WF211", "WF212", "WF213"), _state),
    check("keys", ("WF214",), _keys),
    check("described-tables", ("WF215",), _described),
    check("published-tables", ("WF222",), _published),
    check("statistics", ("WF216",), _statistics),
)
