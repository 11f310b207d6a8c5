"""How many rows hydrating a query reads and keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wasmfix.diagnostics.hydration.ast import Query, exists_in
from wasmfix.diagnostics.hydration.statements import EXISTS_LIMIT, Plan, Sql, condition_sql, plan, quote
from wasmfix.diagnostics.hydration.tables import Table
from wasmfix.runtime import Connection


@dataclass(frozen=True)
class Counts:
    """Of a query, or of several together."""

    touched: int
    """Rows that SQLite hands to JavaScript, each time that it does."""
    kept: Mapping[str, int]
    """Distinct rows by table that go to the client, and of which records are kept."""
    held: Mapping[str, int] = field(default_factory=dict)
    """Rows by table that an EXISTS read from its child's side holds while the query is hydrated."""
    exact: bool = True
    """False: upper bounds, or Zero's planner decides at run time."""
    bound: bool = False
    """True: not counted, there may be far fewer."""

    @property
    def rows_kept(self) -> int:
        return sum(self.kept.values())


def count_query(db: Connection, query: Query, tables: Mapping[str, Table]) -> Counts:
    """Counted by the engine: rows read and kept.

    Exact without EXISTS. With it, exact but for which rows of a child Zero happens to look at first, and for whether
    its planner reads the child first where the query does not say: what reads fewer rows is taken.
    """
    first = _count(db, plan(query, tables))
    if plan(query, tables).decided:
        return first
    second = _count(db, plan(query, tables, flips=_Always()))
    return min(first, second, key=lambda counts: counts.touched)


def count_together(
    db: Connection, queries: Sequence[Query], each: Sequence[Counts], tables: Mapping[str, Table]
) -> Counts:
    """Queries of one client group: a row that several of them keep is kept once.

    Args:
        each: their own counts.
    """
    plans = []
    for number, (query, counts) in enumerate(zip(queries, each, strict=True)):
        flips = _Always() if counts.held else None
        plans.append(plan(query, tables, f"q{number}_", flips))
    joined = Plan(
        [node for one in plans for node in one.nodes],
        [expression for one in plans for expression in one.expressions],
    )
    names, parts = _kept(joined)
    found = _ask(db, joined, parts)
    kept = {table: found["kept", number] for number, table in enumerate(names)}
    return Counts(sum(counts.touched for counts in each), kept, exact=all(counts.exact for counts in each))


def bound_query(
    query: Query, tables: Mapping[str, Table], rows: Mapping[str, int], matching: Callable[[Sql], int] | None = None
) -> Counts:
    """Upper bounds from the sizes of tables alone, for what is too large to be counted.

    Args:
        rows: of each table.
        matching: counts what meets the query's own condition; None: all rows may.
    """
    touched: dict[str, int] = {}
    kept: dict[str, int] = {}

    def visit(each: Query, most: int, synced: bool) -> None:
        touched[each.table] = touched.get(each.table, 0) + most
        if synced:
            kept[each.table] = min(rows[each.table], kept.get(each.table, 0) + most)
        for relation, cap in (
            *((relation, relation.query.limit) for relation in each.related),
            *((one.relation, EXISTS_LIMIT if one.flip is False else None) for one in exists_in(each.where)),
        ):
            size = rows[relation.query.table]
            # Every parent may lead to the same rows; as many reads as there are rows is what can be said.
            below = size if cap is None else min(size, most * cap)
            visit(relation.query, max(below, min(most, size)), synced and relation.synced)

    most = rows[query.table]
    if matching is not None and not any(exists_in(query.where)):
        where = condition_sql(query.where, tables[query.table], "x", tables)
        most = matching(Sql(f"SELECT count(*) FROM {quote(query.table)} x WHERE {where.text}", where.values))
    visit(query, most if query.limit is None else min(most, query.limit), True)
    return Counts(sum(touched.values()), kept, exact=False, bound=True)


def add_up(each: Iterable[Counts], rows: Mapping[str, int]) -> Counts:
    """Upper bound for several together: nothing is shared, and no table gives more rows than it has."""
    touched, kept = 0, dict[str, int]()
    for counts in each:
        touched += counts.touched
        for table, number in counts.kept.items():
            kept[table] = min(rows[table], kept.get(table, 0) + number)
    return Counts(touched, kept, exact=False, bound=True)


class _Always(dict[int, bool]):
    """Every EXISTS flipped."""

    def get(self, key: int, default: object = None) -> bool:
        return True


def _count(db: Connection, made: Plan) -> Counts:
    first = made.nodes[0]
    if len(made.expressions) == 1:
        # No rows have to be put anywhere to be counted.
        _, only = made.expressions[0]
        rows = _number(db, Sql(f"SELECT count(*) FROM ({only.text})", only.values))
        return Counts(rows, {first.table.name: rows}, exact=made.exact)
    parts: list[Sql] = []
    for number, node in enumerate(made.nodes):
        parts.append(Sql(f"SELECT 'emitted', {number}, total(w) FROM {node.name}"))
        if node.looked_at is not None:
            parts.append(Sql(f"SELECT 'looked at', {number}, count(*) FROM {node.looked_at}"))
        if node.held is not None:
            parts.append(Sql(f"SELECT 'held', {number}, ({node.held.text})", node.held.values))
    tables, kept = _kept(made)
    counts = _ask(db, made, [*parts, *kept])
    touched, held = 0, dict[str, int]()
    for number, node in enumerate(made.nodes):
        emitted = counts["emitted", number]
        touched += counts.get(("looked at", number), emitted)
        touched += emitted if node.again and node.synced else 0
        if node.held is not None:
            held[node.table.name] = held.get(node.table.name, 0) + counts["held", number]
    exact = made.exact and all(node.looked_at is None for node in made.nodes)
    return Counts(touched, {table: counts["kept", number] for number, table in enumerate(tables)}, held, exact)


def _kept(made: Plan) -> tuple[list[str], list[Sql]]:
    """Tables of which rows are kept, and for each a statement that counts them, each row once."""
    by_table: dict[str, list[str]] = {}
    for node in made.nodes:
        if node.synced:
            by_table.setdefault(node.table.name, []).append(node.name)
    parts = []
    for number, names in enumerate(by_table.values()):
        # The rows of one node are distinct.
        union = " UNION ".join(f"SELECT r FROM {name}" for name in names)
        parts.append(Sql(f"SELECT 'kept', {number}, count(*) FROM ({union})"))
    return list(by_table), parts


def _ask(db: Connection, made: Plan, parts: Sequence[Sql]) -> dict[tuple[str, int], int]:
    cte = made.cte()
    values = [*cte.values, *(value for part in parts for value in part.values)]
    rows = db.execute(cte.text + " UNION ALL ".join(part.text for part in parts), values)
    return {(str(what), _int(number)): _int(count) for what, number, count in rows}


def _number(db: Connection, sql: Sql) -> int:
    row = db.execute(sql.text, sql.values).one()
    return _int(row[0]) if row else 0


def _int(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
