"""Zero's queries as ASTs, from JSON: zero-protocol's `ast.ts`, with the names of the replica's tables and columns.

A file has a list of `{"name": …, "ast": {…}}`, or a map from names to ASTs.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wasmfix.errors import WasmfixError, os_reason

SIMPLE = ("=", "!=", "IS", "IS NOT", "<", ">", "<=", ">=", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "IN", "NOT IN")
_MAX_DEPTH = 100
_MAX_BYTES = 64 * 2**20


class QueryError(Exception):
    """What is wrong with a query: a clause."""


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Literal:
    value: Any
    """A string, number, boolean or None; for IN a list of them."""


@dataclass(frozen=True)
class Comparison:
    op: str
    left: Column | Literal
    right: Literal


@dataclass(frozen=True)
class Relation:
    parent: tuple[str, ...]
    child: tuple[str, ...]
    query: Query
    synced: bool
    """False: a relation of the permissions, whose rows the client does not get."""


@dataclass(frozen=True)
class Exists:
    relation: Relation
    negated: bool
    flip: bool | None
    """Whether Zero reads the child first; None: its planner decides."""


@dataclass(frozen=True)
class Junction:
    all: bool
    """True: AND. False: OR."""
    conditions: tuple[Condition, ...]


Condition = Comparison | Exists | Junction


@dataclass(frozen=True)
class Query:
    table: str
    where: Condition | None = None
    related: tuple[Relation, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Columns; True: descending."""
    limit: int | None = None
    start: tuple[Mapping[str, Any], bool] | None = None
    """The row of a cursor, and whether that row itself is left out."""

    def relations(self) -> Iterator[Relation]:
        """All below, those of conditions too."""
        for relation in (*self.related, *(each.relation for each in exists_in(self.where))):
            yield relation
            yield from relation.query.relations()


def count_terms(query: Query) -> int:
    """Conditions and literals of a query, with all below: what SQLite looks at for each row."""
    below = sum(count_terms(relation.query) for relation in query.related)
    return below + 1 + _terms(query.where)


def exists_in(condition: Condition | None) -> Iterator[Exists]:
    """Every EXISTS of a condition, without those inside of its subqueries."""
    if isinstance(condition, Exists):
        yield condition
    elif isinstance(condition, Junction):
        for each in condition.conditions:
            yield from exists_in(each)


def without_exists(condition: Condition | None) -> Condition | None:
    """The part that SQLite looks at, a weaker condition: Zero's `transformFilters`."""
    if condition is None or isinstance(condition, Comparison):
        return condition
    if isinstance(condition, Exists):
        return None
    parts = [without_exists(each) for each in condition.conditions]
    if not condition.all and None in parts:
        return None
    return Junction(condition.all, tuple(part for part in parts if part is not None))


def _terms(condition: Condition | None) -> int:
    if isinstance(condition, Comparison):
        value = condition.right.value
        return 1 + (len(value) if isinstance(value, list) else 0)
    if isinstance(condition, Exists):
        return 1 + count_terms(condition.relation.query)
    return 1 + sum(map(_terms, condition.conditions)) if condition is not None else 0


def read_queries(file: Path) -> dict[str, Query | QueryError]:
    """The queries of a file by name, in its order; of a query that is not an AST, what is wrong with it.

    Raises WasmfixError: there is no such file, or it has no queries.
    """
    try:
        content = json.loads(_read(file))
    except OSError as error:
        raise WasmfixError(f"cannot be read ({os_reason(error)})", where=file) from error
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise WasmfixError(f"is not JSON ({what})", where=file, remedy="give a list of {name, ast}") from error
    named = dict(_named(content, file))
    if not named:
        raise WasmfixError("has no queries", where=file, remedy="give a list of {name, ast}")
    found: dict[str, Query | QueryError] = {}
    for name, ast in named.items():
        try:
            found[name] = parse_query(ast)
        except QueryError as error:
            found[name] = error
    return found


def _read(file: Path) -> str:
    # Not blocking: a FIFO would wait for a writer.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise WasmfixError("is no regular file", where=file, remedy="give a file with a list of {name, ast}")
        content = opened.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise WasmfixError("is too large for a file of queries", where=file)
    return content.decode("utf-8-sig")


def parse_query(ast: object, depth: int = 0) -> Query:
    """Raises QueryError."""
    if depth > _MAX_DEPTH:
        raise QueryError("is nested too deeply")
    fields = _object(ast, "the AST")
    limit = fields.get("limit")
    if limit is not None and not (_is_number(limit) and limit >= 0):
        raise QueryError(f"has the limit {limit!r:.40}")
    start = fields.get("start")
    where = fields.get("where")
    return Query(
        table=_text(fields.get("table"), "table"),
        where=_condition(where, depth + 1) if where is not None else None,
        related=tuple(_relation(each, depth + 1) for each in _list(fields.get("related"), "related")),
        order=tuple(_order(each) for each in _list(fields.get("orderBy"), "orderBy")),
        limit=None if limit is None else int(limit),
        start=None if start is None else _start(_object(start, "start")),
    )


def _named(content: object, file: Path) -> Iterator[tuple[str, object]]:
    if isinstance(content, list):
        for number, each in enumerate(content, 1):
            wrapped = isinstance(each, dict) and "ast" in each
            name = each.get("name") if wrapped else None
            yield str(name) if name else f"query {number}", each["ast"] if wrapped else each
    elif isinstance(content, dict):
        # One AST alone has a table that is a string.
        if isinstance(content.get("table"), str):
            yield file.stem, content
            return
        for name, each in content.items():
            yield name, each["ast"] if isinstance(each, dict) and "ast" in each else each
    else:
        raise WasmfixError("has no queries", where=file, remedy="give a list of {name, ast}")


def _condition(value: object, depth: int) -> Condition:
    if depth > _MAX_DEPTH:
        raise QueryError("is nested too deeply")
    fields = _object(value, "a condition")
    kind = fields.get("type")
    if kind == "simple":
        return _comparison(fields)
    if kind in ("and", "or"):
        conditions = _list(fields.get("conditions"), "conditions")
        return Junction(kind == "and", tuple(_condition(each, depth + 1) for each in conditions))
    if kind == "correlatedSubquery":
        if fields.get("op") not in ("EXISTS", "NOT EXISTS"):
            raise QueryError(f"has the operator {fields.get('op')!r} on a subquery")
        flip = fields.get("flip")
        relation = _relation(fields.get("related"), depth + 1)
        return Exists(relation, fields["op"] == "NOT EXISTS", flip if isinstance(flip, bool) else None)
    raise QueryError(f"has a condition of the type {kind!r}")


def _comparison(fields: Mapping[str, Any]) -> Comparison:
    op = fields.get("op")
    if op not in SIMPLE:
        raise QueryError(f"has the operator {op!r}")
    left, right = _operand(fields.get("left")), _operand(fields.get("right"))
    if not isinstance(right, Literal):
        raise QueryError("compares with a column on the right")
    if isinstance(right.value, list) != (op in ("IN", "NOT IN")):
        raise QueryError(f"has {right.value!r:.40} on the right of {op}")
    return Comparison(op, left, right)


def _operand(value: object) -> Column | Literal:
    fields = _object(value, "an operand")
    kind = fields.get("type")
    if kind == "column":
        return Column(_text(fields.get("name"), "a column's name"))
    if kind == "literal":
        literal = fields.get("value")
        flat = literal if isinstance(literal, list) else [literal]
        if not all(each is None or isinstance(each, (str, int, float, bool)) for each in flat):
            raise QueryError("has a literal that is neither a string, a number, a boolean nor null")
        return Literal(literal)
    if kind == "static":
        field = fields.get("field")
        path = ".".join(map(str, field)) if isinstance(field, list) else field
        raise QueryError(f"needs {fields.get('anchor')}.{path}, which only a session has: put a value in its place")
    raise QueryError(f"has an operand of the type {kind!r}")


def _relation(value: object, depth: int) -> Relation:
    fields = _object(value, "a relation")
    correlation = _object(fields.get("correlation"), "a correlation")
    parent, child = (
        tuple(_text(each, "a column's name") for each in _list(correlation.get(side), side))
        for side in ("parentField", "childField")
    )
    if not parent or len(parent) != len(child):
        raise QueryError("has a correlation whose two sides do not have the same columns")
    synced = fields.get("system") != "permissions"
    return Relation(parent, child, parse_query(fields.get("subquery"), depth), synced)


def _is_number(value: object) -> bool:
    # Python's JSON has Infinity and NaN, and integers of any length.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63


def _order(value: object) -> tuple[str, bool]:
    if not isinstance(value, list) or len(value) != 2 or value[1] not in ("asc", "desc"):
        raise QueryError(f"has the order {value!r:.60}, which is not a column and asc or desc")
    return _text(value[0], "a column's name"), value[1] == "desc"


def _start(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    row = _object(fields.get("row"), "start.row")
    if not all(each is None or isinstance(each, (str, int, float, bool)) for each in row.values()):
        raise QueryError("starts at a row with a value that is neither a string, a number, a boolean nor null")
    return row, bool(fields.get("exclusive"))


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise QueryError(f"is not an AST: {what} is {value!r:.40}, not an object")
    return value


def _list(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise QueryError(f"is not an AST: {what} is {value!r:.40}, not a list")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise QueryError(f"is not an AST: {what} is {value!r:.40}, not a name")
    return value
