"""The replica: one snapshot of it, read through the engine. Nothing beside it is created, changed or touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wasmfix import runtime
from wasmfix.diagnostics.checks.hydration import CHECKS as HYDRATION
from wasmfix.diagnostics.checks.replica_files import CHECKS as FILES
from wasmfix.diagnostics.checks.replica_files import is_open_on_engine, is_open_on_native
from wasmfix.diagnostics.checks.replica_state import CHECKS as STATE
from wasmfix.diagnostics.checks.replica_subject import (
    RESTORE,
    SECTION,
    SUFFIXES,
    ReplicaSubject,
    Watch,
    changed,
    damaged,
    is_damage,
    read_tables,
)
from wasmfix.diagnostics.checks.replica_tables import CHECKS as TABLES
from wasmfix.diagnostics.finding import Finding, FindingError
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Section, Tell
from wasmfix.errors import WasmfixError
from wasmfix.runtime import SnapshotError, SqlError
from wasmfix.runtime.host import get_host

ZERO_DRIVER = "@rocicorp/zero-sqlite3"
_PATIENCE = 10.0
"""Seconds to wait for a writer that is in the way."""
_TIMEOUT = 300.0
"""Seconds for one step of SQLite's, the last resort: a Watch looks at the clock only while SQLite reads."""


def sections(options: Options) -> Iterable[Section[ReplicaSubject]]:
    replica = options.replica
    if replica is None:
        return

    @contextmanager
    def open_replica(tell: Tell) -> Iterator[ReplicaSubject]:
        # What is wrong with the runtime or the engine is no fault of the replica's: these come first.
        get_host(options.runtime)
        engine = _engine(options, tell)
        sizes = _sizes(replica)
        on_engine, on_native = is_open_on_engine(replica), is_open_on_native(replica)
        watch = Watch(tell, sum(sizes.values()))
        try:
            db = runtime.open(
                replica, engine=engine, runtime=options.runtime, patience=_PATIENCE, timeout=_TIMEOUT, progress=watch
            )
        except WasmfixError as error:
            raise FindingError(_unreadable(replica, error)) from error
        with db:
            try:
                tables = read_tables(db)
            except SqlError as error:
                if not is_damage(error):
                    raise
                raise FindingError(damaged(replica.name, error)) from error
            except SnapshotError as error:
                raise FindingError(changed(replica.name, error)) from error
            yield ReplicaSubject(options, replica, db, watch, tables, sizes, on_engine, on_native)

    yield Section(SECTION, "the replica", open_replica, (*FILES, *STATE, *TABLES, *HYDRATION))


def _engine(options: Options, tell: Tell) -> Path:
    """That of the project's own package, so that what we read is what zero-cache reads; else any."""
    packages = options.installation.packages if options.installation else ()
    say: Callable[[str], None] = tell
    for package in packages:
        if package.name == ZERO_DRIVER and package.amalgamation.problem is None:
            with suppress(WasmfixError):
                return runtime.find_engine(package.folder, progress=say)
    return runtime.find_engine(fetch=options.fetch, progress=say)


def _unreadable(replica: Path, error: WasmfixError) -> Finding:
    if isinstance(error, SnapshotError):
        return changed(replica.name, error)
    if isinstance(error, SqlError) and is_damage(error):
        return damaged(replica.name, error)
    # Mostly the file itself; else a WAL beside it.
    where = Path(error.where) if error.where else replica
    remedy = f"{error.remedy[0].upper()}{error.remedy[1:]}." if error.remedy else None
    if remedy and "zero-cache" in remedy:
        # Whose file it is cannot be told.
        remedy = RESTORE
    return finding("WF201", where.name or str(where), error.what, evidence=[str(where)], remedy=remedy)


def _sizes(replica: Path) -> dict[str, int]:
    sizes = {}
    # As SQLite does: what lies beside the file that a link leads to.
    file = Path(os.path.realpath(replica))
    for suffix in SUFFIXES:
        with suppress(OSError):
            sizes[suffix] = Path(f"{file}{suffix}").stat().st_size
    return sizes
