"""Processes and threads that die, stop or come back, and what they leave beside a database."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nodejs
from processes.conftest import Start, left
from processes.test_rules import MODES, ROW, SqliteError, attempt, attempt_to, seen_by

HERE = Path(__file__).resolve().parent
COUNT = "select count(*) from t"
ALL_MODES = pytest.mark.parametrize("mode", ["wal", "wal2", "delete"])
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what /proc tells on Linux")


@ALL_MODES
def test_nothing_of_ours_is_left_by_the_last_to_close(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file).value(COUNT)
    assert "a.db-wasmfix" in left(file)
    a.close()
    assert "a.db-wasmfix" in left(file)
    b.end()
    assert left(file) == ["a.db"]


@ALL_MODES
def test_what_a_killed_process_left_is_cleared_by_the_next(start: Start, native: Path, file: Path, mode: str) -> None:
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    a.exec("begin immediate; insert into t values(2)")
    a.kill()
    assert "a.db-wasmfix" in left(file)
    b = start()
    b.open(file).exec("insert into t values(3)")
    b.close()
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (2, "ok")


@ALL_MODES
def test_native_afterwards_sees_every_commit_of_killed_processes(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    b.open(file, timeout=1000)
    for actor in (a, b, a, b):
        actor.exec("insert into t values(2)")
    a.kill()
    b.kill()
    assert seen_by(native, start, file, COUNT) == (5, "ok")


@ALL_MODES
def test_a_replica_that_is_deleted_leaves_a_clean_slate(start: Start, file: Path, mode: str) -> None:
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    a.exec("begin immediate")
    a.kill()
    # As zero-cache does it: it knows these five.
    for suffix in ("", "-wal", "-wal2", "-shm", "-journal"):
        file.with_name(f"a.db{suffix}").unlink(missing_ok=True)
    b = start()
    assert b.open(file).pragma("journal_mode") == "delete"
    b.exec("create table t(x)")
    assert b.value(COUNT) == 0
    b.close()
    assert left(file) == ["a.db"]


@MODES
def test_a_replica_that_is_deleted_while_it_is_open_does_not_harm_its_successor(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    for suffix in ("", "-wal", "-wal2", "-shm", "-journal"):
        file.with_name(f"a.db{suffix}").unlink(missing_ok=True)
    b.open(file).pragma(f"journal_mode={mode}")
    b.exec("create table t(x); insert into t values(1); insert into t values(2)")
    assert a.value(COUNT) == 1
    a.close()
    b.exec("insert into t values(3)")
    b.kill()
    assert seen_by(native, start, file, COUNT) == (3, "ok")


@ALL_MODES
def test_a_killed_writer_holds_nobody_up(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file, timeout=5000).value(COUNT)
    took = []
    for _ in range(5):
        with start().open(file, timeout=5000) as c:
            c.exec("begin immediate; insert into t values('of the dead')")
            c.kill()
            begun = time.monotonic()
            b.exec("insert into t values(1)")
            took.append(time.monotonic() - begun)
    assert b.value(COUNT) == 5
    # The machine may stand still once.
    assert sorted(took)[-2] < 2, took


@MODES
def test_a_writer_stopped_in_a_publish_holds_up_writers_only(start: Start, file: Path, mode: str) -> None:
    a, b, c = start(), start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    for actor in (b, c):
        actor.open(file, timeout=200).value(COUNT)
    a.hook("pause", event="write", file="index", part="header")
    a.begin("exec", sql="insert into t values(2)")
    a.paused()
    a.signal(signal.SIGSTOP)
    assert {attempt(actor, COUNT) for _ in range(5) for actor in (b, c)} == {1}
    assert attempt_to(b, "insert into t values(3)") == "SQLITE_BUSY"
    a.go()
    a.signal(signal.SIGCONT)
    a.answer()
    b.exec("insert into t values(3)")
    assert [actor.value(COUNT) for actor in (a, b, c)] == [3] * 3


@MODES
def test_a_checkpointer_stopped_in_a_publish_holds_up_checkpointers_only(start: Start, file: Path, mode: str) -> None:
    a, b, c = start(), start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    # wal2 has something to checkpoint once it has switched to the other WAL.
    a.pragma("wal_autocheckpoint=0")
    a.pragma("journal_size_limit=20000")
    rows = 20
    for _ in range(rows - 1):
        a.exec(ROW)
    for actor in (b, c):
        actor.open(file, timeout=200).value(COUNT)
    a.hook("pause", event="write", file="index", part="words")
    a.begin("pragma", sql="wal_checkpoint")
    a.paused()
    a.signal(signal.SIGSTOP)
    b.exec("insert into t values(2)")
    assert {attempt(actor, COUNT) for _ in range(5) for actor in (b, c)} == {rows + 1}
    assert c.pragma("wal_checkpoint(truncate)") == 1  # busy
    a.go()
    a.signal(signal.SIGCONT)
    a.answer()
    assert c.pragma("wal_checkpoint(truncate)") == 0
    assert [actor.value(COUNT) for actor in (a, b, c)] == [rows + 1] * 3


@ALL_MODES
def test_a_stopped_process_is_not_taken_for_a_dead_one(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file, timeout=300).value(COUNT)
    a.exec("begin immediate; insert into t values(1)")
    a.signal(signal.SIGSTOP)
    assert attempt_to(b, "insert into t values(2)") == "SQLITE_BUSY"
    a.signal(signal.SIGCONT)
    a.exec("commit")
    b.exec("insert into t values(2)")
    assert a.value(COUNT) == 2


@MODES
def test_clocks_that_jump_change_nothing(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file, timeout=300).value(COUNT)
    for ahead in (10 * 365 * 86_400_000, -20 * 365 * 86_400_000):
        b.ask("clock", ahead=ahead)
        a.exec("begin immediate; insert into t values(1)")
        begun = time.monotonic()
        assert attempt_to(b, "insert into t values(2)") == "SQLITE_BUSY"
        # Not years, nor what a machine may stand still.
        assert time.monotonic() - begun < 60
        a.exec("commit")
        b.exec("insert into t values(2)")
    assert a.value(COUNT) == 4


@ALL_MODES
def test_a_thread_ended_by_terminate_holds_nobody_up(
    start: Start, native: Path, engine: Path, file: Path, mode: str
) -> None:
    with start().open(file) as a:
        a.pragma(f"journal_mode={mode}")
        a.exec("create table t(x)")
        a.close()
    command = [nodejs.node(), str(HERE / "terminate.cjs"), str(engine), str(file), "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # A worker that was ended after a commit and before it could count it: one row more, at most, for each.
    assert told["expected"] <= told["rows"] <= told["expected"] + 3
    assert told["never"] == 0
    assert told["integrity"] == "ok"
    # The machine may stand still once.
    assert sorted(told["took"])[-2] < 4000, told["took"]
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (told["rows"], "ok")


@LINUX
@ALL_MODES
def test_a_native_process_on_the_file_is_noticed(start: Start, native: Path, file: Path, mode: str) -> None:
    other = start(native)
    other.open(file).pragma(f"journal_mode={mode}")
    other.exec("create table t(x); insert into t values(1)")
    other.exec("begin immediate; insert into t values(2)")
    a = start().open(file)
    for _ in range(2):
        with pytest.raises(SqliteError, match="SQLITE_BUSY"):
            a.value(COUNT)
    warnings = [one for one in a.ask("warnings") if one["code"] == "WASMFIX_NATIVE_LOCK"]
    assert len(warnings) == 1
    assert str(other.process.pid) in warnings[0]["text"]
    other.exec("commit")
    other.close()
    assert a.value(COUNT) == 2


@LINUX
@MODES
def test_a_native_process_that_only_has_the_file_open_is_noticed_too(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    other = start(native)
    other.open(file).pragma(f"journal_mode={mode}")
    other.exec("create table t(x)")
    a = start().open(file)
    assert attempt(a, COUNT) == "SQLITE_BUSY"
    assert [one["code"] for one in a.ask("warnings")] == ["WASMFIX_NATIVE_LOCK"]
    other.kill()
    assert a.value(COUNT) == 0


@LINUX
@MODES
def test_locks_of_another_boot_are_nobody_s(start: Start, file: Path, mode: str) -> None:
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    a.exec("begin immediate; insert into t values(2)")
    a.signal(signal.SIGSTOP)
    table = file.with_name("a.db-wasmfix")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8].encode()
    b = start()
    assert attempt_to(b.open(file), "insert into t values(3)") == "SQLITE_BUSY"
    b.close()
    a.kill()
    table.write_bytes(table.read_bytes().replace(boot, b"00000000"))
    b.open(file).exec("insert into t values(3)")
    b.close()
    assert left(file) == ["a.db"]


@LINUX
@MODES
def test_a_process_that_has_a_dead_owners_number_is_not_that_owner(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    b.open(file, timeout=300).value(COUNT)
    a.exec("begin immediate; insert into t values(2)")
    a.signal(signal.SIGSTOP)
    assert attempt_to(b, "insert into t values(3)") == "SQLITE_BUSY"
    # As if A's locks had been left by somebody who had its number before, and began earlier.
    began = Path(f"/proc/{a.process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    table = file.with_name("a.db-wasmfix")
    earlier = str(int(began) - 1).rjust(len(began), "0")
    at = table.read_bytes().index(f":{a.process.pid}:{began}:".encode())
    with table.open("r+b") as row:
        row.seek(at)
        row.write(table.read_bytes()[at : at + 64].replace(f":{began}:".encode(), f":{earlier}:".encode()))
    b.exec("insert into t values(3)")
    assert b.value(COUNT) == 2
    a.kill()


@MODES
def test_who_waits_for_a_lock_sleeps(start: Start, file: Path, mode: str) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file, timeout=2000).value(COUNT)
    a.exec("begin immediate; insert into t values(1)")
    # On a machine that stands still meanwhile, it takes longer: then once more.
    for last in (False, False, True):
        begun, worked = time.monotonic(), b.ask("cpu")
        assert attempt_to(b, "insert into t values(2)") == "SQLITE_BUSY"
        took = time.monotonic() - begun
        assert took > 1.9
        assert b.ask("cpu") - worked < 0.4
        if took < 4:
            break
        assert not last, took


@ALL_MODES
def test_who_is_stopped_while_it_joins_holds_up_only_those_who_join(start: Start, file: Path, mode: str) -> None:
    a, b, c = start(), start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.hook("pause", event="write", file="-wasmfix")
    b.open(file).begin("value", sql=COUNT)
    assert b.paused() == "write -wasmfix"
    a.exec("insert into t values(1)")
    assert a.value(COUNT) == 1
    begun = time.monotonic()
    assert attempt(c.open(file), COUNT) == "SQLITE_BUSY"
    # Not for as long as B is stopped.
    assert time.monotonic() - begun < 60
    b.go()
    assert b.answer() == 1
    assert c.value(COUNT) == 1


@ALL_MODES
def test_who_is_killed_while_it_joins_leaves_nothing_in_the_way(start: Start, file: Path, mode: str) -> None:
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    took = []
    for _ in range(3):
        b = start()
        b.hook("pause", event="write", file="-wasmfix")
        b.open(file).begin("value", sql=COUNT)
        b.paused()
        b.kill()
        assert "a.db-wasmfix-lock" in left(file)
        with start().open(file) as c:
            begun = time.monotonic()
            assert c.value(COUNT) == 1
            took.append(time.monotonic() - begun)
            c.close()
    # The machine may stand still once.
    assert sorted(took)[-2] < 1, took
    a.close()
    assert left(file) == ["a.db"]


@LINUX
def test_a_live_owner_is_not_taken_for_dead_when_no_file_can_be_opened(start: Start, file: Path) -> None:
    a, b = start(), start()
    a.open(file).pragma("journal_mode=wal2")
    a.exec("create table t(x)")
    b.open(file).exec("insert into t values(1)")
    a.exec("begin immediate; insert into t values(2)")
    b.limit_open_files(3)
    assert attempt_to(b, "insert into t values(3)") == "SQLITE_BUSY"
    a.exec("commit")
    assert a.value(COUNT) == 2


@LINUX
def test_an_owner_that_nobody_has_waited_for_is_dead(start: Start, file: Path) -> None:
    a, b = start(), start()
    a.open(file).pragma("journal_mode=wal2")
    a.exec("create table t(x)")
    # Whoever was reading when the index was recovered begins again: one attempt more.
    b.open(file, timeout=1000).value(COUNT)
    a.exec("begin immediate; insert into t values(1)")
    a.signal(signal.SIGKILL)  # a zombie until the end of the test
    status = Path(f"/proc/{a.process.pid}/stat")
    while status.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    b.exec("insert into t values(2)")
    assert b.value(COUNT) == 1


def test_two_that_meet_a_hot_journal_both_wait_for_its_rollback(start: Start, file: Path) -> None:
    a = start()
    a.open(file).pragma("cache_size=5")
    a.exec("create table t(x, y)")
    a.exec(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) "
        "insert into t select 1, randomblob(900) from n"
    )
    a.exec("begin; update t set x = 2, y = randomblob(900)")  # spills into the database
    a.kill()
    b, c = start(), start()
    # C has found the journal and stops before it looks for its writer; B begins the rollback and cannot end it.
    c.hook("pause", event="read", file="-wasmfix", skip=1)
    c.begin("open", file=str(file))
    c.answer()
    c.begin("value", sql="select sum(x) from t")
    where = c.paused()
    assert where
    b.open(file)
    found = attempt(b, "select sum(x) from t")
    c.go()
    other = c._hear()
    assert found in (200, "SQLITE_BUSY")
    assert other == {"value": 200} or other.get("error") == "SQLITE_BUSY"
    assert b.value("select sum(x) from t") == 200
    assert b.value("pragma integrity_check") == "ok"


@MODES
def test_who_is_refused_the_database_alone_keeps_nobody_out(start: Start, file: Path, mode: str) -> None:
    a, b, c = start(), start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); begin; select * from t")
    b.open(file).value(COUNT)
    b.pragma("locking_mode=exclusive")
    # B wants the whole database, without RESERVED: SQLite takes no PENDING for that.
    assert attempt_to(b, "begin exclusive") == "SQLITE_BUSY"
    assert b.value(COUNT) == 0
    c.open(file)
    b.open(file, name="again")
    for actor, name in ((c, "db"), (b, "again")):
        assert actor.value(COUNT, name=name) == 0
