"""What the checks of a replica look at: a connection to a snapshot, the tables, the files beside it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.finding import Finding
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.runtime import Connection, SnapshotError, SqlError
from wasmfix.runtime.codes import CORRUPT, NOTADB

SECTION = "replica"
SUFFIXES = ("", "-wal", "-wal2")
"""The database and its logs."""

# zero-cache's own tables that are no `_zero.*`: `<app>.permissions`, `<app>_<shard>.clients`.
_ZEROS_OWN = re.compile(r"_zero\..*|\w+\.(permissions|schemaVersions)|\w+_\d+\.(clients|mutations|replicas)")
_OTHERS_OWN = ("sqlite_", "_litestream_")
_NOT_NULL = "|NOT_NULL"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    not_null: bool
    """In PostgreSQL: zero-cache writes it into the type."""
    key: int
    """The place in the primary key, from 1; 0: not in it."""


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...]
    """The columns of each unique index, and of the primary key."""
    has_rowid: bool

    @property
    def published(self) -> bool:
        """Copied from PostgreSQL: none of zero-cache's, SQLite's or litestream's own."""
        return not (self.name.startswith(_OTHERS_OWN) or _ZEROS_OWN.fullmatch(self.name))

    @property
    def shown(self) -> str:
        return shown(self.name)

    @property
    def rowid(self) -> str | None:
        """A name by which SQL reaches the rowid, None if there is none."""
        names = {column.name.lower() for column in self.columns}
        free = (name for name in ("rowid", "_rowid_", "oid") if name not in names)
        return next(free, None) if self.has_rowid else None

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """What Zero would take for a primary key: unique, and of columns that are never null."""
        sure = {column.name for column in self.columns if column.not_null or column.key}
        return tuple(columns for columns in self.unique if columns and sure.issuperset(columns))


@dataclass(frozen=True)
class Size:
    """Of a b-tree, in bytes."""

    pages: int
    payload: int
    largest: int
    """The largest row."""


class TimeIsUpError(Exception):
    """What was done within `ReplicaSubject.doing` took longer than it may."""


class Watch:
    """Looked at while the engine reads: tells how far it is, and ends what takes too long."""

    def __init__(self, tell: Tell, size: int) -> None:
        self._tell, self._size = tell, size
        self._what, self._read, self._base = "reading the replica", 0, 0
        self._deadline: float | None = None

    def __call__(self, read: int) -> None:
        self._read = read
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeIsUpError
        self._tell(f"{self._what}, MB", min(read - self._base, self._size) // 2**20, self._size // 2**20)

    @contextmanager
    def doing(self, what: str, seconds: float | None) -> Iterator[None]:
        self._tell(what)
        before = self._what, self._base, self._deadline
        self._what, self._base = what, self._read
        self._deadline = None if seconds is None else time.monotonic() + seconds
        try:
            yield
        finally:
            self._what, self._base, self._deadline = before


@dataclass
class ReplicaSubject:
    options: Options
    path: Path
    db: Connection
    watch: Watch
    tables: tuple[Table, ...]
    files: Mapping[str, int]
    """Sizes in bytes by suffix, of those of SUFFIXES that there are."""
    on_engine: bool
    """A process on the engine has it open."""
    on_native: bool
    """A native process has it open in WAL mode."""
    counts: dict[str, int] = field(default_factory=dict)
    """Exact rows by table, as far as they were counted."""
    sizes: dict[str, Size] | None = None
    """By table and index, once they were read."""
    unread: dict[str, str] = field(default_factory=dict)
    """By table, why its rows cannot be read, though the file is not damaged."""
    said: set[str] = field(default_factory=set)
    """Ids of findings that are said once."""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def file(self) -> Path:
        """The file that `path` leads to: its logs, as SQLite has them, lie beside it, not beside a link."""
        return Path(os.path.realpath(self.path))

    @property
    def is_zeros(self) -> bool:
        """Known for zero-cache's replica: a copy, which may be deleted. Any other file may be all that there is."""
        return is_zeros(self.tables)

    @property
    def in_use(self) -> bool:
        """A process has it open, as far as locks tell."""
        return self.on_engine or self.on_native

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    def doing(self, what: str, seconds: float | None = None) -> AbstractContextManager[None]:
        """What is read inside is told as `what`; after `seconds` it ends with TimeIsUpError."""
        return self.watch.doing(what, seconds)

    def once(self, found: Finding) -> Iterator[Finding]:
        if found.id not in self.said:
            self.said.add(found.id)
            yield found


Run = Callable[[ReplicaSubject, Tell], Iterable[Item]]


def check(name: str, ids: tuple[str, ...], run: Run) -> Check[ReplicaSubject]:
    """A check of the replica: what a damaged or a changing file does to it is said once, by whoever meets it first."""

    def guarded(subject: ReplicaSubject, tell: Tell) -> Iterator[Item]:
        try:
            yield from run(subject, tell)
        except SqlError as error:
            if not is_damage(error):
                raise
            yield from subject.once(damaged(subject.name, error, zeros=subject.is_zeros))
        except SnapshotError as error:
            yield from subject.once(changed(subject.name, error))

    return Check(f"{SECTION}.{name}", (*ids, "WF202", "WF203"), guarded)


_DAMAGE = (CORRUPT, NOTADB)


def is_damage(error: SqlError) -> bool:
    return error.code & 0xFF in _DAMAGE


def damaged(name: str, error: SqlError, *, zeros: bool | None = None) -> Finding:
    return finding("WF202", name, "its pages are damaged", evidence=[error.what], remedy=cure(zeros=zeros))


def is_zeros(tables: Iterable[Table]) -> bool:
    return any(table.name.startswith("_zero.") for table in tables)


def cure(*, zeros: bool | None) -> str:
    """What to do with a file that is broken, by whether it is zero-cache's replica; None: its tables are not known."""
    if zeros is None:
        return RESTORE
    return _ANEW if zeros else _OWN


def changed(name: str, error: SnapshotError) -> Finding:
    return finding("WF203", name, error.what, remedy="Run it again, or stop the writer.")


_ANEW = (
    "Stop zero-cache, keep a copy, and delete the file with its -wal, -wal2, -shm and -journal:"
    " zero-cache copies everything anew."
)
_OWN = "Keep a copy, and restore it from a backup: it is no replica of zero-cache's, which could be had again."
RESTORE = (
    "Restore it from a backup. Only if it is zero-cache's replica: stop zero-cache, keep a copy, and delete it with its"
    " -wal, -wal2, -shm and -journal."
)


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def shown(name: str) -> str:
    """A name for people: one line, no control characters."""
    text = "".join(char if char.isprintable() else " " for char in name)
    return text if len(text) <= 80 else f"{text[:79]}…"


def read_tables(db: Connection) -> tuple[Table, ...]:
    """The ordinary tables of a database, by name."""
    columns: dict[str, list[Column]] = {}
    sql = """SELECT m.name, p.name, p.type, p."notnull", p.pk FROM sqlite_master m, pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, p.cid"""
    sure = _declared_not_null(db)
    for table, name, kind, not_null, key in db.execute(sql):
        certain = bool(not_null) or _NOT_NULL in str(kind) or (table, name) in sure
        columns.setdefault(str(table), []).append(Column(str(name), str(kind), certain, _int(key)))
    unique: dict[str, dict[str, list[str]]] = {}
    sql = """SELECT m.name, i.name, c.name
             FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c
             WHERE m.type = 'table' AND m.rootpage > 0 AND i."unique" AND NOT i.partial ORDER BY i.name, c.seqno"""
    for table, index, name in db.execute(sql):
        # None: an expression, which Zero takes for no key either.
        unique.setdefault(str(table), {}).setdefault(str(index), []).append("" if name is None else str(name))
    without = {str(name) for (name,) in db.execute("SELECT name FROM pragma_table_list WHERE wr AND schema = 'main'")}
    tables = []
    for table, own in columns.items():
        keys = [tuple(names) for names in unique.get(table, {}).values() if all(names)]
        primary = tuple(each.name for each in sorted(own, key=lambda each: each.key) if each.key)
        if primary and primary not in keys:
            keys.append(primary)
        tables.append(Table(table, tuple(own), tuple(keys), table not in without))
    return tuple(tables)


def _declared_not_null(db: Connection) -> set[tuple[object, object]]:
    """What newer versions of zero-cache keep in a table of its own."""
    try:
        rows = db.execute('SELECT table_name, column_name FROM "_zero.column_metadata" WHERE is_not_null').all()
    except SqlError as error:
        if is_damage(error):
            raise
        return set()
    return {(table, column) for table, column in rows}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
