"""SQLite's result codes by name (sqlite.org/rescode.html), and the error that carries one."""

from __future__ import annotations

from pathlib import Path

from wasmfix.errors import WasmfixError

OK, ERROR, INTERNAL, BUSY, NOMEM, READONLY, INTERRUPT, IOERR = 0, 1, 2, 5, 7, 8, 9, 10
CORRUPT, FULL, CANTOPEN, MISUSE, TOOBIG, NOTADB = 11, 13, 14, 21, 18, 26
ROW, DONE = 100, 101
IOERR_READ, IOERR_SHORT_READ, IOERR_WRITE, IOERR_DELETE_NOENT = 266, 522, 778, 5898

_PRIMARY = (
    *("OK", "ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR"),
    *("CORRUPT", "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA", "TOOBIG", "CONSTRAINT", "MISMATCH"),
    *("MISUSE", "NOLFS", "AUTH", "FORMAT", "RANGE", "NOTADB", "NOTICE", "WARNING"),
)
_EXTENDED = {
    # Those that a reader can meet: the suffixes of primary + 256, + 512, …
    "ERROR": ("MISSING_COLLSEQ", "RETRY", "SNAPSHOT"),
    "BUSY": ("RECOVERY", "SNAPSHOT", "TIMEOUT"),
    "READONLY": ("RECOVERY", "CANTLOCK", "ROLLBACK", "DBMOVED", "CANTINIT", "DIRECTORY"),
    "IOERR": ("READ", "SHORT_READ", "WRITE", "FSYNC", "DIR_FSYNC", "TRUNCATE", "FSTAT", "UNLOCK", "RDLOCK", "DELETE"),
    "CORRUPT": ("VTAB", "SEQUENCE", "INDEX"),
    "CANTOPEN": ("NOTEMPDIR", "ISDIR", "FULLPATH", "CONVPATH", "DIRTYWAL", "SYMLINK"),
}


def code_name(code: int) -> str:
    """`SQLITE_CORRUPT_INDEX` for 779; an unknown suffix leaves the primary code's name."""
    primary = code & 0xFF
    if primary >= len(_PRIMARY):
        return f"SQLite's code {code}"
    name = _PRIMARY[primary]
    suffixes = _EXTENDED.get(name, ())
    at = (code >> 8) - 1
    return f"SQLITE_{name}_{suffixes[at]}" if 0 <= at < len(suffixes) else f"SQLITE_{name}"


class SqlError(WasmfixError):
    """SQLite refused. `code` is the extended result code, `name` its name."""

    def __init__(self, what: str, code: int, *, where: Path | str | None = None, remedy: str | None = None) -> None:
        self.code = code
        self.name = code_name(code)
        super().__init__(f"{what} ({self.name})", where=where, remedy=remedy)


class SnapshotError(WasmfixError):
    """There is no consistent view of the database, or not any more; trying again may help."""
