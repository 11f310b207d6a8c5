"""Random calls on one or two connections of one file: every answer and every error is native's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential.drivers import Driver
from differential.programs import Both, Interpreter, values

SQL = [
    "SELECT * FROM t",
    "SELECT a, b FROM t ORDER BY a DESC",
    "SELECT * FROM t WHERE a > ?",
    "SELECT count(*) AS n, sum(a) AS s FROM t",
    "SELECT t.*, u.* FROM t LEFT JOIN u ON u.x = t.a",
    "SELECT f(a) AS f FROM t",
    "SELECT f(1) AS f",
    "SELECT ? AS v, typeof(?) AS w",
    "SELECT value AS v FROM json_each('[1,2,3]')",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i * 0.5 AS h FROM n",
    "INSERT INTO t VALUES (?, ?)",
    "INSERT INTO t(b) VALUES (?)",
    "INSERT OR REPLACE INTO t VALUES (?, ?)",
    "INSERT OR ROLLBACK INTO t VALUES (?, 1)",
    "INSERT INTO t(b) VALUES (?), (7) RETURNING a, b",
    "INSERT INTO u SELECT a, f(b) FROM t",
    "UPDATE t SET b = ? WHERE a < 5",
    "DELETE FROM t WHERE a = ?",
    "DELETE FROM u RETURNING x",
    "UPDATE u SET y = f(x) RETURNING y",
    "PRAGMA user_version",
    "PRAGMA table_info(t)",
    "BEGIN",
    "COMMIT",
    "EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = ?",
]
SCRIPTS = [
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "BEGIN CONCURRENT",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
    "INSERT INTO t(b) VALUES (1); INSERT INTO t(b) VALUES (2)",
    "INSERT INTO t VALUES (1, 1)",
    "UPDATE t SET b = a",
    "DELETE FROM t",
    "CREATE TABLE IF NOT EXISTS u(x, y)",
    "DROP TABLE u",
    "ALTER TABLE t ADD COLUMN c DEFAULT 5",
    "ALTER TABLE t DROP COLUMN c",
    "CREATE INDEX IF NOT EXISTS i ON t(b)",
    "DROP INDEX i",
    "SELECT f(5)",
    "CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON t BEGIN INSERT INTO u VALUES (new.a, f(new.b)); END",
    "ANALYZE",
    "VACUUM",
    "SELECT nosuch",
    "INSERT INTO u SELECT value, hex(zeroblob(400)) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]')",
]
PRAGMAS = [
    "user_version",
    "user_version = 7",
    "journal_mode = wal",
    "journal_mode = wal2",
    "journal_mode = delete",
    "journal_mode",
    "wal_checkpoint",
    "wal_checkpoint(TRUNCATE)",
    "foreign_keys = off",
    "cache_size = 5",
    "integrity_check",
    "table_info(t)",
    "locking_mode = exclusive",
    "locking_mode = normal",
    "data_version = 1",
]

database = st.integers(0, 1)
some = st.integers(0, 9)
arguments = st.lists(values, max_size=2)
fitting = st.sampled_from([True, True, True, False])
EXEC = st.tuples(st.just("exec"), database, st.sampled_from(SCRIPTS))
PREPARE = st.tuples(st.just("prepare"), database, st.sampled_from(SQL))
READ = st.tuples(st.sampled_from(["get", "all", "iterate", "iterate"]), some, arguments, fitting)
WRITE = st.tuples(st.just("run"), some, arguments, fitting)
STEP = st.tuples(st.sampled_from(["next", "next", "return"]), some)
OTHERS = st.one_of(
    st.tuples(st.just("bind"), some, arguments, fitting),
    st.tuples(st.just("mode"), some, st.sampled_from(["raw", "pluck", "expand", "safeIntegers"]), st.booleans()),
    st.tuples(st.just("pragma"), database, st.sampled_from(PRAGMAS), st.booleans()),
    st.tuples(st.sampled_from(["columns", "busy"]), some),
    st.tuples(st.just("grow"), st.sampled_from([1, 60, 128, 700])),
    st.tuples(st.just("scan"), some, st.integers(0, 3), st.sampled_from([0, 1, 2, 3, 4, 5, 6])),
    st.tuples(st.sampled_from(["facts", "close", "serialize"]), database),
    st.tuples(st.sampled_from(["unsafe", "default_safe"]), database, st.booleans()),
    st.tuples(st.just("open"), database, st.sampled_from([{}, {"readonly": True}, {"fileMustExist": True}])),
)
CALLS = st.one_of(EXEC, EXEC, PREPARE, READ, READ, WRITE, STEP, OTHERS)
NESTED = st.one_of(
    *[CALLS] * 6,
    st.tuples(st.just("define"), database, CALLS, st.booleans()),
    st.tuples(
        st.just("transaction"),
        database,
        st.sampled_from(["default", "immediate", "exclusive"]),
        st.lists(CALLS, max_size=4),
        st.booleans(),
    ),
)
# Each sequence begins with something to work on, so that few calls only say that nothing is there.
START = [
    ["open", 0, {}],
    ["exec", 0, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(x, y)"],
    ["exec", 0, "INSERT INTO t VALUES (1, 'one'), (2, 2.5), (3, NULL), (4, x'04')"],
    ["define", 0, ["facts", 0], False],
    ["prepare", 0, "SELECT * FROM t"],
    ["prepare", 0, "INSERT INTO t(b) VALUES (?)"],
    ["prepare", 0, "SELECT f(a) AS f FROM t"],
    ["open", 1, {}],
    ["define", 1, ["get", 0, [], True], False],
    ["prepare", 1, "SELECT * FROM t WHERE a > ?"],
    ["prepare", 1, "UPDATE t SET b = f(a)"],
]


@pytest.fixture(scope="module")
def both(native: Driver, engine: Driver) -> Iterator[Both]:
    pair = Both(Interpreter(native), Interpreter(engine))
    yield pair
    pair.native.close()
    pair.engine.close()


@settings(deadline=None, max_examples=500, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kilobytes=st.integers(0, 40), calls=st.lists(NESTED, min_size=8, max_size=60))
def test_sequences_of_calls_have_the_same_trace(both: Both, kilobytes: int, calls: list[object]) -> None:
    both.agree({"kind": "sequence", "calls": [["grow", kilobytes * 100], *START, *calls]})
