"""What is read in Python is what native reads, value by value. On every host that this Python has."""

from __future__ import annotations

import math
import struct
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.conftest import Oracle
from wasmfix import runtime
from wasmfix.runtime import SqlError

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [0, 1, -1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63)]
)
FLOATS = st.floats(allow_nan=False)
# Any UTF-16, lone surrogates too.
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=40) | st.text(max_size=400)
BLOBS = st.binary(max_size=400)
VALUES = st.none() | INTEGERS | FLOATS | TEXTS | BLOBS


def encoded(value: Any) -> Any:
    """As oracle.cjs reads it."""
    if value is None:
        return None
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"r": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        units = value.encode("utf-16-le", "surrogatepass")
        return {"u": list(struct.unpack(f"<{len(units) // 2}H", units))}
    return {"b": value.hex()}


def seen(row: Any) -> list[Any]:
    """A row as oracle.cjs writes it, but for the bytes of texts."""
    return [encoded(value) for value in row]


def same(ours: Any, native: Any) -> bool:
    return bool(seen(ours) == [value if value is None or "t" not in value else {"u": value["u"]} for value in native])


@QUICK
@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=12))
def test_a_value_of_any_type_is_read_as_native_reads_it(
    rows: list[Any], session_oracle: Oracle, tmp_path: Path, host: str
) -> None:
    file = tmp_path / f"{uuid.uuid4()}.db"
    session_oracle("exec", file=str(file), sql="PRAGMA journal_mode = wal2; CREATE TABLE t(a, b, c)")
    for row in rows:
        session_oracle(
            "run", file=str(file), sql="INSERT INTO t VALUES (?, ?, ?)", parameters=[encoded(v) for v in row]
        )
    native = session_oracle("rows", file=str(file), sql="SELECT a, b, c FROM t ORDER BY rowid")
    with runtime.open(file, runtime=host) as db:
        ours = db.execute("SELECT a, b, c FROM t ORDER BY rowid").all()
        stored = db.execute("SELECT lower(hex(a)) FROM t WHERE typeof(a) = 'text' ORDER BY rowid").all()
    assert len(ours) == len(native)
    for mine, theirs in zip(ours, native, strict=True):
        assert same(mine, theirs)
    assert [text for (text,) in stored] == [row[0]["t"] for row in native if row[0] is not None and "t" in row[0]]
    session_oracle("close", file=str(file))


@QUICK
@given(value=VALUES)
def test_a_parameter_comes_back_as_it_was_given(value: Any, replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host, text_errors="surrogatepass") as db:
        back = db.execute("SELECT ?", [value]).one()
    assert back is not None
    assert type(back[0]) is type(value)
    assert back[0] == value
    if isinstance(value, float):
        assert math.copysign(1, value) == math.copysign(1, float(back[0] or 0))


@QUICK
@given(data=st.binary(max_size=60))
def test_text_that_is_not_utf8_is_decoded_as_node_does_and_its_bytes_can_be_had(
    data: bytes, session_oracle: Oracle, tmp_path: Path, host: str
) -> None:
    file = tmp_path / f"{uuid.uuid4()}.db"
    data = data.replace(b"\0", b"x")
    literal = f"CAST(x'{data.hex()}' AS TEXT)"
    session_oracle("exec", file=str(file), sql=f"CREATE TABLE t(a); INSERT INTO t VALUES ({literal})")
    native = session_oracle("rows", file=str(file), sql="SELECT a FROM t")
    with runtime.open(file, runtime=host) as db:
        assert same(db.execute("SELECT a FROM t").all()[0], native[0])
        assert db.execute("SELECT CAST(a AS BLOB) FROM t").all() == [(data,)]
    with runtime.open(file, runtime=host, text_errors="surrogateescape") as db:
        ((text,),) = db.execute("SELECT a FROM t").all()
        assert str(text).encode("utf-8", "surrogateescape") == data
    session_oracle("close", file=str(file))


def test_all_batches_of_a_long_result_arrive_in_order(replica: Path, host: str) -> None:
    series = (
        "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000) SELECT n, 'row ' || n FROM i"
    )
    with runtime.open(replica / "a.db", runtime=host) as db:
        assert [*db.execute(series)] == [(n, f"row {n}") for n in range(1, 20001)]


def test_long_values_between_short_ones_arrive_whole(replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host) as db:
        sql = "SELECT value, CASE WHEN value % 3 = 0 THEN zeroblob(value * 10000) ELSE 'x' END FROM json_each(?)"
        rows = db.execute(sql, [str(list(range(60)))]).all()
    assert [len(value) for _, value in rows if isinstance(value, (str, bytes))] == [
        n * 10000 if n % 3 == 0 else 1 for n in range(60)
    ]


def test_two_cursors_of_one_connection_go_on_side_by_side(replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host) as db:
        first = db.execute("SELECT id FROM issue ORDER BY id")
        second = db.execute("SELECT id FROM issue ORDER BY id DESC")
        pairs = [(next(first)[0], next(second)[0]) for _ in range(60)]
    assert pairs == [(n, 61 - n) for n in range(1, 61)]


def test_rows_come_as_dicts_by_column_name(replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host) as db:
        cursor = db.execute("SELECT id, title FROM issue WHERE id = :id", {"id": 7})
        assert cursor.columns == ("id", "title")
        assert list(cursor.dicts()) == [{"id": 7, "title": "issue 6"}]


def test_what_sqlite_refuses_is_an_error_with_its_message_and_code(replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host) as db:
        for sql, name, words in (
            ("SELECT * FROM missing", "SQLITE_ERROR", "no such table: missing"),
            ("SELECT", "SQLITE_ERROR", "incomplete input"),
            ("DELETE FROM issue", "SQLITE_READONLY", "attempt to write a readonly database"),
            ("CREATE TABLE t(a)", "SQLITE_READONLY", "attempt to write a readonly database"),
            ("SELECT 1; SELECT 2", "SQLITE_MISUSE", "more than one statement"),
            ("", "SQLITE_MISUSE", "no statement"),
        ):
            with pytest.raises(SqlError) as caught:
                db.execute(sql).all()
            assert caught.value.name == name
            assert words in str(caught.value)
            assert "\n" not in str(caught.value)
        for values in ([], [1, 2], {"b": 1}, [2**63], [object()]):
            with pytest.raises(SqlError):
                db.execute("SELECT :a", values)  # type: ignore[arg-type]
        assert db.execute("SELECT count(*) FROM issue").one() == (60,)


def test_a_query_that_needs_more_than_the_memory_limit_fails_and_the_next_one_works(replica: Path, host: str) -> None:
    with runtime.open(replica / "a.db", runtime=host, memory_limit=16 * 2**20) as db:
        with pytest.raises(SqlError) as caught:
            db.execute("SELECT length(zeroblob(30000000) || 'x'), hex(zeroblob(30000000))").all()
        assert caught.value.name in ("SQLITE_NOMEM", "SQLITE_TOOBIG")
        assert db.execute("SELECT count(*) FROM issue").one() == (60,)


def test_sorting_more_than_the_cache_goes_through_temporary_files(replica: Path, host: str) -> None:
    series = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 60000) "
    with runtime.open(replica / "a.db", runtime=host, memory_limit=24 * 2**20) as db:
        db.execute("PRAGMA cache_size = 100").all()
        rows = db.execute(series + "SELECT n FROM (SELECT n, hex(randomblob(150)) x FROM i ORDER BY x) LIMIT 5").all()
    assert len(rows) == 5
