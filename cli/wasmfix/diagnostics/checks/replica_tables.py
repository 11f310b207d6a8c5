"""Rows and bytes of each table, and the largest values.

Sizes are from `dbstat`, which has every b-tree's pages, bytes of content and largest row after one pass over the file
(about 2 s a GB). Rows are counted on each table's smallest index. The largest values are looked for only in tables
whose largest row could hold one, by octet_length(): it needs the head of a row, never its overflow pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wasmfix.diagnostics.checks.replica_subject import (
    SECTION,
    ReplicaSubject,
    Size,
    Table,
    TimeIsUpError,
    check,
    is_damage,
    quoted,
    shown,
)
from wasmfix.diagnostics.facts import Fact, Item, TableFacts
from wasmfix.diagnostics.finding import Finding
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.diagnostics.sizes import show_size
from wasmfix.runtime import SqlError

# The engine's guards (docs/engine.md): the variables that move them, and where they are if none is set. 0: none.
_WARN, _LIMIT, _BLOB = "WASMFIX_ROW_WARN", "WASMFIX_ROW_LIMIT", "WASMFIX_BLOB_LIMIT"
_GUARDS = {_WARN: 100_000, _LIMIT: 10_000_000, _BLOB: 100 * 2**20}

_LARGE = 16 * 1024
"""Bytes from which a value is worth a word."""
_HUGE = 2**20
_VALUES = 5
_SECONDS = 30.0
"""For the largest values of all tables together."""
_ROWID_BITS = 33
"""Length and rowid of a value in one integer: lengths are below 10^9 (SQLITE_MAX_LENGTH)."""
_SHOWN = 40


@dataclass(frozen=True)
class _Value:
    length: int
    table: Table
    column: str
    rowid: int | None


def _tables(subject: ReplicaSubject, tell: Tell) -> Iterator[Item]:
    guards = {name: _guard(subject.options, name) for name in (_WARN, _LIMIT)}
    sizes: dict[str, Size] | None = None
    try:
        for at, table in enumerate(subject.tables):
            tell(f"counting rows of {table.shown}", at, len(subject.tables))
            count = count_rows(subject, table.name)
            if count is None:
                yield Fact(SECTION, f"not read: {table.shown}", subject.unread[table.name])
                continue
            if table.published:
                yield from _many(table, count, guards)
        with subject.doing("sizing tables and indexes"):
            sizes = _read_sizes(subject)
    except KeyboardInterrupt:
        yield from _facts(subject, sizes)
        raise
    except SqlError as error:
        if not is_damage(error):
            raise
        yield from _facts(subject, sizes)
        raise
    yield from _facts(subject, sizes)
    yield from _empty(subject)


def count_rows(subject: ReplicaSubject, name: str) -> int | None:
    """Exact, counted once; None: SQLite does not read this table, `unread` says why. Damage is raised."""
    if name not in subject.counts and name not in subject.unread:
        try:
            with subject.doing(f"counting rows of {shown(name)}"):
                row = subject.db.execute(f"SELECT count(*) FROM {quoted(name)}").one()
            subject.counts[name] = row[0] if row is not None and isinstance(row[0], int) else 0
        except SqlError as error:
            if is_damage(error):
                raise
            subject.unread[name] = error.what
    return subject.counts.get(name)


def _facts(subject: ReplicaSubject, sizes: dict[str, Size] | None) -> Iterator[Item]:
    indexes = _indexes(subject) if sizes else {}
    for table in subject.tables:
        if table.name not in subject.counts:
            continue
        rows, size = subject.counts[table.name], (sizes or {}).get(table.name)
        yield TableFacts(
            name=table.name,
            rows=rows,
            size=size.pages if size else None,
            index_size=sum(sizes[name].pages for name in indexes.get(table.name, ()) if name in sizes)
            if sizes
            else None,
            average=round(size.payload / rows, 1) if size and rows and table.has_rowid else None,
            largest=size.largest if size and table.has_rowid else None,
            published=table.published,
        )


def _many(table: Table, count: int, guards: dict[str, int]) -> Iterator[Finding]:
    for id_, name in (("WF218", _LIMIT), ("WF217", _WARN)):
        if 0 < guards[name] <= count:
            then = "throws SQLITE_TOOBIG" if name == _LIMIT else "warns"
            yield finding(
                id_,
                table.shown,
                f"it has {count:,} rows",
                evidence=[
                    f"a query of {table.shown} that neither filters nor limits {then} from {guards[name]:,} rows on"
                ],
                remedy="Give every query of it a filter or a limit; or publish fewer rows: a WHERE in the publication.",
                data={"table": table.name, "rows": count, "guard": guards[name]},
            )
            return


def _empty(subject: ReplicaSubject) -> Iterator[Finding]:
    empty = [table for table in subject.tables if table.published and subject.counts.get(table.name) == 0]
    if not empty or not subject.is_zeros:
        return
    every = all(table in empty for table in subject.tables if table.published)
    what = "all of its published tables are empty" if every else f"{len(empty)} of its published tables have no rows"
    remedy = "If they have rows in PostgreSQL, look at the publication's WHERE, and at row-level security."
    data = {"tables": [table.name for table in empty]}
    yield finding("WF219", subject.name, what, evidence=[each.shown for each in empty[:20]], remedy=remedy, data=data)


def _read_sizes(subject: ReplicaSubject) -> dict[str, Size]:
    if subject.sizes is not None:
        return subject.sizes
    sql = "SELECT name, pgsize, payload, mx_payload FROM dbstat WHERE aggregate = 1"
    rows = subject.db.execute(sql).all()
    subject.sizes = {str(name): Size(*(_int(each) for each in rest)) for name, *rest in rows}
    return subject.sizes


def _indexes(subject: ReplicaSubject) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, name in subject.db.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'"):
        found.setdefault(str(table), []).append(str(name))
    return found


def _values(subject: ReplicaSubject, _tell: Tell) -> Iterator[Item]:
    with subject.doing("sizing tables and indexes"):
        sizes = _read_sizes(subject)
    in_order = sorted(
        (table for table in subject.tables if not table.name.startswith("sqlite_")),
        key=lambda table: sizes[table.name].largest if table.name in sizes else 0,
        reverse=True,
    )
    found: list[_Value] = []
    left: list[str] = []
    try:
        with subject.doing("looking for the largest values", _SECONDS):
            for at, table in enumerate(in_order):
                left = [each.shown for each in in_order[at:]]
                least = found[_VALUES - 1].length if len(found) >= _VALUES else _LARGE
                if table.name not in sizes or sizes[table.name].largest < max(least, _LARGE):
                    left = []
                    break
                if table.name not in subject.unread:
                    found = sorted([*found, *_largest_or_none(subject, table)], key=lambda each: -each.length)
            else:
                left = []
    except TimeIsUpError:
        pass
    found = [value for value in found if value.length >= _LARGE]
    limit = _guard(subject.options, _BLOB)
    if not found and not left:
        yield Fact(SECTION, "largest value", f"under {show_size(_LARGE)}")
    for value in found[:_VALUES]:
        yield Fact(SECTION, "large value", f"{show_size(value.length)} in {_place(subject, value)}")
    if left:
        what = f"{', '.join(left)} (ended after {_SECONDS:.0f} s)"
        yield Fact(SECTION, "not looked through for large values", what)
    over = [value for value in found if 0 < limit < value.length]
    for value in over:
        yield _finding(
            "WF220", subject, value, f"a value has {show_size(value.length)}, more than reading it may take", limit
        )
    large = [value for value in found[:_VALUES] if value.length >= _HUGE and value not in over]
    for value in large:
        yield _finding("WF221", subject, value, f"a value has {show_size(value.length)}", limit)


def _finding(id_: str, subject: ReplicaSubject, value: _Value, what: str, limit: int) -> Finding:
    name = f"{value.table.shown}.{shown(value.column)}"
    data: dict[str, object] = {"table": value.table.name, "column": value.column, "bytes": value.length, "limit": limit}
    if value.rowid is not None:
        data["rowid"] = value.rowid
    remedy = "Keep such content elsewhere (an object store), and its address in the table."
    return finding(id_, name, what, evidence=[_place(subject, value)], remedy=remedy, data=data)


def _largest_or_none(subject: ReplicaSubject, table: Table) -> list[_Value]:
    try:
        return _largest(subject, table)
    except SqlError as error:
        if is_damage(error):
            raise
        subject.unread[table.name] = error.what
        return []


def _largest(subject: ReplicaSubject, table: Table) -> list[_Value]:
    """The largest value of each column, and where it is."""
    rowid, name = table.rowid, quoted(table.name)
    if rowid is not None:
        ends = subject.db.execute(f"SELECT (SELECT min({rowid}) FROM {name}), (SELECT max({rowid}) FROM {name})").one()
        first, last = map(_int, ends or (0, 0))
        if first < 0 or last >> _ROWID_BITS:
            rowid = None
    place = f" << {_ROWID_BITS} | {rowid}" if rowid is not None else ""
    terms = ", ".join(f"max(octet_length({quoted(column.name)}){place})" for column in table.columns)
    row = subject.db.execute(f"SELECT {terms} FROM {name}").one() or ()
    found = []
    for column, value in zip(table.columns, row, strict=False):
        if isinstance(value, int) and rowid is not None:
            found.append(_Value(value >> _ROWID_BITS, table, column.name, value & ((1 << _ROWID_BITS) - 1)))
        elif isinstance(value, int):
            found.append(_Value(value, table, column.name, None))
    return found


def _place(subject: ReplicaSubject, value: _Value) -> str:
    """Table, column, row. A key is content (a name, an address): without --show-values the rowid stands for it."""
    place = f"{value.table.shown}.{shown(value.column)}"
    if value.rowid is None:
        return place
    if not subject.options.show_values:
        return f"{place}, rowid {value.rowid}"
    keys = min(value.table.keys, key=len, default=())
    wanted = [
        *(f"substr({quoted(key)}, 1, {_SHOWN + 1})" for key in keys),
        f"substr({quoted(value.column)}, 1, {_SHOWN + 1})",
    ]
    sql = f"SELECT {', '.join(wanted)} FROM {quoted(value.table.name)} WHERE {value.table.rowid} = ?"
    row = subject.db.execute(sql, [value.rowid]).one() or ()
    texts = [_beginning(each) for each in row]
    names = [f"{shown(key)} {text}" for key, text in zip(keys, texts, strict=False)]
    where = ", ".join(names) or f"rowid {value.rowid}"
    return f"{place}, {where}: {texts[-1]}" if texts else f"{place}, {where}"


def _beginning(value: object) -> str:
    if isinstance(value, bytes):
        return f"x'{value[: _SHOWN // 2].hex()}…'" if len(value) > _SHOWN // 2 else f"x'{value.hex()}'"
    text = shown(str(value))
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _guard(options: Options, name: str) -> int:
    text = options.environment.get(name, "")
    return int(text) if text.isdecimal() else _GUARDS[name]


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECKS = (
    check("tables", ("WF217", "WF218", "WF219"), _tables),
    check("values", ("WF220", "WF221"), _values),
)
