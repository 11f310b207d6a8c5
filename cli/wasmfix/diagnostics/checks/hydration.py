"""What hydrating each table, and given queries, costs a view-syncer in heap."""

from __future__ import annotations

import difflib
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from wasmfix.diagnostics.checks.project_environment import NODE_OPTIONS
from wasmfix.diagnostics.checks.replica_subject import ReplicaSubject, TimeIsUpError, check, is_damage, shown
from wasmfix.diagnostics.checks.replica_tables import count_rows
from wasmfix.diagnostics.facts import Fact, HeapLimit, Item, Projection
from wasmfix.diagnostics.finding import Finding, Severity
from wasmfix.diagnostics.hydration.ast import Query, QueryError, count_terms, read_queries
from wasmfix.diagnostics.hydration.counts import Counts, add_up, bound_query, count_query, count_together
from wasmfix.diagnostics.hydration.limit import find_limit
from wasmfix.diagnostics.hydration.model import ERROR, Model, load_model
from wasmfix.diagnostics.hydration.sizes import RowSize, measure_rows
from wasmfix.diagnostics.hydration.statements import Sql
from wasmfix.diagnostics.hydration.statements import check as unknown_names
from wasmfix.diagnostics.hydration.tables import Table, tables_of
from wasmfix.diagnostics.machine import Machine, this_machine
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.diagnostics.sizes import show_size
from wasmfix.runtime import SqlError

TOGETHER = "all of them together"
"""The name of the projection of a client group that has every query."""
WARN_ROWS, MOST_ROWS = 100_000, 10_000_000
_SECONDS = 20.0
"""For counting each of the queries exactly, all in all; and as much again for the one count of them together."""
_SECONDS_FOR_SIZES = 20.0
"""For measuring the rows of all tables."""
_MOST_COUNTED = 5_000_000
"""Rows of the tables of a query: with more, its rows are bounded, not counted."""
_MOST_TERMS = 50_000
"""Conditions and literals: the clock is looked at when SQLite reads, not while it computes."""
_MB = 2**20


@dataclass
class _Scene:
    """What projections are made of."""

    subject: ReplicaSubject
    tables: Mapping[str, Table]
    rows: Mapping[str, int]
    limit: HeapLimit
    machine: Machine
    model: Model = field(default_factory=load_model)
    sizes: dict[str, RowSize] = field(default_factory=dict)
    seconds: float = _SECONDS
    """Left for counting queries."""
    seconds_for_sizes: float = _SECONDS_FOR_SIZES
    """Left for measuring rows."""

    @contextmanager
    def counting(self, what: str) -> Iterator[None]:
        """Ends with TimeIsUpError after half of the time that is left, so that other queries have theirs."""
        begin = time.monotonic()
        try:
            with self.subject.doing(what, max(0.0, self.seconds / 2)):
                yield
        finally:
            self.seconds -= time.monotonic() - begin

    def heap(self, together: Counts, each: list[Counts]) -> int:
        for counts in (together, *each):
            for name in (*counts.kept, *counts.held):
                if name not in self.sizes:
                    self.sizes[name] = self._size(self.tables[name])
        return self.model.heap(together, each, self.sizes)

    def _size(self, table: Table) -> RowSize:
        rows, subject = self.rows[table.name], self.subject
        begin = time.monotonic()
        try:
            with subject.doing(f"sizing rows of {shown(table.name)}", self.seconds_for_sizes / 2):
                return measure_rows(subject.db, table, rows)
        except (TimeIsUpError, SqlError) as error:
            if isinstance(error, SqlError) and is_damage(error):
                raise
            # Values of megabytes, or a column that SQLite does not read: what they take in the file is what they take
            # in memory, more or less.
            size = (subject.sizes or {}).get(table.name)
            payload = size.payload / rows if size is not None and rows else 0.0
            return RowSize(payload, len(table.columns), len(table.key), 20.0 * len(table.key))
        finally:
            self.seconds_for_sizes = max(0.0, self.seconds_for_sizes - (time.monotonic() - begin))


def _hydration(subject: ReplicaSubject, tell: Tell) -> Iterator[Item]:
    machine = this_machine()
    limit = find_limit(subject.options, machine)
    yield limit
    tables = tables_of(subject.tables, subject.db)
    rows = _row_counts(subject, tables)
    scene = _Scene(subject, {name: table for name, table in tables.items() if name in rows}, rows, limit, machine)
    file = subject.options.queries
    yield from _tables(scene, tell, only=file is None)
    if file is not None:
        yield from _queries(scene, read_queries(file), tell)


def _row_counts(subject: ReplicaSubject, tables: Mapping[str, Table]) -> dict[str, int]:
    """Of those that can be read; of the others the tables' check has said it."""
    counted = ((name, count_rows(subject, name)) for name in tables)
    return {name: count for name, count in counted if count is not None}


def _tables(scene: _Scene, tell: Tell, *, only: bool) -> Iterator[Item]:
    """Each table as a query that neither filters nor limits.

    Args:
        only: no queries are given; with them such a query is a possibility that is merely worth knowing.
    """
    published = [table for table in scene.tables.values() if table.published]
    for at, table in enumerate(published):
        tell(f"projecting {shown(table.name)}", at, len(published))
        rows = scene.rows[table.name]
        counts = Counts(rows, {table.name: rows})
        projection = Projection(shown(table.name), "table", rows, rows, scene.heap(counts, [counts]), ERROR)
        yield projection
        yield from _too_much(scene, projection, "WF251", counts, None if only else Severity.NOTE)


def _queries(scene: _Scene, queries: Mapping[str, Query | QueryError], tell: Tell) -> Iterator[Item]:
    known: dict[str, Query] = {}
    for name, query in queries.items():
        problems = list(_problems(scene, name, query))
        yield from problems
        if not problems and isinstance(query, Query):
            known[name] = query
    each: list[Counts] = []
    for at, (name, query) in enumerate(known.items()):
        tell(f"projecting the query {shown(name)}", at, len(known))
        counts = _counted(scene, name, query)
        each.append(counts)
        heap = scene.heap(counts, [counts])
        projection = Projection(shown(name), "query", counts.touched, counts.rows_kept, heap, ERROR)
        yield projection
        yield Fact("hydration", shown(name), _words(counts))
        yield from _too_much(scene, projection, "WF250", counts, None)
        yield from _too_many(scene, projection, counts)
    if len(each) > 1:
        together = _together(scene, list(known.values()), each)
        heap = scene.heap(together, each)
        projection = Projection(TOGETHER, "query", together.touched, together.rows_kept, heap, ERROR)
        yield projection
        yield Fact("hydration", TOGETHER, _words(together))
        yield from _too_much(scene, projection, "WF252", together, None, len(each))


def _problems(scene: _Scene, name: str, query: Query | QueryError) -> Iterator[Finding]:
    if isinstance(query, QueryError):
        yield finding("WF254", shown(name), str(query), remedy="Give the AST as Zero has it: docs/hydration.md.")
        return
    for kind, unknown in dict.fromkeys(unknown_names(query, scene.tables)):
        reason = _why_unknown(scene, kind, unknown)
        among = list(scene.tables) if kind == "table" else _columns(scene, unknown)
        near = difflib.get_close_matches(unknown.split(".")[-1] if kind == "column" else unknown, among, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(among)[:12]) or 'none'}."
        yield finding(
            "WF253",
            shown(name),
            f"it names the {kind} {shown(unknown)}, which {reason}",
            remedy=f"{hint} Use the names of the replica, which may differ from those of the client's schema.",
            data={"query": name, kind: unknown},
        )


def _why_unknown(scene: _Scene, kind: str, name: str) -> str:
    if kind == "table":
        there = scene.subject.table(name) is not None
        return "has no key that Zero could use, and is not synced" if there else "the replica does not have"
    table, _, column = name.rpartition(".")
    found = scene.subject.table(table)
    there = found is not None and any(each.name == column for each in found.columns)
    return "has a type that Zero does not sync" if there else "the replica does not have"


def _columns(scene: _Scene, name: str) -> list[str]:
    table = scene.tables.get(name.rpartition(".")[0])
    return list(table.columns) if table else []


def _counted(scene: _Scene, name: str, query: Query) -> Counts:
    """Exact where that can be had in time, else bounds."""
    db = scene.subject.db
    if count_terms(query) > _MOST_TERMS:
        return bound_query(query, scene.tables, scene.rows)
    names = {query.table, *(relation.query.table for relation in query.relations())}

    def matching(sql: Sql) -> int:
        row = db.execute(sql.text, sql.values).one()
        return row[0] if row is not None and isinstance(row[0], int) else 0

    try:
        with scene.counting(f"counting rows of the query {shown(name)}"):
            if sum(scene.rows[each] for each in names) <= _MOST_COUNTED:
                return count_query(db, query, scene.tables)
            return bound_query(query, scene.tables, scene.rows, matching)
    except TimeIsUpError:
        return bound_query(query, scene.tables, scene.rows)
    except SqlError as error:
        if is_damage(error):
            raise
        # Out of memory or of disk for what it sorts; a query with too many terms.
        return bound_query(query, scene.tables, scene.rows)


def _together(scene: _Scene, queries: list[Query], each: list[Counts]) -> Counts:
    bounds = add_up(each, scene.rows)
    if bounds.rows_kept > _MOST_COUNTED or sum(map(count_terms, queries)) > _MOST_TERMS:
        return bounds
    try:
        with scene.subject.doing("counting rows of all queries together", _SECONDS):
            return count_together(scene.subject.db, queries, each, scene.tables)
    except TimeIsUpError:
        return bounds
    except SqlError as error:
        if is_damage(error):
            raise
        return bounds


def _too_much(
    scene: _Scene, projection: Projection, id_: str, counts: Counts, severity: Severity | None, queries: int = 1
) -> Iterator[Finding]:
    limit = scene.limit.limit
    share = projection.heap / limit
    if share < 0.5:
        return
    # A bound proves nothing.
    over = share >= 1 and not counts.bound
    about = "at most" if counts.bound else "about"
    subject = "all queries" if id_ == "WF252" else projection.name
    who = f"hydrating {queries} queries of one client group" if queries > 1 else "hydrating it"
    if id_ == "WF251":
        who = "hydrating it as a whole"
    heap = show_size(projection.heap)
    what = f"{who} takes {about} {heap} of heap, {share:.0%} of the {show_size(limit)} that there are"
    largest = sorted(counts.kept.items(), key=lambda item: -item[1])[:3]
    evidence = [
        _words(counts),
        *(f"{shown(table)}: {rows:,} rows" for table, rows in largest if len(counts.kept) > 1),
        f"heap limit: {show_size(limit)} ({scene.limit.source})",
    ]
    advice, command = _advice(scene, projection)
    yield finding(
        id_,
        subject,
        what,
        severity=severity or (Severity.ERROR if over else Severity.WARNING),
        evidence=evidence,
        remedy=advice,
        command=command,
        data={
            "rows_touched": projection.rows_touched,
            "rows_kept": projection.rows_kept,
            "heap": projection.heap,
            "limit": limit,
            "exact": counts.exact,
        },
    )


def _advice(scene: _Scene, projection: Projection) -> tuple[str, str | None]:
    """What to do; a command where a larger heap is to be had."""
    fewer = "Give the query a limit or a filter (`.limit(1000)`, `.where(…)`), or fewer relations"
    step = 256 * _MB
    # So that it is below a half.
    wanted = (int(projection.heap * 2.1) // step + 1) * step
    memory = scene.machine.memory
    if scene.limit.source == "--heap-limit" or memory is None or wanted > memory * 0.75:
        return f"{fewer}.", None
    setting = scene.subject.options.setting(NODE_OPTIONS)
    option = f"--max-old-space-size={wanted // _MB}"
    # What a file has is anybody's text: the shell that it is pasted into must take none of it for more than that.
    value = f'"${{{NODE_OPTIONS}:-}} {option}"'
    if setting is not None and setting.file is not None:
        value = shlex.quote(f"{setting.value} {option}")
        if not setting.value.isprintable():
            return f"{fewer}; or set {option} in {NODE_OPTIONS}.", None
    return f"{fewer}; or let zero-cache have a larger heap.", f"export {NODE_OPTIONS}={value}"


def _too_many(scene: _Scene, projection: Projection, counts: Counts) -> Iterator[Finding]:
    rows = projection.rows_touched
    if rows < WARN_ROWS:
        return
    guard = MOST_ROWS if rows >= MOST_ROWS else WARN_ROWS
    yield finding(
        "WF255",
        projection.name,
        f"hydrating it reads {'up to ' if counts.bound else ''}{rows:,} rows, more than {guard:,}",
        severity=Severity.ERROR if rows >= MOST_ROWS and not counts.bound else Severity.WARNING,
        evidence=[_words(counts)],
        remedy="Filter by columns of the table itself, with an index on them; give it a limit.",
        data={"rows_touched": rows, "rows_kept": projection.rows_kept, "guard": guard},
    )


def _words(counts: Counts) -> str:
    how = "" if counts.exact else ", at most" if counts.bound else ", estimated"
    return f"{counts.touched:,} rows read, {counts.rows_kept:,} kept{how}"


CHECKS = (check("hydration", ("WF250", "WF251", "WF252", "WF253", "WF254", "WF255"), _hydration),)
