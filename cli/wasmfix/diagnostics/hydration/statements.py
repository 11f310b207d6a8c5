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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wasmfix.diagnostics.hydration.ast import (
    Column,
    Comparison,
    Condition,
    Exists,
    Query,
    QueryError,
    Relation,
    exists_in,
    without_exists,
)
from wasmfix.diagnostics.hydration.tables import Table

EXISTS_LIMIT = 3
PERMISSIONS_LIMIT = 1

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
    flipped: bool = False
    """Whether all rows of `where` are read first, and held."""
    capped: bool = False
    """The child of an EXISTS that is not flipped: its rows are read once more."""
    where: Sql = field(default_factory=lambda: Sql("1"))
    """What the rows of a flipped child have to meet."""
    candidates: tuple[Sql, ...] = ()
    """Counts of further rows that are read to find out which ones exist, each one number; upper bounds."""


@dataclass
class Plan:
    """All nodes of a query, in the order in which the common table expressions have to stand."""

    nodes: list[Node] = field(default_factory=list)
    expressions: list[tuple[str, Sql]] = field(default_factory=list)
    decided: bool = True
    """False: there is an EXISTS of which Zero's planner decides at run time whether to flip it."""

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
    return _Planner(tables, prefix, flips or {}).plan(query)


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
        inner = condition_sql(relation.query.where, child, "c", tables)
        parents = ", ".join(_column(alias, name) for name in relation.parent)
        children = ", ".join(_column("c", name) for name in relation.child)
        # Not correlated: SQLite reads the child once, with or without an index.
        text = f"(({parents}) IN (SELECT {children} FROM {quote(child.name)} c WHERE {inner.text}))"
        return Sql(f"({text} IS NOT TRUE)" if condition.negated else f"({text} IS TRUE)", inner.values)
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
        candidates = []
        if any(exists_in(query.where)) and query.limit != 0:
            candidates.append(self._candidates(query, table))
        self._below(self._add(text, where.values, table, True, candidates=tuple(candidates)), query)
        return self._plan

    def _relation(self, parent: Node, relation: Relation, synced: bool, exists: Exists | None, flipped: bool) -> None:
        query, table = relation.query, _table(relation.query.table, self._tables)
        keys = self._keys(parent, relation.parent)
        where = self._where(query, table)
        on = " AND ".join(f"{_column('x', name)} = k.k{number}" for number, name in enumerate(relation.child))
        source = f"{keys} k JOIN {quote(table.name)} x ON {on} WHERE {where.text}"
        limit = query.limit
        if exists is not None:
            limit = None if flipped else (EXISTS_LIMIT if relation.synced else PERMISSIONS_LIMIT)
        if limit is None:
            text = f"SELECT x.{table.rowid} AS r, k.w AS w FROM {source}"
        else:
            partition = ", ".join(_column("x", name) for name in relation.child)
            ordered = "" if exists is not None else f" ORDER BY {_order_sql(query, table)}"
            text = (
                f"SELECT r, w FROM (SELECT x.{table.rowid} AS r, k.w AS w, "
                f"row_number() OVER (PARTITION BY {partition}{ordered}) AS n FROM {source}) WHERE n <= {limit}"
            )
        candidates = []
        if exists is not None and not flipped:
            candidates.append(self._looked_at(parent, relation, where, limit or 0))
        node = self._add(
            text,
            where.values,
            table,
            synced and relation.synced,
            flipped=flipped,
            capped=exists is not None and not flipped,
            where=where,
            candidates=tuple(candidates),
        )
        self._below(node, query)

    def _below(self, node: Node, query: Query) -> None:
        for exists in exists_in(query.where):
            number, self._exists = self._exists, self._exists + 1
            if exists.relation.query.limit == 0:
                continue
            self._plan.decided = self._plan.decided and (exists.flip is not None or exists.negated)
            flip = exists.flip if exists.flip is not None else self._flips.get(number, False)
            # What does not exist has no rows; they are only looked for.
            self._relation(
                node, exists.relation, node.synced and not exists.negated, exists, flip and not exists.negated
            )
        for relation in query.related:
            self._relation(node, relation, node.synced, None, False)

    def _add(
        self,
        text: str,
        values: Bound,
        table: Table,
        synced: bool,
        *,
        flipped: bool = False,
        capped: bool = False,
        where: Sql | None = None,
        candidates: tuple[Sql, ...] = (),
    ) -> Node:
        name = f"{self._prefix}n{len(self._plan.nodes)}"
        node = Node(name, table, synced, flipped, capped, where or Sql("1"), candidates)
        self._plan.nodes.append(node)
        self._plan.expressions.append((name, Sql(text, values)))
        return node

    def _keys(self, parent: Node, columns: Sequence[str]) -> str:
        """The parents' values, each once, and how often they come."""
        name = f"{self._prefix}k{len(self._plan.expressions)}"
        selected = ", ".join(f"{_column('p', column)} AS k{number}" for number, column in enumerate(columns))
        grouped = ", ".join(_column("p", column) for column in columns)
        table = parent.table
        text = (
            f"SELECT {selected}, sum(v.w) AS w FROM {parent.name} v "
            f"JOIN {quote(table.name)} p ON p.{table.rowid} = v.r GROUP BY {grouped}"
        )
        self._plan.expressions.append((name, Sql(text)))
        return name

    def _where(self, query: Query, table: Table) -> Sql:
        where = condition_sql(query.where, table, "x", self._tables)
        start = _start_sql(query, table)
        return Sql(f"{where.text} AND {start.text}", where.values + start.values) if start.text != "1" else where

    def _candidates(self, query: Query, table: Table) -> Sql:
        """How many rows SQLite hands out until the query has what it needs."""
        simple = condition_sql(without_exists(query.where), table, "x", self._tables)
        start = _start_sql(query, table)
        source = f"FROM {quote(table.name)} x WHERE {simple.text} AND {start.text}"
        if query.limit is None:
            return Sql(f"SELECT count(*) {source}", simple.values + start.values)
        full = condition_sql(query.where, table, "x", self._tables)
        order = _order_sql(query, table)
        ranked = f"SELECT {full.text} AS ok, row_number() OVER (ORDER BY {order}) AS n {source}"
        before = f"SELECT sum(ok) OVER (ORDER BY n) - ok AS before FROM ({ranked})"
        text = f"SELECT count(*) FROM ({before}) WHERE before < {query.limit}"
        return Sql(text, full.values + simple.values + start.values)

    def _looked_at(self, parent: Node, relation: Relation, where: Sql, limit: int) -> Sql:
        """How many rows of an EXISTS are read to decide, if all of the parent's table are candidates."""
        table = _table(relation.query.table, self._tables)
        columns = ", ".join(_column("x", name) for name in relation.child)
        parents = ", ".join(_column("p", name) for name in relation.parent)
        led_to = f"({columns}) IN (SELECT {parents} FROM {quote(parent.table.name)} p)"
        source = f"{quote(table.name)} x WHERE {where.text} AND {led_to} GROUP BY {columns}"
        text = f"SELECT coalesce(sum(min(n, {limit})), 0) FROM (SELECT count(*) AS n FROM {source})"
        return Sql(text, where.values)


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
        return Sql(f"({shown} {op} (SELECT value FROM json_each(?)))", [*bound, json.dumps(right)])
    if op.endswith("LIKE"):
        folds, negated = op.endswith("ILIKE"), "NOT " if op.startswith("NOT") else ""
        sides = f"lower({shown}) {negated}LIKE lower(?)" if folds else f"{shown} {negated}LIKE ?"
        return Sql(f"({sides} ESCAPE '\\')", [*bound, _to_sql(right)])
    return Sql(f"({shown} {op} ?)", [*bound, _to_sql(right)])


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
    # SQLite has no larger ones; as a real it compares the same.
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value
