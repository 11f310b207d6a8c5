"""A snapshot is one moment of a database that others write to, and nothing beside it is touched."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import nodejs
from runtime.conftest import Oracle, read
from wasmfix import runtime
from wasmfix.errors import WasmfixError
from wasmfix.runtime import SnapshotError, copying, follow, snapshot

HERE = Path(__file__).resolve().parent
SECONDS = 2.5


class Writer:
    """writer.cjs: transfers money in one transaction after the other."""

    def __init__(self, package: Path, file: Path, mode: str, *, pages: int, pause: int) -> None:
        command = [nodejs.node(), str(HERE / "writer.cjs"), str(package), str(file), mode, str(pages), str(pause)]
        self.money = pages * 3 * 100
        self.reports: list[dict[str, Any]] = []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reports.append(json.loads(line))

    def goes_on(self) -> None:
        """Wait until it has begun and committed another transaction."""
        known, deadline = len(self.reports), time.monotonic() + 120
        while len(self.reports) < known + 2:
            assert time.monotonic() < deadline and self.process.poll() is None, "the writer does not go on"
            time.sleep(0.01)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._thread.join()
        assert self.process.wait(30) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def writing(package: Path, file: Path, mode: str, *, pages: int = 500, pause: int = 0) -> Iterator[Writer]:
    writer = Writer(package, file, mode, pages=pages, pause=pause)
    try:
        writer.goes_on()
        yield writer
    finally:
        writer.end()


def check_moment(db: runtime.Connection, money: int) -> int:
    """That what `db` shows is the database after one commit; the number of that commit."""
    assert db.execute("SELECT sum(balance) FROM account").one() == (money,)
    ((n,),) = db.execute("SELECT n FROM state").all()
    # What the writer itself counted, in the transaction with that number.
    assert db.execute("SELECT max(n), count(*), max(n) - min(n) + 1 FROM log").one() == (
        n,
        *db.execute("SELECT seen, seen FROM log ORDER BY n DESC LIMIT 1").all()[0],
    )
    assert db.execute("SELECT count(*) FROM log NOT INDEXED").all() == db.execute("SELECT count(pad) FROM log").all()
    assert isinstance(n, int)
    return n


# As much as a writer can without a pause; with a rollback journal, the engine's locks leave gaps only between commits.
CASES = [
    ("native", "wal2", 0),
    ("native", "wal", 0),
    ("native", "delete", 0),
    ("patched", "wal2", 0),
    ("patched", "wal", 0),
    ("patched", "delete", 40),
]


@pytest.mark.parametrize(("driver", "mode", "pause"), CASES)
def test_what_is_read_beside_a_writer_is_one_commit_of_it(
    driver: str, mode: str, pause: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    package: Path = request.getfixturevalue(driver)
    file = tmp_path / "bank.db"
    seen: list[int] = []
    with writing(package, file, mode, pause=pause) as writer:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or len(seen) < 4:
            with runtime.open(file) as db:
                n = check_moment(db, writer.money)
                if len(seen) % 4 == 0:
                    assert db.execute("PRAGMA integrity_check").all() == [("ok",)]
                # It stays that moment.
                assert db.execute("SELECT n FROM state").one() == (n,)
            seen.append(n)
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


@pytest.mark.parametrize("driver", ["native", "patched"])
def test_a_copy_that_takes_longer_than_many_wals_live_is_one_commit(
    driver: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a database of gigabytes, in which every page may have been written meanwhile."""
    applied: list[int] = []
    slowly(monkeypatch, 0.03)
    original = follow.Follower._apply

    def count(self: follow.Follower, *arguments: Any) -> None:
        applied.append(len(self._due))
        original(self, *arguments)

    monkeypatch.setattr(follow.Follower, "_apply", count)
    # On a machine that is too busy: once more, not with locks.
    monkeypatch.setattr(snapshot, "_FOLLOWS", 50)
    with writing(request.getfixturevalue(driver), tmp_path / "bank.db", "wal2") as writer:
        for _ in range(2):
            with runtime.open(tmp_path / "bank.db", patience=60) as db:
                check_moment(db, writer.money)
                assert db.execute("PRAGMA integrity_check").all() == [("ok",)]
    # WALs that were begun anew during the copy.
    assert sum(applied) >= 4


def test_a_follower_that_loses_a_wal_says_so(patched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch, 0.03)
    monkeypatch.setattr(follow, "_PERIOD", 100)
    with (
        writing(patched, tmp_path / "bank.db", "wal2"),
        pytest.raises(SnapshotError, match="overwritten faster than it can be copied"),
    ):
        runtime.open(tmp_path / "bank.db", patience=0.1)


def slowly(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Copy in small pieces with a pause after each."""
    original = copying._copy_chunk

    def copy_chunk(fd: int, to: int, offset: int, size: int) -> int:
        time.sleep(seconds)
        return original(fd, to, offset, size)

    monkeypatch.setattr(copying, "CHUNK", 65536)
    monkeypatch.setattr(copying, "_copy_chunk", copy_chunk)


def test_a_wal_that_grows_faster_than_it_is_copied_does_not_keep_the_copy_from_its_end(
    native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch, 0.01)
    # Some 25 MB a second, and 6 are copied: without the pause it has grown to hundreds when the copy of it begins.
    with writing(native, tmp_path / "bank.db", "wal", pause=1) as writer:
        started = time.monotonic()
        with runtime.open(tmp_path / "bank.db", patience=60) as db:
            assert time.monotonic() - started < 120
            check_moment(db, writer.money)


@pytest.mark.parametrize("mode", ["wal2", "wal"])
def test_under_locks_a_large_database_is_read_where_it_is(
    mode: str, native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "SMALL", 0)
    monkeypatch.setattr(snapshot, "LARGE", 0)
    file = tmp_path / "bank.db"
    seen = []
    # Without a pause the WAL, which no checkpoint may shorten meanwhile, takes gigabytes, and its checkpoint the
    # patience.
    with writing(native, file, mode, pause=2) as writer:
        for _ in range(6):
            with runtime.open(file, patience=60) as db:
                assert db.snapshot.how == "locks"
                n = check_moment(db, writer.money)
                writer.goes_on()
                assert check_moment(db, writer.money) == n
            seen.append(n)
    assert seen == sorted(set(seen))


def test_a_writer_is_never_held_up_for_a_tenth_of_a_second_at_the_median(native: Path, tmp_path: Path) -> None:
    file = tmp_path / "bank.db"
    with writing(native, file, "wal2", pages=5000) as writer:
        # What the disk holds it up by itself.
        time.sleep(SECONDS / 2)
        before = len(writer.reports)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or len(writer.reports) < before + 10:
            with runtime.open(file) as db:
                check_moment(db, writer.money)
        slowest = [report["slowest"] for report in writer.reports]
    # Of each tenth of a second the slowest commit.
    assert statistics.median(slowest[before:]) < 100 + statistics.median(slowest[:before])


def test_a_writers_long_transaction_is_not_seen_until_it_commits(native: Path, tmp_path: Path, oracle: Oracle) -> None:
    file = tmp_path / "a.db"
    oracle("exec", file=str(file), sql="PRAGMA journal_mode = wal2; CREATE TABLE t(a); INSERT INTO t VALUES (1)")
    # Spilled into the WAL before the commit.
    oracle("exec", file=str(file), sql="PRAGMA cache_size = 10; BEGIN")
    series = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000)"
    oracle("exec", file=str(file), sql=f"INSERT INTO t SELECT randomblob(500) FROM ({series} SELECT n FROM i)")
    assert read(file, "SELECT count(*) FROM t") == [(1,)]
    oracle("exec", file=str(file), sql="COMMIT")
    assert read(file, "SELECT count(*) FROM t") == [(5001,)]


def state(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that stat() tells, of the folder and what is in it, access times too."""
    files = [folder, *sorted(folder.iterdir())]
    fields = (
        "st_mode",
        "st_ino",
        "st_nlink",
        "st_uid",
        "st_gid",
        "st_size",
        "st_mtime_ns",
        "st_ctime_ns",
        "st_atime_ns",
    )
    return {path.name: tuple(getattr(path.stat(), field) for field in fields) for path in files}


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="no O_NOATIME here")
@pytest.mark.parametrize("how", ["copy", "watch"])
def test_reading_changes_nothing_beside_the_database_not_even_times(
    how: str, replica: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "watch":
        monkeypatch.setattr(snapshot, "SMALL", 0)
    folder = tmp_path / "replica"
    folder.mkdir()
    for file in replica.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
        # Older than changed: relatime would move it at the next read.
        os.utime(folder / file.name, ns=(10**9, 2 * 10**9))
    before = state(folder)
    with runtime.open(folder / "a.db") as db:
        assert db.snapshot.how == how
        assert db.execute("SELECT count(*) FROM issue").one() == (60,)
        assert db.execute("SELECT * FROM issue ORDER BY body").all()
        assert state(folder) == before
    assert state(folder) == before


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="no O_NOATIME here")
@pytest.mark.parametrize("driver", ["native", "patched"])
@pytest.mark.parametrize("mode", ["wal2", "wal", "delete"])
def test_reading_changes_nothing_beside_a_writer_that_rests(
    driver: str, mode: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    resting = Oracle(request.getfixturevalue(driver))
    try:
        file = tmp_path / "a.db"
        resting(
            "exec", file=str(file), sql=f"PRAGMA journal_mode = {mode}; CREATE TABLE t(a); INSERT INTO t VALUES (1)"
        )
        before = state(tmp_path)
        assert read(file, "SELECT a FROM t") == [(1,)]
        assert read(file, "SELECT a FROM t", copy=True) == [(1,)]
        assert state(tmp_path) == before
        # Nor is anything left that would be in its way.
        resting("exec", file=str(file), sql="INSERT INTO t VALUES (2); PRAGMA wal_checkpoint(TRUNCATE)")
        resting("pragma", file=str(file), text="journal_mode = delete")
        resting("close", file=str(file))
    finally:
        resting.end()
    assert read(file, "SELECT a FROM t") == [(1,), (2,)]


def test_a_large_file_that_is_written_to_while_it_is_read_is_an_error_not_a_wrong_answer(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "SMALL", 0)
    file = tmp_path / "a.db"
    series = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 50000)"
    oracle("exec", file=str(file), sql="PRAGMA journal_mode = wal2; CREATE TABLE t(a, b)")
    oracle("exec", file=str(file), sql=f"{series} INSERT INTO t SELECT n, randomblob(400) FROM i")
    oracle("close", file=str(file))
    with runtime.open(file) as db:
        assert db.snapshot.how == "watch"
        rows = db.execute("SELECT a, b FROM t")
        next(rows)
        oracle("exec", file=str(file), sql="UPDATE t SET a = -a")
        oracle("close", file=str(file))
        with pytest.raises(SnapshotError, match="was written to while it was read"):
            rows.all()


def test_a_file_that_is_replaced_while_it_is_read_stays_as_it_was(oracle: Oracle, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    oracle("exec", file=str(file), sql="CREATE TABLE t(a); INSERT INTO t VALUES (1)")
    oracle("close", file=str(file))
    with runtime.open(file) as db:
        file.unlink()
        assert db.execute("SELECT a FROM t").all() == [(1,)]
    with pytest.raises(WasmfixError, match="no such file"):
        runtime.open(file)


@pytest.mark.parametrize("driver", ["native", "patched"])
def test_a_journal_that_a_killed_writer_left_is_rolled_back_in_a_copy_only(
    driver: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = tmp_path / "a.db"
    series = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)"
    crash = f"""
        const db = new (require({json.dumps(str(request.getfixturevalue(driver)))}))({json.dumps(str(file))});
        db.exec('CREATE TABLE t(a, b)');
        db.exec("{series} INSERT INTO t SELECT n, 'before' FROM i");
        db.pragma('cache_size = 10');
        db.exec("BEGIN; UPDATE t SET b = 'after!'");
        process.kill(process.pid, 'SIGKILL');
    """
    subprocess.run([nodejs.node(), "-e", crash], check=False)
    assert (tmp_path / "a.db-journal").stat().st_size > 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert b"after!" in before["a.db"]
    with runtime.open(file) as db:
        assert db.execute("SELECT b, count(*) FROM t GROUP BY b").all() == [("before", 20000)]
        assert any("journal" in note for note in db.snapshot.notes)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_database_that_is_locked_exclusively_is_one_clear_error(oracle: Oracle, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    oracle("exec", file=str(file), sql="CREATE TABLE t(a); PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t VALUES (1)")
    with pytest.raises(SnapshotError, match="another process is writing to it"):
        runtime.open(file, patience=0.2)
    oracle("close", file=str(file))
    assert read(file, "SELECT a FROM t") == [(1,)]


def test_a_symbolic_link_leads_to_the_wals_beside_the_real_file(replica: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(replica / "a.db")
    assert read(link, "SELECT count(*) FROM issue") == [(60,)]


def test_a_database_of_dead_owners_of_the_engine_needs_no_copy(
    patched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "SMALL", 0)
    file = tmp_path / "a.db"
    crash = f"""
        const db = new (require({json.dumps(str(patched))}))({json.dumps(str(file))});
        db.exec('PRAGMA journal_mode = wal2; CREATE TABLE t(a); INSERT INTO t VALUES (1)');
        process.kill(process.pid, 'SIGKILL');
    """
    subprocess.run([nodejs.node(), "-e", crash], check=False)
    assert (tmp_path / "a.db-wasmfix").exists()
    with runtime.open(file) as db:
        assert db.snapshot.how == "watch"
        assert db.execute("SELECT a FROM t").all() == [(1,)]
