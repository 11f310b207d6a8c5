"""The database that Zero replicates from: publications, stale triggers, slots, settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from wasmfix.diagnostics.checks.database_server import CHECKS as SERVER
from wasmfix.diagnostics.checks.database_subject import DatabaseSubject, look_at
from wasmfix.diagnostics.checks.database_tables import CHECKS as TABLES
from wasmfix.diagnostics.checks.database_triggers import CHECKS as TRIGGERS
from wasmfix.diagnostics.finding import FindingError
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Section, Tell
from wasmfix.errors import WasmfixError
from wasmfix.postgres.connect import connected


def sections(options: Options) -> Iterable[Section[DatabaseSubject]]:
    url = options.database_url
    if url is None:
        return

    @contextmanager
    def open_database(tell: Tell) -> Iterator[DatabaseSubject]:
        tell("connecting to the database")
        with ExitStack() as stack:
            try:
                subject = look_at(stack.enter_context(connected(url)), options)
            except WasmfixError as error:
                raise _unreadable(error) from error
            yield subject

    yield Section("database", "the database", open_database, (*SERVER, *TABLES, *TRIGGERS))


def _unreadable(error: WasmfixError) -> FindingError:
    remedy = error.remedy[:1].upper() + error.remedy[1:] + "." if error.remedy else None
    where = str(error.where) if error.where is not None else "the database"
    return FindingError(finding("WF301", where, error.what, remedy=remedy))
