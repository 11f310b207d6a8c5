"""Disks that are full, folders that are read-only or gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processes.actors import Actor, SqliteError
from processes.conftest import Start, left
from processes.test_rules import MODES, attempt_to, seen_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and mounts as Linux has them")

COUNT = "select count(*) from t"
PAGE = 4096
NOBODY = 65534


def fill_both_wals(actor: Actor, file: Path) -> int:
    """-wal is checkpointed, -wal2 has commits that are nowhere else. How many rows there are."""
    actor.open(file).pragma("journal_mode=wal2")
    actor.pragma("wal_autocheckpoint=0")
    actor.pragma("journal_size_limit=20000")
    actor.exec("create table t(x)")
    for _ in range(40):
        actor.exec("insert into t values(randomblob(500))")
    actor.pragma("wal_checkpoint")
    actor.exec("insert into t values(1)")
    actor.pragma("wal_checkpoint")
    for _ in range(2):
        actor.exec("insert into t values(randomblob(3000))")
    rows = actor.value(COUNT)
    assert isinstance(rows, int)
    return rows


def close_on_a_full_disk(actor: Actor, file: Path) -> int:
    rows = fill_both_wals(actor, file)
    actor.limit_files(PAGE)
    actor.close()
    actor.end()
    return rows


def test_native_loses_commits_when_the_disk_is_full_at_close_and_the_engine_keeps_them(
    start: Start, native: Path, engine: Path, tmp_path: Path
) -> None:
    seen = {}
    for name, package, without in (("native", native, ()), ("engine", engine, ()), ("without-13", engine, (13,))):
        folder = tmp_path / name
        folder.mkdir()
        file = folder / "a.db"
        rows = close_on_a_full_disk(start(package, without=without), file)
        assert rows == 43
        seen[name] = seen_by(native, start, file, COUNT)
    assert seen["engine"] == (43, "ok")
    assert seen["native"][0] != 43
    assert seen["without-13"][0] != 43


def test_a_checkpoint_that_succeeds_after_all_lets_the_wals_go(start: Start, native: Path, file: Path) -> None:
    a = start()
    rows = fill_both_wals(a, file)
    for _ in range(8):
        a.exec("insert into t values(randomblob(500))")
        rows += 1
    a.limit_files(PAGE)
    with pytest.raises(SqliteError):
        a.pragma("wal_checkpoint")
    a.limit_files(1 << 30)
    a.close()
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (rows, "ok")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "wasmfix-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def read_only(small_disk: Path) -> Iterator[Callable[[], None]]:
    """`read_only()`: from now on the small disk is."""

    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(small_disk)], check=True)

    yield lambda: remount("ro")
    remount("rw")


@MODES
def test_a_full_disk_is_an_error_that_passes(start: Start, native: Path, small_disk: Path, mode: str) -> None:
    file = small_disk / "a.db"
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file)
    stuffing = small_disk / "stuffing"
    stuffing.write_bytes(bytes(200_000))
    acknowledged = 0
    codes = set()
    for actor in (a, b, a):
        for _ in range(100):
            code = attempt_to(actor, "insert into t values(randomblob(2000))")
            if code is not None:
                codes.add(code)
                break
            acknowledged += 1
        assert a.value(COUNT) == b.value(COUNT) == acknowledged
    assert codes
    assert codes <= {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_TRUNCATE"}
    stuffing.unlink()
    b.pragma("wal_checkpoint(truncate)")
    for actor in (a, b):
        actor.exec("insert into t values(randomblob(2000))")
        acknowledged += 1
    assert a.value(COUNT) == b.value(COUNT) == acknowledged
    for actor in (a, b):
        actor.close()
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (acknowledged, "ok")


@pytest.mark.parametrize("mode", ["wal", "wal2", "delete"])
def test_a_write_to_the_lock_table_that_fails_is_an_error_that_passes(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x)")
    b.open(file).value(COUNT)
    codes = set()
    for skip in range(6):
        for sql in ("select 1 from t", "insert into t values(1)", "pragma wal_checkpoint(truncate)"):
            a.hook("fail", file="-wasmfix", skip=skip)
            codes.add(attempt_to(a, sql))
            a.hook("forget")
            # No lock is left, and none is taken for granted.
            rows = b.value(COUNT)
            b.exec("begin exclusive; insert into t values(2); commit")
            a.exec("insert into t values(3)")
            assert a.value(COUNT) == b.value(COUNT) == rows + 2
    assert len(codes) > 1
    assert codes <= {None, "SQLITE_IOERR_LOCK", "SQLITE_IOERR_UNLOCK", "SQLITE_IOERR_SHMLOCK"}
    for actor in (a, b):
        actor.close()
    assert left(file) == ["a.db"]
    assert seen_by(native, start, file, COUNT) == (rows + 2, "ok")


@MODES
@pytest.mark.parametrize("skip", range(4))
def test_a_connection_that_fails_to_give_its_locks_back_leaves_the_next_one_no_index(
    start: Start, native: Path, file: Path, mode: str, skip: int
) -> None:
    a, b = start(), start()
    b.open(file).pragma(f"journal_mode={mode}")
    b.exec("create table t(x)")
    a.open(file).value(COUNT)
    a.open(file, name="second")
    a.hook("fail", file="-wasmfix", skip=skip)
    a.close()
    a.hook("forget")
    for _ in range(3):
        b.exec("insert into t values(1)")
        a.exec("insert into t values(2)", name="second")
    assert a.value(COUNT, name="second") == b.value(COUNT) == 6
    a.close(name="second")
    b.close()
    assert seen_by(native, start, file, COUNT) == (6, "ok")


@MODES
@pytest.mark.parametrize("part", ["rows", "words"])
def test_who_fails_to_open_the_index_keeps_neither_a_lock_nor_a_file(
    start: Start, file: Path, mode: str, part: str
) -> None:
    a, b = start(), start()
    b.open(file).pragma(f"journal_mode={mode}")
    b.exec("create table t(x)")
    b.close()
    a.open(file)
    # The fourth write of a row is of the lock that the first one has on the index.
    a.hook("fail", file="-wasmfix", skip=3) if part == "rows" else a.hook("fail", file="index", part=part)
    assert attempt_to(a, "select 1 from t") == "SQLITE_IOERR_SHMMAP"
    descriptors = Path(f"/proc/{a.process.pid}/fd").iterdir()
    assert not [path for path in descriptors if path.readlink().name.endswith("-shm")]
    b.open(file).exec("insert into t values(1)")
    a.exec("insert into t values(2)")
    assert a.value(COUNT) == b.value(COUNT) == 2


@pytest.mark.parametrize("skip", range(1, 4))
def test_a_read_lock_that_was_kept_and_is_not_given_back_is_not_taken_for_held(
    start: Start, file: Path, skip: int
) -> None:
    a, b = start(), start()
    b.open(file, timeout=100).pragma("journal_mode=wal")
    b.exec("create table t(x); insert into t values(1)")
    a.open(file, timeout=1).value(COUNT)
    b.exec("begin immediate; insert into t values(1)")
    # It keeps a read lock, and gives it back before it waits for WRITE.
    a.exec("select 1 from t;" * 500)
    a.hook("fail", file="-wasmfix", skip=skip)
    attempt_to(a, "insert into t values(1)")
    a.hook("forget")
    b.exec("commit")
    a.exec("begin")
    rows = a.value(COUNT)
    b.exec("insert into t values(1)")
    assert b.pragma("wal_checkpoint(truncate)") == 1, "the WAL was emptied under a reader"
    assert a.value(COUNT) == rows == 2


@MODES
def test_a_folder_that_is_removed_stops_nobody_for_long(start: Start, file: Path, tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "a.db"
    a, b = start(), start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.exec("create table t(x); insert into t values(1)")
    b.open(file).value(COUNT)
    shutil.rmtree(folder)
    assert a.value(COUNT) == 1
    for actor in (a, b):
        attempt_to(actor, "insert into t values(2)")
        actor.close()
    assert not folder.exists()
    folder.mkdir()
    assert a.open(file).pragma("journal_mode") == "delete"


def killed_after_commits(start: Start, file: Path, mode: str) -> None:
    """A database with 45 rows of table t in its WALs, as a killed process left it."""
    a = start()
    a.open(file).pragma(f"journal_mode={mode}")
    a.pragma("wal_autocheckpoint=0")
    a.pragma("journal_size_limit=20000")
    a.exec("create table t(x)")
    for _ in range(45):
        a.exec("insert into t values(randomblob(500))")
    a.kill()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs to become somebody else")
@MODES
def test_a_reader_where_nobody_may_write_sees_every_commit(start: Start, tmp_path: Path, mode: str) -> None:
    home = Path("/tmp") / f"wasmfix-{os.getpid()}-{mode}"
    home.mkdir(mode=0o755)
    try:
        file = home / "a.db"
        killed_after_commits(start, file, mode)
        for path in home.glob("a.db-*"):
            if path.name not in ("a.db-wal", "a.db-wal2"):
                path.unlink()
        before = left(file)
        reader = start()
        reader.ask("load")
        reader.ask("become", uid=NOBODY)
        # As native does with ?immutable=0 on such a folder, or better.
        assert reader.open(file, readonly=True).value(COUNT) == 45
        assert left(file) == before
        writer = start()
        writer.ask("load")
        writer.ask("become", uid=NOBODY)
        assert attempt_to(writer.open(file), "insert into t values(1)") in (
            "SQLITE_READONLY",
            "SQLITE_READONLY_CANTLOCK",
            "SQLITE_READONLY_DIRECTORY",
            "SQLITE_CANTOPEN",
        )
    finally:
        shutil.rmtree(home)


@MODES
@pytest.mark.parametrize("open_as", ["readonly", "read-write"])
def test_on_a_disk_that_is_read_only_readers_see_every_commit(
    start: Start, small_disk: Path, read_only: Callable[[], None], mode: str, open_as: str
) -> None:
    file = small_disk / "a.db"
    killed_after_commits(start, file, mode)
    read_only()
    before = left(file)
    b, c = start(), start()
    for reader in (b, c):
        reader.open(file, readonly=open_as == "readonly")
        assert reader.value(COUNT) == 45
        assert reader.value("pragma integrity_check") == "ok"
        assert attempt_to(reader, "insert into t values(1)") in ("SQLITE_READONLY", "SQLITE_CANTOPEN")
        assert reader.value(COUNT) == 45
    assert left(file) == before


@pytest.mark.parametrize("open_as", ["readonly", "read-write"])
def test_a_database_without_a_wal_is_read_on_a_disk_that_is_read_only(
    start: Start, small_disk: Path, read_only: Callable[[], None], open_as: str
) -> None:
    file = small_disk / "a.db"
    a = start()
    a.open(file).exec("create table t(x); insert into t values(1)")
    a.close()
    read_only()
    b = start().open(file, readonly=open_as == "readonly")
    assert b.value(COUNT) == 1
    assert attempt_to(b, "insert into t values(1)") == "SQLITE_READONLY"
