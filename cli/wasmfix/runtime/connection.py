"""A read-only connection to a snapshot of a database."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from wasmfix.errors import WasmfixError
from wasmfix.runtime import codes, values
from wasmfix.runtime.codes import SqlError
from wasmfix.runtime.instance import Instance
from wasmfix.runtime.snapshot import RESTORE, Snapshot
from wasmfix.runtime.values import Parameters, Value
from wasmfix.runtime.vfs import MAIN

Row = tuple[Value, ...]

_OPEN_READONLY, _OPEN_READWRITE = 0x1, 0x2
_SAFE_INTEGERS = 1
_BATCH = 1024
"""Rows fetched at a time, at most; the buffer (64 KiB of cells, 256 KiB of texts) ends a batch earlier."""
_MAX_LENGTH = 2**30
# Offsets in wf_buf.
_CELLS, _ROWS, _COLUMNS, _CODE = 0, 24, 28, 40
_MULTIPLE = -codes.MISUSE


class Cursor:
    """The rows of one statement, fetched as they are asked for.

    `columns` has the names. Iterating gives tuples; `dicts()` gives dicts. Closed at its end, by `close()`, when nobody
    holds it any more, or with the connection: who then asks for the rows that are left gets a WasmfixError.
    """

    def __init__(self, connection: Connection, statement: int, buffer: int, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._connection = connection
        self._statement = statement
        self._buffer = buffer
        self._batch: list[Row] = []
        self._at = 0
        self._more = True
        self._cut = False

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        if self._cut:
            what = "the connection was closed before all rows were read"
            raise WasmfixError(what, where=self._connection.path, remedy="read them before it is closed")
        while self._at >= len(self._batch):
            if not self._more:
                self.close()
                raise StopIteration
            self._fetch()
        row = self._batch[self._at]
        self._at += 1
        return row

    def dicts(self) -> Iterator[dict[str, Value]]:
        """The rows by column name; of two columns of one name the last one counts."""
        for row in self:
            yield dict(zip(self.columns, row, strict=True))

    def one(self) -> Row | None:
        """The first row, None if there is none. Closes the cursor."""
        row = next(self, None)
        self.close()
        return row

    def all(self) -> list[Row]:
        """All rows. They are in Python's memory then."""
        return list(self)

    def close(self) -> None:
        """Frees the statement. May be called twice."""
        self._more = False
        self._batch = []
        self._at = 0
        if self._statement:
            statement, self._statement = self._statement, 0
            self._connection._finalize(self, statement, self._buffer)

    def _close_with_connection(self) -> None:
        self._cut = self._more or self._at < len(self._batch)
        self.close()

    def __del__(self) -> None:
        # Maybe in another thread, or while C runs: the connection frees it when it is asked for something next.
        if self._statement:
            self._connection._abandoned.append((self._statement, self._buffer))

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self) -> None:
        connection = self._connection
        instance = connection._instance
        buffer = self._buffer
        try:
            code = int(instance.call("wf_step", self._statement, buffer, -1, _BATCH, _SAFE_INTEGERS))
            if code not in (codes.ROW, codes.DONE):
                raise connection._error(code)
            rows = instance.get_int(buffer + _ROWS)
            columns = instance.get_int(buffer + _COLUMNS)
            cells = instance.get_int(buffer + _CELLS)
            # Before anything else is called: the last row may lie in SQLite's own memory.
            self._batch = values.decode_rows(instance, cells, rows, columns, connection.text_errors) if rows else []
        except BaseException:
            self.close()
            raise
        self._at = 0
        self._more = code == codes.ROW


class Connection:
    """Reads a snapshot of a database. Use it as a context manager, or close it.

    For one thread at a time; `interrupt()` may be called from any.

    Attributes:
        text_errors: how text that is not UTF-8 is decoded (as for bytes.decode(); `CAST(x AS BLOB)` has the bytes).
            `replace` by default, which is what Node's driver does.
    """

    def __init__(self, instance: Instance, snapshot: Snapshot, text_errors: str) -> None:
        self.text_errors = text_errors
        self._instance = instance
        self._snapshot = snapshot
        self._buffers: list[int] = []
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._abandoned: list[tuple[int, int]] = []
        """Statement and buffer of cursors that were dropped before their end."""
        self._handle = 0
        buffer = self._take_buffer()
        flags = _OPEN_READWRITE if snapshot.private else _OPEN_READONLY
        with instance.text_argument(MAIN.encode()) as name:
            self._handle = int(instance.call("wf_open", name, flags, 0, _MAX_LENGTH, 0, buffer)) & 0xFFFFFFFF
        code = instance.get_int(buffer + _CODE)
        self._buffers.append(buffer)
        if code != codes.OK:
            raise self._error(code)
        # The schema stays trusted, as in the driver: the lower() and upper() of zero-sqlite3 count as an application's,
        # and an index on them would be "malformed". Nothing that a stranger's file may call reaches out of the module.
        self.execute("PRAGMA query_only = ON").all()

    @property
    def path(self) -> Path:
        """The file that was opened."""
        return self._snapshot.path

    @property
    def snapshot(self) -> Snapshot:
        """How the snapshot was taken."""
        return self._snapshot

    @property
    def recovered(self) -> tuple[int, int]:
        """How many frames of `-wal` and of `-wal2` SQLite goes by; 0 before the first read."""
        return self._instance.vfs.recovered()

    @property
    def sqlite_version(self) -> str:
        return self._instance.text(int(self._instance.call("wf_version")))

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """Run one statement that reads.

        Args:
            sql: one statement.
            parameters: values in order for `?`, or by name for `:name`, `@name`, `$name`.

        Raises SqlError with SQLite's message and code; whatever would write gets SQLITE_READONLY.
        TypeError for wrong use.
        """
        instance = self._instance
        if not isinstance(sql, str):
            raise TypeError(f"a statement is a str, not {type(sql).__name__}")
        if not self._handle:
            raise WasmfixError("the connection is closed", where=self.path)
        text = sql.encode("utf-8", "surrogatepass")
        if b"\0" in text:
            raise SqlError("the statement has a NUL character", codes.MISUSE, where=self.path)
        self._free_abandoned()
        buffer = self._take_buffer()
        statement = 0
        try:
            with instance.text_argument(text) as at:
                statement = int(instance.call("wf_prepare", self._handle, at, len(text) + 1, 0, buffer))
            code = instance.get_int(buffer + _CODE)
            if code == _MULTIPLE:
                raise SqlError("there is more than one statement", codes.MISUSE, where=self.path)
            if not statement:
                raise self._error(code) if code else SqlError("there is no statement", codes.MISUSE, where=self.path)
            count, parameter_count = instance.get_int(buffer + _COLUMNS), instance.get_int(buffer + _ROWS)
            self._bind(statement, buffer, parameter_count, parameters)
            columns = self._column_names(statement, buffer, count)
        except BaseException:
            if statement and not instance.is_dead:
                with contextlib.suppress(Exception):
                    instance.call("wf_finalize", statement)
            self._buffers.append(buffer)
            raise
        cursor = Cursor(self, statement, buffer, columns)
        self._cursors.add(cursor)
        return cursor

    def interrupt(self) -> None:
        """End the statement that is running, with KeyboardInterrupt. From any thread.

        At its next read; one that only computes is stopped after half a second, and then the connection is dead.
        """
        self._instance.interrupt()

    def close(self) -> None:
        """Close cursors, connection and snapshot. May be called twice."""
        try:
            for cursor in list(self._cursors):
                cursor._close_with_connection()
            self._free_abandoned()
            if self._handle and not self._instance.is_dead:
                self._instance.call("wf_close", self._handle)
        finally:
            self._handle = 0
            self._instance.close()
            self._snapshot.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _bind(self, statement: int, buffer: int, count: int, parameters: Parameters) -> None:
        instance = self._instance
        names: list[str | None] = []
        for index in range(1, count + 1):
            at = int(instance.call("wf_parameter_name", statement, index))
            names.append(instance.text(at) if at else None)
        given = values.arrange(names, parameters)
        if not given:
            return
        values.write_parameters(instance, buffer, given)
        code = int(instance.call("wf_bind", statement, buffer, len(given)))
        if code != codes.OK:
            raise self._error(code)

    def _column_names(self, statement: int, buffer: int, count: int) -> tuple[str, ...]:
        instance = self._instance
        names = []
        for column in range(count):
            instance.call("wf_column", statement, buffer, column)
            row = values.decode_rows(instance, instance.get_int(buffer + _CELLS), 1, 5, "replace")[0]
            names.append(str(row[0]))
        return tuple(names)

    def _error(self, code: int) -> SqlError:
        instance = self._instance
        if code < 0:
            return SqlError("the value is too big", codes.TOOBIG, where=self.path)
        # 0: the engine had no memory for the handle.
        message = ""
        if self._handle and not instance.is_dead:
            message = instance.text(int(instance.call("wf_error_message", self._handle)))
        remedy = None
        if code & 0xFF in (codes.CORRUPT, codes.NOTADB):
            remedy = RESTORE
            if any(content.size() > 0 for suffix, content in self._snapshot.views.items() if suffix):
                remedy += "; its WAL may be of another database"
        return SqlError(message or "SQLite failed", code, where=self.path, remedy=remedy)

    def _take_buffer(self) -> int:
        return self._buffers.pop() if self._buffers else self._instance.new_buffer()

    def _finalize(self, cursor: Cursor, statement: int, buffer: int) -> None:
        self._cursors.discard(cursor)
        self._free(statement, buffer)

    def _free_abandoned(self) -> None:
        while self._abandoned:
            self._free(*self._abandoned.pop())

    def _free(self, statement: int, buffer: int) -> None:
        self._buffers.append(buffer)
        if not self._instance.is_dead:
            self._instance.call("wf_finalize", statement)
