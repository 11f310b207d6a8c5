"""Read a database of zero-sqlite3 (wal2 too) or better-sqlite3 from Python, without touching it.

    from wasmfix import runtime

    with runtime.open("replica.db") as db:
        for id, title in db.execute("SELECT id, title FROM issue WHERE open = ?", [1]):
            ...

docs/runtime.md has the whole of it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from wasmfix import paths
from wasmfix.runtime.codes import SnapshotError, SqlError
from wasmfix.runtime.connection import Connection, Cursor, Row
from wasmfix.runtime.host import DEFAULT, NAMES, get_host
from wasmfix.runtime.instance import Instance
from wasmfix.runtime.provide import find_engine
from wasmfix.runtime.snapshot import take_snapshot
from wasmfix.runtime.values import Value

__all__ = [
    "NAMES",
    "Connection",
    "Cursor",
    "Row",
    "SnapshotError",
    "SqlError",
    "Value",
    "find_engine",
    "open",
]

MEMORY_LIMIT = 192 * 2**20


def open(  # noqa: A001 - as gzip.open, tarfile.open
    path: Path | str,
    *,
    engine: Path | str | None = None,
    runtime: str = DEFAULT,
    copy: bool = False,
    patience: float = 10.0,
    memory_limit: int = MEMORY_LIMIT,
    timeout: float | None = None,
    progress: Callable[[int], None] | None = None,
    text_errors: str = "replace",
) -> Connection:
    """Open a snapshot of the database in the file `path`, to read.

    Args:
        engine: an engine.wasm; by default find_engine()'s.
        runtime: `wasmtime`, or `wasmer` where it has a wheel (CPython 3.10).
        copy: read a copy of the database even if it is large, so that a native writer's checkpoints wait only as long
            as that takes (about a second for a gigabyte).
        patience: seconds to wait for a writer that is in the way.
        memory_limit: bytes that SQLite may take; a query that needs more raises SQLITE_NOMEM.
        timeout: seconds that one step of a query may take.
        progress: called with the number of bytes read so far, ten times a second at most, while a query reads.
            What it raises ends the query.
        text_errors: how text that is not UTF-8 is decoded, as for bytes.decode().

    Raises WasmfixError, one line that says what is wrong with the file or the runtime; ValueError for a `text_errors`
    that Python does not know.
    """
    try:
        codecs.lookup_error(text_errors)
    except LookupError:
        raise ValueError(f"text_errors is an error handler as for bytes.decode(), not {text_errors!r}") from None
    wasm = Path(engine) if engine is not None else find_engine()
    host = get_host(runtime)
    snapshot = take_snapshot(Path(path), copy=copy, patience=patience)
    instance: Instance | None = None
    try:
        instance = Instance(
            host,
            wasm,
            snapshot.views,
            private=snapshot.private,
            memory_limit=memory_limit,
            cache=paths.cache_folder(),
            timeout=timeout,
            progress=progress,
        )
        return Connection(instance, snapshot, text_errors)
    except BaseException:
        if instance is not None:
            instance.close()
        snapshot.close()
        raise
