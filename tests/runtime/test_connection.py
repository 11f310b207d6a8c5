"""A connection and its cursors: what is freed when, what ends a result, and what is wrong use."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.conftest import Oracle
from wasmfix import runtime
from wasmfix.errors import WasmfixError

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
try:
    connection.execute("INSERT INTO t VALUES (99)")
except sqlite3.OperationalError as error:
    print(error)
"""
NUMBERS = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i LIMIT 5000) SELECT n FROM i"


def test_cursors_that_nobody_holds_take_no_memory(replica: Path) -> None:
    with runtime.open(replica / "a.db", memory_limit=16 * 2**20) as db:
        for _ in range(500):
            assert next(db.execute(NUMBERS)) == (1,)
        held = db.execute(NUMBERS)
        next(held)
        next(db.execute(NUMBERS))
        assert sum(n for (n,) in held) == 5000 * 5001 // 2 - 1


def test_the_end_of_the_connection_is_not_taken_for_the_end_of_the_rows(replica: Path) -> None:
    db = runtime.open(replica / "a.db")
    begun, fetched, ended = db.execute(NUMBERS), db.execute("SELECT 1 UNION ALL SELECT 2"), db.execute("SELECT 1")
    next(begun)
    next(fetched)
    assert ended.all() == [(1,)]
    db.close()
    for cursor in (begun, fetched):
        with pytest.raises(WasmfixError, match=r"a\.db: the connection was closed before all rows were read"):
            next(cursor)
    assert ended.all() == []


@pytest.mark.parametrize("parameters", [5, None, {1}, (n for n in [1]), "1", b"1"])
def test_what_has_neither_order_nor_names_is_no_parameters(parameters: Any, replica: Path) -> None:
    with runtime.open(replica / "a.db") as db:
        with pytest.raises(TypeError, match="parameters are a list, a tuple or a mapping, not"):
            db.execute("SELECT ?", parameters)
        assert db.execute("SELECT ?", [1]).one() == (1,)


def test_wrong_use_is_told_in_words(replica: Path, wasm: Path) -> None:
    with runtime.open(str(replica / "a.db"), engine=str(wasm)) as db:
        statement: Any = b"SELECT 1"
        with pytest.raises(TypeError, match="a statement is a str, not bytes"):
            db.execute(statement)
    with pytest.raises(ValueError, match=r"text_errors is an error handler as for bytes\.decode\(\), not 'bogus'"):
        runtime.open(replica / "a.db", text_errors="bogus")
    with pytest.raises(WasmfixError, match="no such file: a name has no NUL character"):
        runtime.open(f"{replica}/a.db\0")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process its own descriptors and locks")
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_locks_of_another_sqlite_in_this_process_are_left_alone(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    own = sqlite3.connect(file, isolation_level=None)
    own.execute(f"PRAGMA journal_mode = {mode}")
    own.execute("CREATE TABLE t(a)")
    own.execute("BEGIN IMMEDIATE")
    with pytest.raises(WasmfixError, match=r"a\.db: another SQLite has it open in this process"):
        runtime.open(file)
    done = subprocess.run([sys.executable, "-c", WRITER, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout == "database is locked\n"
    own.execute("COMMIT")
    own.close()

    reader = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t").fetchall()
    with pytest.raises(WasmfixError, match="another SQLite has it open"):
        runtime.open(file)
    reader.close()
    # Nobody holds this one any more.
    sqlite3.connect(file).execute("PRAGMA user_version")
    with file.open("rb"), runtime.open(file), runtime.open(file) as db:
        assert db.execute("SELECT count(*) FROM t").one() == (0,)


def test_a_schema_that_uses_the_packages_own_lower_is_not_malformed(
    native: Path, oracle: Oracle, tmp_path: Path
) -> None:
    """zero-sqlite3 1.1.4 has lower() and upper() of its own, which SQLite takes for an application's."""
    file = tmp_path / "a.db"
    oracle(
        "exec",
        file=str(file),
        sql="""
        CREATE TABLE user(id INTEGER PRIMARY KEY, name TEXT CHECK (upper(name) <> 'X'), low TEXT AS (lower(name)));
        CREATE INDEX by_name ON user(lower(name)) WHERE upper(name) > 'A';
        INSERT INTO user(name) VALUES ('\u00c9VA');
        """,
    )
    oracle("close", file=str(file))
    with runtime.open(file, engine=runtime.find_engine(native)) as db:
        assert db.execute("SELECT name, low FROM user").all() == [("\u00c9VA", "\u00e9va")]
        assert db.execute("PRAGMA quick_check").all() == [("ok",)]
