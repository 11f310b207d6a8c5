"""A query as SQL: which rows Zero's pipeline reads from SQLite, how often, and which of them it keeps.

Each place in a query where rows come out is a *node*: the query itself, each relation, each subquery of an EXISTS. A
node's SQL gives `(r, w)`, the rowids of its rows and how often the pipeline emits each: a row is read again for every
parent that leads to it. All nodes of a query are common table expressions of one statement, each made of its parent's.

The pipeline, by Zero 1.9.0 (`zql/src/builder/builder.ts`, `zql/src/ivm/`, `zqlite/src/query-builder.ts`):

- conditions on columns are SQLite's; rows that they drop never reach JavaScript.
- EXISTS, not flipped: for every candidate, up to EXISTS_LIMIT rows of the child are read; those of a row that is kept
  are read once more, and go to the client.
- EXISTS, flipped: all rows of the child are read first and held in memory; then the parents that they lead to. All
  that match a row that is kept go to the client.
- a limit below a relation is one for each value of the parent's columns.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wasmfix.diagnostics.hydration.ast import (
    Column,
    Comparison,
    Condition,
    Exists,
    Junction,
    Query,
    QueryError,
    Relation,
    exists_in,
    without_exists,
)
from wasmfix.diagnostics.hydration.tables import Table

EXISTS_LIMIT = 3
PERMISSIONS_LIMIT = 1

_IN_PART = 500
"""Values of an IN; SQLite takes 500 parts."""
_FEW = 2_000
"""Parents of which each may be looked up by itself."""

Value = str | int | float | None
Bound = list[Value]


@dataclass(frozen=True)
class Sql:
    text: str
    values: Bound = field(default_factory=list)


@dataclass(frozen=True)
class Node:
    """A place in a query where rows come out."""

    name: str
    """Of the common table expression."""
    table: Table
    synced: bool
    """Whether its rows go to the client."""
    looked_at: str | None = None
    """Of the expression with the rows that are read to find out which ones there are; None: no others than come out."""
    again: bool = False
    """The child of an EXISTS that is not flipped: what comes out was looked at before, and is read once more."""
    most: int | None = None
    """Rows that there can be by its limit and those above it; None: any number."""
    held: Sql | None = None
    """Counts the rows of a flipped child, all of which are in memory at once."""


@dataclass
class Plan:
    """All nodes of a query, in the order in which the common table expressions have to stand."""

    nodes: list[Node] = field(default_factory=list)
    expressions: list[tuple[str, Sql]] = field(default_factory=list)
    decided: bool = True
    """False: there is an EXISTS of which Zero's planner decides at run time whether to flip it."""
    exact: bool = True
    """False: an ILIKE folds letters beyond ASCII, which the engine does not do in Python."""

    def cte(self) -> Sql:
        """`WITH …`, to stand in front of a statement."""
        parts = [f"{name} AS MATERIALIZED ({sql.text})" for name, sql in self.expressions]
        return Sql("WITH " + ", ".join(parts) + " ", [value for _, sql in self.expressions for value in sql.values])


Chooser = Mapping[int, bool]
"""For each EXISTS whose `flip` is not given, by its number in the order of `plan`: flipped or not."""


def check(query: Query, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """Every unknown name: ("table", its name), ("column", table.column)."""
    table = tables.get(query.table)
    if table is None:
        yield "table", query.table
    elif unknown := [column for column in _columns(query) if column not in table.columns]:
        yield from (("column", f"{query.table}.{column}") for column in unknown)
    for relation in (*query.related, *(each.relation for each in exists_in(query.where))):
        child = tables.get(relation.query.table)
        if child is not None:
            unknown = [column for column in relation.child if column not in child.columns]
            yield from (("column", f"{relation.query.table}.{column}") for column in unknown)
        yield from check(relation.query, tables)


def plan(query: Query, tables: Mapping[str, Table], prefix: str = "", flips: Chooser | None = None) -> Plan:
    """The nodes of a query.

    Args:
        prefix: of the names, so that several queries can stand in one statement.

    Raises QueryError: a table is not known.
    """
    return _Planner(tables, prefix, {} if flips is None else flips).plan(query)


def condition_sql(condition: Condition | None, table: Table, alias: str, tables: Mapping[str, Table]) -> Sql:
    """A condition with its subqueries, on the row of `alias`."""
    if condition is None:
        return Sql("1")
    if isinstance(condition, Comparison):
        return _comparison_sql(condition, table, alias)
    if isinstance(condition, Exists):
        relation = condition.relation
        child = _table(relation.query.table, tables)
        if relation.query.limit == 0:
            return Sql("1" if condition.negated else "0")
        below = f"{alias}c"
        inner = condition_sql(relation.query.where, child, below, tables)
        parents = [_column(alias, name) for name in relation.parent]
        children = [_column(below, name) for name in relation.child]
        source = f"FROM {quote(child.name)} {below} WHERE {inner.text}"
        if child.indexed.isdisjoint(relation.child):
            # Not correlated: without an index SQLite would read the child for every parent.
            text = f"(({', '.join(parents)}) IN (SELECT {', '.join(children)} {source})) IS TRUE"
        else:
            led_to = " AND ".join(f"{one} = {other}" for one, other in zip(children, parents, strict=True))
            text = f"EXISTS (SELECT 1 {source} AND {led_to})"
        return Sql(f"(NOT ({text}))" if condition.negated else f"({text})", inner.values)
    parts = [condition_sql(each, table, alias, tables) for each in condition.conditions]
    if not parts:
        return Sql("1" if condition.all else "0")
    joined = (" AND " if condition.all else " OR ").join(part.text for part in parts)
    return Sql(f"({joined})", [value for part in parts for value in part.values])


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Planner:
    def __init__(self, tables: Mapping[str, Table], prefix: str, flips: Chooser) -> None:
        self._tables = tables
        self._prefix = prefix
        self._flips = flips
        self._plan = Plan()
        self._exists = 0

    def plan(self, query: Query) -> Plan:
        table = _table(query.table, self._tables)
        where = self._where(query, table)
        text = f"SELECT x.{table.rowid} AS r, 1 AS w FROM {quote(table.name)} x WHERE {where.text}"
        if query.limit is not None:
            text += f" ORDER BY {_order_sql(query, table)} LIMIT {query.limit}"
        ways = self._ways(query)
        node = self._node(Sql(text, where.values), table, True, query.limit)
        if not all(ways):
            some = self._some(query, table, ways)
            ranked = f"row_number() OVER (ORDER BY {_order_sql(query, table)})"
            looked_at = self._until(query, table, f"{quote(table.name)} x WHERE {some.text}", some, ranked, None)
            node = replace(node, looked_at=looked_at)
        self._add(node, query, ways)
        queries = [query, *(relation.query for relation in query.relations())]
        self._plan.exact = not any(_folds(each.where) for each in queries)
        return self._plan

    def _related(self, parent: Node, relation: Relation) -> None:
        query, table = relation.query, _table(relation.query.table, self._tables)
        ways = self._ways(query)
        joined = self._joined(self._keys(parent.name, parent.table, relation.parent), relation, table)
        text = self._limited(
            query, table, relation, joined, self._where(query, table), query.limit, ordered=True, few=_few(parent)
        )
        most = _times(parent.most, query.limit)
        node = self._node(text, table, parent.synced and relation.synced, most)
        if not all(ways):
            some = self._some(query, table, ways)
            name = self._express("c", Sql(f"SELECT x.{table.rowid} AS r FROM {joined} WHERE {some.text}", some.values))
            node = replace(node, looked_at=name)
        self._add(node, query, ways)

    def _exists_in(self, parent: Node, exists: Exists, flip: bool) -> None:
        relation = exists.relation
        query, table = relation.query, _table(relation.query.table, self._tables)
        ways = self._ways(query)
        where = self._where(query, table)
        joined = self._joined(self._keys(parent.name, parent.table, relation.parent), relation, table)
        limit = None if flip else (EXISTS_LIMIT if relation.synced else PERMISSIONS_LIMIT)
        text = self._limited(query, table, relation, joined, where, limit, ordered=False, few=_few(parent))
        # What does not exist has no rows to come out; they are only looked for.
        synced = parent.synced and relation.synced and not exists.negated
        node = self._node(text, table, synced, _times(parent.most, limit))
        some = self._some(query, table, ways)
        if flip:
            source = f"{quote(table.name)} x WHERE"
            looked_at = self._express("c", Sql(f"SELECT x.{table.rowid} AS r FROM {source} {some.text}", some.values))
            node = replace(
                node, looked_at=looked_at, held=Sql(f"SELECT count(*) FROM {source} {where.text}", where.values)
            )
        elif limit is not None:
            keys = self._keys(parent.looked_at or parent.name, parent.table, relation.parent)
            columns = ", ".join(_column("x", name) for name in relation.child)
            source = f"{self._joined(keys, relation, table)} WHERE {some.text}"
            ranked = f"row_number() OVER (PARTITION BY {columns} ORDER BY x.{table.rowid})"
            capped = replace(query, limit=limit)
            node = replace(node, looked_at=self._until(capped, table, source, some, ranked, columns), again=True)
        self._add(node, query, ways)

    def _ways(self, query: Query) -> list[bool]:
        """For each EXISTS of the query, whether it is flipped."""
        ways = []
        for exists in exists_in(query.where):
            number, self._exists = self._exists, self._exists + 1
            self._plan.decided = self._plan.decided and (exists.flip is not None or exists.negated)
            chosen = exists.flip if exists.flip is not None else self._flips.get(number, False)
            ways.append(chosen and not exists.negated)
        return ways

    def _some(self, query: Query, table: Table, ways: Sequence[bool]) -> Sql:
        """What a row has to meet to be read: conditions on columns, and flipped EXISTS, which lead to it."""
        flipped = [each for each, flip in zip(exists_in(query.where), ways, strict=True) if flip]
        parts: list[Condition] = [*flipped] if isinstance(query.where, Exists) or _all(query.where) else []
        simple = without_exists(query.where)
        where = Junction(True, (*parts, *((simple,) if simple is not None else ())))
        return self._where(replace(query, where=where), table)

    def _until(self, query: Query, table: Table, source: str, some: Sql, ranked: str, partition: str | None) -> str:
        """Rows in the order of `ranked`, until `query.limit` of them (in each partition) meet the whole condition."""
        if query.limit is None:
            return self._express("c", Sql(f"SELECT x.{table.rowid} AS r FROM {source}", some.values))
        full = condition_sql(query.where, table, "x", self._tables)
        groups = partition or "1"
        rows = f"SELECT x.{table.rowid} AS r, {full.text} AS ok, {ranked} AS n, {_grouped(groups)} AS g FROM {source}"
        before = f"SELECT r, sum(ok) OVER (PARTITION BY g ORDER BY n) - ok AS before FROM ({rows})"
        text = f"SELECT r FROM ({before}) WHERE before < {query.limit}"
        return self._express("c", Sql(text, full.values + some.values))

    def _limited(
        self,
        query: Query,
        table: Table,
        relation: Relation,
        joined: str,
        where: Sql,
        limit: int | None,
        *,
        ordered: bool,
        few: bool,
    ) -> Sql:
        source = f"{joined} WHERE {where.text}"
        if limit is None:
            return Sql(f"SELECT x.{table.rowid} AS r, k.w AS w FROM {source}", where.values)
        order = _order_sql(query, table) if ordered else f"x.{table.rowid}"
        if few and not table.indexed.isdisjoint(relation.child):
            keys, _, _ = joined.partition(" JOIN ")
            on = _on(relation)
            first = f"SELECT x.{table.rowid} FROM {quote(table.name)} x WHERE {on} AND {where.text} ORDER BY {order}"
            rows = f"SELECT o.{table.rowid} AS r, k.w AS w FROM {keys} CROSS JOIN {quote(table.name)} o"
            return Sql(f"{rows} WHERE o.{table.rowid} IN ({first} LIMIT {limit})", where.values)
        # One pass over the child, and a sort: faster than very many reads here and there.
        partition = ", ".join(_column("x", name) for name in relation.child)
        ranked = f"row_number() OVER (PARTITION BY {partition} ORDER BY {order}) AS n"
        rows = f"SELECT x.{table.rowid} AS r, k.w AS w, {ranked} FROM {source}"
        return Sql(f"SELECT r, w FROM ({rows}) WHERE n <= {limit}", where.values)

    def _joined(self, keys: str, relation: Relation, table: Table) -> str:
        return f"{keys} k JOIN {quote(table.name)} x ON {_on(relation)}"

    def _node(self, sql: Sql, table: Table, synced: bool, most: int | None) -> Node:
        return Node(self._express("n", sql), table, synced, most=most)

    def _add(self, node: Node, query: Query, ways: Sequence[bool]) -> None:
        self._plan.nodes.append(node)
        for exists, flip in zip(exists_in(query.where), ways, strict=True):
            if exists.relation.query.limit != 0:
                self._exists_in(node, exists, flip)
        for relation in query.related:
            self._related(node, relation)

    def _express(self, letter: str, sql: Sql) -> str:
        name = f"{self._prefix}{letter}{len(self._plan.expressions)}"
        self._plan.expressions.append((name, sql))
        return name

    def _keys(self, rows: str, table: Table, columns: Sequence[str]) -> str:
        """The parents' values, each once, and how often they come."""
        selected = ", ".join(f"{_column('p', column)} AS k{number}" for number, column in enumerate(columns))
        grouped = ", ".join(_column("p", column) for column in columns)
        weight = "1" if "c" in rows.removeprefix(self._prefix) else "sum(v.w)"
        source = f"{rows} v JOIN {quote(table.name)} p ON p.{table.rowid} = v.r GROUP BY {grouped}"
        return self._express("k", Sql(f"SELECT {selected}, {weight} AS w FROM {source}"))

    def _where(self, query: Query, table: Table) -> Sql:
        where = condition_sql(query.where, table, "x", self._tables)
        start = _start_sql(query, table)
        return Sql(f"{where.text} AND {start.text}", where.values + start.values) if start.text != "1" else where


def _few(parent: Node) -> bool:
    return parent.most is not None and parent.most <= _FEW


def _times(most: int | None, limit: int | None) -> int | None:
    return None if most is None or limit is None else most * limit


def _on(relation: Relation) -> str:
    return " AND ".join(f"{_column('x', name)} = k.k{number}" for number, name in enumerate(relation.child))


def _all(condition: Condition | None) -> bool:
    return isinstance(condition, Junction) and condition.all


def _folds(condition: Condition | None) -> bool:
    if isinstance(condition, Junction):
        return any(_folds(each) for each in condition.conditions)
    if not isinstance(condition, Comparison) or not condition.op.endswith("ILIKE"):
        return False
    return not str(condition.right.value).isascii()


def _grouped(columns: str) -> str:
    """One value for several columns."""
    return f"json_array({columns})"


def _comparison_sql(condition: Comparison, table: Table, alias: str) -> Sql:
    left = condition.left
    bound: Bound = []
    if isinstance(left, Column):
        shown = _column(alias, left.name)
    else:
        shown = "?"
        bound.append(_to_sql(left.value))
    op, right = condition.op, condition.right.value
    if op in ("IN", "NOT IN"):
        # In parts, as json_each takes the square of the time for twice the values.
        parts = [json.dumps(right[at : at + _IN_PART]) for at in range(0, len(right), _IN_PART)] or ["[]"]
        values = " UNION ALL ".join(["SELECT value FROM json_each(?)"] * len(parts))
        return Sql(f"({shown} {op} ({values}))", [*bound, *parts])
    if op.endswith("ILIKE"):
        sides = f"lower({shown}) {op.replace('ILIKE', 'LIKE')} lower(?)"
        return Sql(f"({sides} ESCAPE '\\')", [*bound, _to_sql(right)])
    if op.endswith("LIKE"):
        # Zero's connections have LIKE mind case, ours need not: GLOB always does.
        return Sql(f"({shown} {op.replace('LIKE', 'GLOB')} ?)", [*bound, _glob(str(right))])
    return Sql(f"({shown} {op} ?)", [*bound, _to_sql(right)])


def _glob(pattern: str) -> str:
    """LIKE's pattern as one of GLOB's."""
    parts, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            character = next(characters, "\\")
        elif character in "%_":
            parts.append("*" if character == "%" else "?")
            continue
        parts.append(f"[{character}]" if character in "*?[" else character)
    return "".join(parts)


def _order(query: Query, table: Table) -> list[tuple[str, bool]]:
    """With the primary key, as Zero's `completeOrdering`."""
    named = {name for name, _ in query.order}
    return [*query.order, *((name, False) for name in table.key if name not in named)]


def _order_sql(query: Query, table: Table) -> str:
    return ", ".join(f"{_column('x', name)} {'DESC' if down else 'ASC'}" for name, down in _order(query, table))


def _start_sql(query: Query, table: Table) -> Sql:
    """Rows from the cursor on, in the order of the query."""
    if query.start is None:
        return Sql("1")
    row, exclusive = query.start
    order = _order(query, table)
    groups: list[str] = []
    values: Bound = []
    for position, (name, down) in enumerate(order):
        equal = [f"{_column('x', each)} IS ?" for each, _ in order[:position]]
        bound = _to_sql(row.get(name))
        column = _column("x", name)
        if bound is None:
            beyond = "0" if down else f"{column} IS NOT NULL"
        elif down:
            beyond = f"({column} IS NULL OR {column} < ?)"
        else:
            beyond = f"{column} > ?"
        groups.append("(" + " AND ".join([*equal, beyond]) + ")")
        values += [_to_sql(row.get(each)) for each, _ in order[:position]]
        values += [] if bound is None else [bound]
    if not exclusive:
        groups.append("(" + " AND ".join(f"{_column('x', name)} IS ?" for name, _ in order) + ")")
        values += [_to_sql(row.get(name)) for name, _ in order]
    return Sql("(" + " OR ".join(groups) + ")", values)


def _columns(query: Query) -> Iterator[str]:
    """Columns of the query's own table that it names."""
    yield from (name for name, _ in query.order)
    yield from _columns_of(query.where)
    for relation in query.related:
        yield from relation.parent
    if query.start is not None:
        yield from query.start[0]


def _columns_of(condition: Condition | None) -> Iterator[str]:
    if isinstance(condition, Comparison):
        if isinstance(condition.left, Column):
            yield condition.left.name
    elif isinstance(condition, Exists):
        yield from condition.relation.parent
    elif condition is not None:
        for each in condition.conditions:
            yield from _columns_of(each)


def _table(name: str, tables: Mapping[str, Table]) -> Table:
    if name not in tables:
        raise QueryError(f"names the table {name}, which the replica does not have")
    return tables[name]


def _column(alias: str, name: str) -> str:
    return f"{alias}.{quote(name)}"


def _to_sql(value: object) -> Value:
    if isinstance(value, bool):
        return int(value)
    assert value is None or isinstance(value, (str, int, float))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        # SQLite has no larger ones; as a real it compares the same.
        return float(value) if abs(value) < 10**300 else (math.inf if value > 0 else -math.inf)
    return value
