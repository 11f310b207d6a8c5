"""The rules of the WAL index (wasm/js/wal-index.js): each holds, and without it the engine goes wrong.

The interleavings are forced by hooks.cjs. Where a scenario has a rule taken out, the assertion that it then goes wrong
is what shows that the test would notice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from processes.actors import Actor, SqliteError
from processes.conftest import Start

MODES = pytest.mark.parametrize("mode", ["wal", "wal2"])
ROW = "insert into t values(randomblob(500))"


def kept_or_not(*rules: int | str) -> pytest.MarkDecorator:
    cases = [pytest.param((), id="kept"), pytest.param(rules, id="without-" + "-".join(map(str, rules)))]
    return pytest.mark.parametrize("without", cases)


def attempt(actor: Actor, sql: str) -> object:
    """The value, or the code that it ended with."""
    try:
        return actor.value(sql)
    except SqliteError as error:
        return error.code


def attempt_to(actor: Actor, sql: str) -> str | None:
    """None, or the code that it ended with."""
    try:
        actor.exec(sql)
    except SqliteError as error:
        return error.code
    return None


def seen_by(package: Path, start: Start, file: Path, sql: str) -> tuple[object, object]:
    """What a process on this package reads afterwards, and what its integrity check says."""
    with start(package).open(file) as reader:
        return attempt(reader, sql), attempt(reader, "pragma integrity_check")


@MODES
@kept_or_not(1)
def test_the_last_to_close_checkpoints_what_others_wrote(
    start: Start, native: Path, file: Path, mode: str, without: tuple[int, ...]
) -> None:
    a, b = start(), start(without=without)
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    assert b.open(file).value("select count(*) from t") == 1
    for _ in range(5):
        a.exec("insert into t values(2)")
    a.close()
    b.close()
    rows, _ = seen_by(native, start, file, "select count(*) from t")
    assert (rows == 6) is (without == ())


def at_a_switch(start: Start, file: Path, without: tuple[int | str, ...]) -> tuple[Actor, Actor, int]:
    """A writer whose next commit switches to the other, checkpointed WAL; a reader; and how many rows there are."""
    a, b = start(without=without), start(without=without)
    a.open(file).pragma("journal_mode=wal2")
    a.pragma("wal_autocheckpoint=0")
    a.pragma("journal_size_limit=20000")
    a.exec("create table t(x); create table u(x)")
    rows = 20
    for _ in range(rows):
        a.exec(ROW)
    b.open(file).value("select count(*) from t")
    # The current WAL is -wal2 and too large, -wal is checkpointed.
    a.pragma("wal_checkpoint")
    b.value("select count(*) from t")
    return a, b, rows


@kept_or_not(2)
def test_a_reader_between_words_and_header_of_a_switch_sees_every_row(
    start: Start, native: Path, file: Path, without: tuple[int, ...]
) -> None:
    a, b, rows = at_a_switch(start, file, without)
    a.hook("between")
    a.hook("pause", event="write", file="-wal")
    a.begin("exec", sql=ROW)
    assert a.paused() == "between"
    b.exec("begin concurrent")
    b.hook("pause", event="read", file="index", part="header")
    b.begin("value", sql="select count(*) from t")
    b.paused()
    a.go()
    assert a.paused() == "write -wal"
    b.go()
    seen = b.answer()
    a.go()
    a.answer()
    if without:
        assert seen < rows
        return
    assert seen == rows
    # It has read a page that A has changed since.
    with pytest.raises(SqliteError, match="SQLITE_BUSY_SNAPSHOT"):
        b.exec("insert into u values(1); commit")
    b.exec("rollback")
    assert seen_by(native, start, file, "select count(*) from t") == (rows + 1, "ok")


@pytest.mark.parametrize("without", [pytest.param((), id="kept"), pytest.param(("3 backwards",), id="without-3")])
def test_words_are_not_read_before_a_switch_and_the_header_after_it(
    start: Start, file: Path, without: tuple[str, ...]
) -> None:
    a, b, rows = at_a_switch(start, file, without)
    # Somebody else has written since, so that the reader looks before it begins.
    with start().open(file) as c:
        c.exec("insert into u values(1)")
        b.value("select count(*) from t")
    a.hook("pause", event="write", file="-wal")
    b.hook("pause", event="read", file="index", part="words" if without else "header")
    b.begin("value", sql="select count(*) from t")
    b.paused()
    a.begin("exec", sql=ROW)
    assert a.paused() == "write -wal"
    b.go()
    seen = b.answer()
    assert (seen == rows) is (without == ())


@kept_or_not(2, 6)
def test_a_writer_killed_while_it_restarts_the_wal_takes_no_commit_along(
    start: Start, native: Path, file: Path, without: tuple[int, ...]
) -> None:
    a, b = start(without=without), start(without=without)
    b.open(file, timeout=1000).pragma("journal_mode=wal")
    b.exec("create table t(x)")
    for _ in range(30):
        b.exec("insert into t values(1)")
    a.open(file).value("select count(*) from t")
    a.pragma("wal_checkpoint")
    a.hook("between")
    a.begin("exec", sql="insert into t values('of the dead')")
    assert a.paused() == "between"
    a.kill()
    for _ in range(10):
        b.exec("insert into t values(2)")
    with start(without=without).open(file) as c:
        seen = c.value("select count(*) from t")
    assert (seen == 40) is (without == ())


@kept_or_not(3, "again")  # who chooses its lock again has read the header again
def test_the_header_is_not_read_before_a_checkpoint_and_the_words_after_it(
    start: Start, file: Path, without: tuple[int | str, ...]
) -> None:
    a, b, c = start(), start(without=without), start()
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x); insert into t values('v0'); create table z(y)")
    a.pragma("wal_checkpoint")
    assert b.open(file).value("select x from t") == "v0"
    assert c.open(file).value("select x from t") == "v0"
    a.exec("update t set x='v1'")
    a.exec("insert into z values(1)")
    a.exec("update t set x='v1'")
    # The second read is the one under the read lock.
    b.hook("pause", event="read", file="index", part="header", skip=2 if without else 1)
    b.begin("value", sql="select x from t")
    b.paused()
    a.exec("update t set x='v2'")
    c.pragma("wal_checkpoint")
    b.go()
    assert b.answer() in (["v0"] if without else ["v1", "v2"])


BIG = """insert into t select zeroblob(900) from
    (with recursive c(i) as (select 1 union all select i+1 from c where i<300) select i from c)"""


@MODES
def test_frames_of_a_transaction_that_was_rolled_back_reach_nobody(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    a, c, d, guard = (start() for _ in range(4))
    a.open(file).pragma("page_size=1024")
    a.pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values('a')")
    a.open(file, name="sibling").value("select 1 from t", name="sibling")
    for actor in (c, d, guard):
        actor.open(file).value("select 1 from t")
    guard.exec("begin")
    guard.value("select 1 from t")
    a.exec("insert into t values('b')")
    for actor in (a, c):
        actor.pragma("cache_size=10")
    a.exec("begin immediate")
    a.exec(BIG)  # spills into the WAL
    a.pragma("wal_checkpoint", name="sibling")  # publishes
    c.value("select count(*) from t")
    a.exec("rollback")
    c.exec("begin immediate")
    c.exec(BIG)
    c.exec("commit")
    assert [attempt(actor, "select count(*) from t") for actor in (c, d)] == [302, 302]
    assert attempt(d, "pragma integrity_check") == "ok"
    guard.exec("commit")
    for actor in (a, c, d, guard):
        actor.close()
    a.close(name="sibling")
    assert seen_by(native, start, file, "select count(*) from t") == (302, "ok")


@kept_or_not(4)
def test_a_wal_that_begins_anew_is_read_anew(start: Start, file: Path, without: tuple[int, ...]) -> None:
    a, b = start(), start(without=without)
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x); create table u(x); insert into t values('old')")
    for _ in range(20):
        a.exec("insert into u values(randomblob(500))")
    assert b.open(file).value("select x from t") == "old"
    a.pragma("wal_checkpoint")
    a.exec("update t set x = 'new'")
    for _ in range(30):
        a.exec("insert into u values(randomblob(500))")
    assert (attempt(b, "select x from t") == "new") is (without == ())


@kept_or_not(14)
def test_after_a_recovery_from_an_empty_wal_it_is_read_anew(
    start: Start, native: Path, file: Path, without: tuple[int, ...]
) -> None:
    a, b, c = start(), start(), start(without=without)
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x); create table u(x); insert into t values('old')")
    assert b.open(file).value("select x from t") == "old"
    a.pragma("wal_checkpoint(truncate)")
    a.exec("begin immediate")
    a.kill()
    c.open(file, timeout=1000).exec("update t set x = 'new'")
    for _ in range(40):
        c.exec("insert into u values(randomblob(500))")
    assert (attempt(b, "select x from t") == "new") is (without == ())
    # What it reads there it would also write back.
    attempt_to(b, "insert into t values('more')")
    rows = seen_by(native, start, file, "select count(*) from t where x in ('new', 'more')")
    assert (rows == (2, "ok")) is (without == ())


@kept_or_not(15)
def test_after_a_recovery_from_an_empty_wal_no_cache_is_taken_for_valid(
    start: Start, native: Path, file: Path, without: tuple[int, ...]
) -> None:
    a, b, c = start(), start(), start(without=without)
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x); create table u(x); insert into t values('old'); insert into u values('b')")
    a.close()
    a.open(file).value("select x from t")
    b.open(file)
    # The WAL begins with this commit, and once more after it was emptied and recovered.
    again = "update u set x = 'a'"
    a.exec(again)
    assert b.value("select x from t") == "old"
    a.exec("update t set x = 'new'; update u set x = 'b'")
    a.pragma("wal_checkpoint(truncate)")
    a.exec("begin immediate")
    a.kill()
    c.open(file, timeout=1000).exec(again)
    assert (attempt(b, "select x from t") == "new") is (without == ())
    # What it has in its cache it would also write back.
    attempt_to(b, "insert into t values('more')")
    rows = seen_by(native, start, file, "select count(*) from t where x in ('new', 'more')")
    assert (rows == (2, "ok")) is (without == ())


@kept_or_not(15)
def test_after_a_recovery_from_an_empty_wal_a_concurrent_transaction_meets_all_that_is_new(
    start: Start, native: Path, file: Path, without: tuple[int, ...]
) -> None:
    a, b, c = start(), start(), start(without=without)
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x); create table u(x); insert into t values(0)")
    a.exec("insert into u values(1)")
    a.pragma("wal_checkpoint")
    b.open(file).exec("begin concurrent")
    assert b.value("select x from t") == 0
    a.pragma("wal_checkpoint(truncate)")
    a.exec("begin immediate")
    a.kill()
    c.open(file, timeout=1000).exec("update t set x = x + 1")
    b.exec("update t set x = x + 10")
    assert attempt_to(b, "commit") == ("SQLITE_BUSY_SNAPSHOT" if without == () else None)
    b.close()
    # Without the rule the commit of c is lost.
    assert seen_by(native, start, file, "select x from t") == (1 if without == () else 10, "ok")


@MODES
@kept_or_not(7)
def test_the_first_to_come_believes_no_index_that_a_crash_left(
    start: Start, file: Path, mode: str, without: tuple[int, ...]
) -> None:
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    index = [file.with_name(name) for name in ("a.db-shm", "a.db-wasmfix")]
    # After a power cut the WAL may be there and the index, which nobody syncs, as it was before.
    old = [path.read_bytes() for path in index]
    for _ in range(9):
        a.exec("insert into t values(2)")
    a.kill()
    for path, content in zip(index, old, strict=True):
        path.write_bytes(content)
    b = start(without=without)
    rows = b.open(file).value("select count(*) from t")
    assert (rows == 10) is (without == ())


@MODES
@pytest.mark.parametrize("ending", ["killed", "exits"])
@kept_or_not(8)
def test_a_publish_that_fails_stops_the_instance_and_loses_nothing(
    start: Start, native: Path, file: Path, mode: str, without: tuple[int, ...], ending: str
) -> None:
    a, b = start(without=without), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    b.open(file, timeout=300).value("select count(*) from t")
    a.hook("fail", file="index", part="header")
    # Its frames are in the WAL: the commit stands, though SQLite has nobody to tell what became of the index.
    a.begin("exec", sql="insert into t values(2)")
    acknowledged = a._hear() == {"value": None}
    if without:
        assert acknowledged
        b.exec("insert into t values(3)")
        assert b.value("select count(*) from t") == 2
        return
    with pytest.raises(SqliteError, match="could not be written"):
        a.exec("insert into t values(4)")
    # It keeps its lock: what is in the index is not what is in the WAL.
    assert attempt_to(b, "insert into t values(3)") == "SQLITE_BUSY"
    if ending == "killed":
        a.kill()
    else:
        a.end()
    b.exec("insert into t values(3)")
    assert b.value("select count(*) from t") == 3
    b.close()
    assert seen_by(native, start, file, "select count(*) from t") == (3, "ok")


@MODES
@kept_or_not(9)
def test_readers_go_on_while_a_writer_is_stopped_in_a_publish(
    start: Start, file: Path, mode: str, without: tuple[int, ...]
) -> None:
    a, b = start(without=without), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    b.open(file).value("select count(*) from t")
    a.hook("pause", event="write", file="index", part="header", skip=2 if without else 0)
    a.begin("exec", sql="insert into t values(2)")
    a.paused()
    b.exec("begin")
    answers = [attempt(b, "select count(*) from t") for _ in range(1 if without else 3)]
    a.go()
    a.answer()
    if without:
        assert answers[0] in ("SQLITE_PROTOCOL", "SQLITE_BUSY", "SQLITE_BUSY_RECOVERY")
    else:
        assert answers == [1, 1, 1]


@kept_or_not("empty")
def test_a_checkpointer_killed_while_it_empties_the_wal_keeps_nobody_from_reading(
    start: Start, native: Path, file: Path, without: tuple[int | str, ...]
) -> None:
    a, b = start(without=without), start()
    b.open(file).pragma("journal_mode=wal")
    b.exec("create table t(x)")
    a.open(file).exec("insert into t values(1)")
    # It has said that nothing is checkpointed of the WAL that begins now, not yet that this WAL has no frames.
    a.hook("pause", event="write", file="index", part="header")
    a.begin("pragma", sql="wal_checkpoint(truncate)")
    assert a.paused() == "write index header"
    a.kill()
    assert attempt(b, "select count(*) from t") == (1 if without == () else "SQLITE_IOERR_SHORT_READ")
    if without:
        return
    with start().open(file, timeout=1000) as c:
        c.exec("insert into t values(2)")
    assert b.value("select count(*) from t") == 2
    b.close()
    assert seen_by(native, start, file, "select count(*) from t") == (2, "ok")


@kept_or_not("again")
def test_a_wal_that_others_have_checkpointed_is_begun_anew(
    start: Start, file: Path, without: tuple[int | str, ...]
) -> None:
    a, b = start(without=without), start()
    a.open(file).pragma("journal_mode=wal")
    a.exec("create table t(x)")
    b.open(file)
    for _ in range(20):
        a.exec("insert into t values(1)")
        b.pragma("wal_checkpoint")
    wal = file.with_name("a.db-wal")
    frames = (wal.stat().st_size - 32) // (4096 + 24)
    # The first WAL has the table; each one that follows a row.
    assert (frames < 10) is (without == ())
    # A reader that needs no frame of the WAL lets it be emptied.
    a.exec("begin; select count(*) from t")
    b.pragma("wal_checkpoint(truncate)")
    assert (wal.stat().st_size == 0) is (without == ())
