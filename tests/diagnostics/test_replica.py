"""Each finding about a replica: what makes it appear; and a healthy replica, of which nothing is said."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nodejs
from conftest import copy_tree, installed, patch
from diagnostics.replicas import (
    CHAT,
    DRIVER,
    STATE,
    copied,
    diagnosed,
    driver,
    fact,
    found,
    ids,
    replica,
    replica_sections,
)
from diagnostics.upstream import Upstream
from wasmfix.diagnostics import Severity, run
from wasmfix.diagnostics.checks import replica as section
from wasmfix.diagnostics.checks import replica_files
from wasmfix.diagnostics.options import Options
from wasmfix.engine import build_engine
from wasmfix.project.settings import Setting
from wasmfix.runtime import instance
from zero_cache.postgres import Postgres

MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "


@pytest.fixture(scope="session", autouse=True)
def _engine(engine_cache: None) -> None:
    """What reads replicas where no project is named."""
    build_engine(driver())


@pytest.fixture(scope="session")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_tree(installed(DRIVER, "1.1.4"), tmp_path_factory.mktemp("patched") / "project")
    patch(project)
    return project / "node_modules" / DRIVER


@contextmanager
def held_open(package: Path, file: Path, *statements: str) -> Iterator[None]:
    """A process that has the file open, and ran these statements."""
    script = (
        "const db = new (require(process.argv[1]))(process.argv[2]);"
        "for (const sql of process.argv.slice(3)) { const s = db.prepare(sql); s.reader ? s.all() : s.run(); }"
        "console.log('ready'); setInterval(() => db.open, 1000);"
    )
    command = [nodejs.node(), "-e", script, str(package), str(file), *(statements or ("SELECT * FROM sqlite_master",))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def overwrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as handle:
        handle.seek(at)
        handle.write(data)


def test_of_a_healthy_replica_nothing_is_said(tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path))
    assert ids(report) == []
    assert fact(report, "journal mode") == "wal2"
    assert fact(report, "publications") == "_zero_metadata_0, zero_chat"
    assert fact(report, "state version") == "49zls0"
    assert fact(report, "integrity") == "ok (quick_check)"
    assert {each.name: (each.rows, each.exact, each.published) for each in report.tables} == {
        "message": (2, True, True),
        "other.channel": (1, True, True),
        **{
            each.name: (each.rows, True, False)
            for each in report.tables
            if each.name.startswith(("_zero", "zero", "sql"))
        },
    }
    assert all(check.status == "done" for check in report.checks)


def test_nothing_beside_the_replica_changes_not_even_times(tmp_path: Path) -> None:
    file = replica(tmp_path, killed=True, after=("INSERT INTO message VALUES ('m3', 'x', '02')",))

    def state() -> dict[str, tuple[bytes, int, int]]:
        paths = [*tmp_path.iterdir(), tmp_path]
        return {
            str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_ino)
            for path in paths
        }

    before = state()
    assert diagnosed(file).tables
    assert state() == before


def test_counts_and_sizes_are_natives(tmp_path: Path) -> None:
    growing = MANY.format(200_000) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(i % 40)), '01' FROM n"
    later = "INSERT INTO message SELECT 'l' || value, 'later', '02' FROM json_each('[1,2,3,4,5,6,7]')"
    file = replica(tmp_path, growing, after=(later, "DELETE FROM message WHERE id = 'k77'"), killed=True)
    report = diagnosed(file)
    script = """
      const db = new (require(process.argv[1]))(process.argv[2]);
      const size = db.prepare('SELECT pgsize FROM dbstat WHERE aggregate = 1 AND name = ?').pluck();
      const rows = db.prepare('SELECT count(*) FROM message').pluck().get();
      console.log(rows, size.get('message'), size.get('message_pkey'));"""
    command = [nodejs.node(), "-e", script, str(driver()), str(copied(file, tmp_path / "copy"))]
    native = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    table = next(each for each in report.tables if each.name == "message")
    assert [str(each) for each in (table.rows, table.size, table.index_size)] == native
    assert table.rows == 200_008
    assert ids(report) == ["WF217"]
    assert found(report, "WF217")[0].data["rows"] == 200_008


# The file


def test_files_that_are_no_replica(tmp_path: Path) -> None:
    file = replica(tmp_path / "a", mode="delete")
    (tmp_path / "text").write_text("id,title\n" * 100)
    (tmp_path / "future").write_bytes(file.read_bytes())
    overwrite(tmp_path / "future", 18, b"\4\4")
    (tmp_path / "cut").write_bytes(file.read_bytes()[:9000])
    for path, words in (
        (tmp_path / "missing", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "text", "is not an SQLite database"),
        (tmp_path / "future", "of a future SQLite"),
        (tmp_path / "cut", "is cut off"),
    ):
        report = diagnosed(path)
        assert [(each.id, each.severity) for each in report.findings] == [("WF201", Severity.ERROR)], path
        assert words in report.findings[0].what
        assert {check.status for check in report.checks} == {"failed", "skipped"}


def test_a_wal_of_another_database(tmp_path: Path) -> None:
    file = replica(tmp_path / "a")
    other = replica(tmp_path / "b", pragmas=("page_size = 1024",), killed=True, after=("CREATE TABLE x (a)",))
    shutil.copy(f"{other}-wal", f"{file}-wal")
    report = diagnosed(file)
    assert ids(report) == ["WF201"]
    assert report.findings[0].subject == "replica.db-wal"


def test_a_damaged_page_is_said_once(tmp_path: Path) -> None:
    file = replica(tmp_path, MANY.format(100) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(300)), '01' FROM n")
    # A page full of rows: the last one that has one of them.
    overwrite(file, file.read_bytes().rindex(b"0" * 600) // 4096 * 4096, b"\xee" * 64)
    report = diagnosed(file)
    assert ids(report).count("WF202") == 1
    assert not found(report, "WF001")
    assert not found(report, "WF002")


def test_a_damaged_schema_is_said_once(tmp_path: Path) -> None:
    file = replica(tmp_path, mode="delete")
    overwrite(file, 100, b"\xff" * 40)
    assert ids(diagnosed(file)) == ["WF202"]


def test_a_replica_that_is_locked_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "_PATIENCE", 0.2)
    file = replica(tmp_path, mode="delete")
    with held_open(driver(), file, "BEGIN EXCLUSIVE"):
        assert ids(diagnosed(file)) == ["WF203"]
    assert "WF203" not in ids(diagnosed(file))


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_journal_mode_than_wal2(mode: str, tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, mode=mode))
    assert ids(report) == ["WF204"]
    assert report.findings[0].data == {"mode": mode}


def test_a_replica_that_is_backed_up_is_in_wal_mode(tmp_path: Path) -> None:
    file = replica(tmp_path, mode="wal")
    setting = Setting("ZERO_LITESTREAM_BACKUP_URL", "s3://bucket/backup")
    assert ids(diagnosed(file, settings=(setting,))) == []
    Path(f"{file}-serving-copy").touch()
    assert ids(diagnosed(file)) == []


def test_a_wal_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_files, "_STARVED", 500_000)
    write = MANY.format(3000) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(300)), '01' FROM n"
    file = replica(tmp_path, pragmas=("wal_autocheckpoint = 0",), after=(write,), killed=True)
    report = diagnosed(file)
    assert ids(report) == ["WF205"]
    assert "MB" in report.findings[0].what


def test_free_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_files, "_FREE_BYTES", 100_000)
    grow = MANY.format(3000) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(300)), '01' FROM n;"
    assert ids(diagnosed(replica(tmp_path, grow, "DELETE FROM message WHERE id LIKE 'k%'"))) == ["WF206"]


def test_a_log_that_was_deleted(tmp_path: Path) -> None:
    changes = tuple(f"INSERT INTO message VALUES ('n{i}', hex(zeroblob(2000)), '02')" for i in range(60))
    pragmas = ("wal_autocheckpoint = 0", "journal_size_limit = 20000")
    file = replica(tmp_path, after=(*changes, "PRAGMA wal_checkpoint", *changes[:0]), pragmas=pragmas, killed=True)
    with_second = copied(file, tmp_path / "b")
    Path(f"{with_second}-wal").unlink()
    if Path(f"{with_second}-wal2").exists() and Path(f"{with_second}-wal2").stat().st_size:
        report = diagnosed(with_second)
        assert found(report, "WF207")
        assert found(report, "WF207")[0].severity is Severity.ERROR


FRAME = 24 + 4096


@pytest.fixture(scope="module", params=["wal", "wal2"])
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty commits of one frame each in its `-wal`, whose writer was killed."""
    changes = tuple(f"UPDATE message SET body = 'n{i}' WHERE id = 'm1'" for i in range(40))
    return replica(tmp_path_factory.mktemp(request.param), mode=request.param, after=changes, killed=True)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=st.integers(1, 40), at=st.integers(0, FRAME - 1), change=st.integers(1, 255))
def test_a_damaged_frame_of_a_log_is_found_if_commits_come_after_it(
    frame: int, at: int, change: int, killed: Path, tmp_path: Path
) -> None:
    file = copied(killed, Path(tempfile.mkdtemp(dir=tmp_path)) / "damaged")
    log = Path(f"{file}-wal")
    frames = (log.stat().st_size - 32) // FRAME
    with log.open("r+b") as stream:
        stream.seek(32 + (frames - 40 + frame - 1) * FRAME + at)
        (byte,) = stream.read(1)
        stream.seek(-1, 1)
        stream.write(bytes([byte ^ change]))
    lost = 40 - frame
    said = found(diagnosed(file), "WF207")
    if lost == 0:
        assert said == []  # as if the writer had been killed in the middle of it
    else:
        assert said[0].severity is (Severity.ERROR if lost > 1 else Severity.WARNING)
        assert f"frame {frames - 40 + frame} of its -wal is damaged" in said[0].what
        assert f" {lost} commits" in said[0].what or lost == 1


def test_a_commit_that_a_killed_writer_told_nobody_of_is_not_called_lost(killed: Path, tmp_path: Path) -> None:
    """The next writer, which has it open all the while, begins at the same frame, and needs fewer of them."""
    mode = "wal2" if Path(f"{killed}-wal2").exists() else "wal"
    grown = MANY.format(60) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(400)), '01' FROM n"
    logs = []
    for number, change in enumerate((grown, "UPDATE message SET body = 'x' WHERE id = 'm1'")):
        file = copied(killed, tmp_path / str(number))
        replica(file.parent, healthy="", mode=mode, after=(change,), killed=True)
        logs.append(Path(f"{file}-wal").read_bytes())
    long, short = logs
    assert len(long) > len(short) + 2 * FRAME
    Path(f"{file}-wal").write_bytes(short + long[len(short) :])
    (said,) = found(diagnosed(file), "WF207")
    assert (said.severity, "lost" in said.what) == (Severity.WARNING, False)
    assert said.remedy is not None
    assert said.remedy.text.startswith("Nothing, if a process that writes it was killed.")


def test_whoever_opened_it_since_may_write_on(killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = copied(killed, tmp_path / "damaged")
    with Path(f"{file}-wal").open("r+b") as stream:
        stream.seek(-20 * FRAME, 2)
        stream.write(b"x" * 8)
    assert found(diagnosed(file), "WF207")
    # Before the snapshot nobody was there.
    monkeypatch.setattr(section, "is_open_on_native", lambda _path: False)
    with held_open(driver(), file):
        assert found(diagnosed(file), "WF207") == []


def test_an_undamaged_log_of_a_killed_writer_is_nothing_to_speak_of(killed: Path) -> None:
    assert found(diagnosed(killed), "WF207") == []


def test_a_journal_of_a_crashed_writer_is_a_warning(tmp_path: Path) -> None:
    grow = MANY.format(3000) + "UPDATE message SET body = (SELECT group_concat(hex(zeroblob(2000))) FROM n)"
    pragmas = ("cache_size = 5", "cache_spill = ON")
    file = replica(tmp_path, mode="delete", pragmas=pragmas, after=("BEGIN", grow), killed=True)
    assert Path(f"{file}-journal").stat().st_size
    said = found(diagnosed(file), "WF207")
    assert [each.severity for each in said] == [Severity.WARNING]


def test_two_kinds_of_driver_at_once(tmp_path: Path, patched: Path) -> None:
    file = replica(tmp_path)
    with held_open(patched, file), held_open(driver(), file):
        assert ids(diagnosed(file))[0] == "WF208"
    with held_open(driver(), file):
        assert ids(diagnosed(file)) == []
    with held_open(patched, file):
        assert ids(diagnosed(file)) == []


def test_what_a_killed_process_left(tmp_path: Path, patched: Path) -> None:
    file = replica(tmp_path)
    with held_open(patched, file):
        pass  # it is killed at the end
    assert Path(f"{file}-wasmfix").exists()
    report = diagnosed(file)
    assert ids(report) == ["WF209"]
    assert report.findings[0].evidence == (
        "replica.db-wasmfix: the engine's lock table, without an owner that is alive",
    )
    stray = replica(tmp_path / "b", mode="wal", healthy="CREATE TABLE t (a);")
    Path(f"{stray}-wal2").write_bytes(b"x")
    assert "WF209" in ids(diagnosed(stray))


# What zero-cache keeps


def test_another_database(tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, healthy="CREATE TABLE t (a);"))
    assert ids(report) == ["WF210"]
    (tmp_path / "empty.db").touch()
    assert ids(diagnosed(tmp_path / "empty.db")) == ["WF210"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ('DELETE FROM "_zero.replicationState"', "it has no row"),
        ('DROP TABLE "_zero.replicationState"', "the table is missing"),
        ('DROP TABLE "_zero.replicationConfig"', "the table is missing"),
    ],
)
def test_an_initial_copy_that_was_not_finished(sql: str, words: str, tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, sql))
    assert ids(report) == ["WF211"]
    assert words in report.findings[0].evidence[0]


def test_publications_that_are_no_list(tmp_path: Path) -> None:
    assert ids(diagnosed(replica(tmp_path, "UPDATE \"_zero.replicationConfig\" SET publications = 'x'"))) == ["WF211"]


def test_a_replica_to_which_nothing_was_committed_for_long(tmp_path: Path) -> None:
    file = replica(tmp_path, 'UPDATE "_zero.replicationState" SET writeTimeMs = writeTimeMs - 4 * 3600000')
    report = diagnosed(file)
    assert [(each.id, each.severity) for each in report.findings] == [("WF212", Severity.NOTE)]
    assert "4 hours" in report.findings[0].what
    with held_open(driver(), file):
        report = diagnosed(file)
        assert [(each.id, each.severity) for each in report.findings] == [("WF212", Severity.WARNING)]


def test_other_publications_than_configured(tmp_path: Path) -> None:
    file = replica(tmp_path)
    assert ids(diagnosed(file, publications=("zero_chat",))) == []
    report = diagnosed(file, publications=("zero_chat", "zero_extra"))
    assert ids(report) == ["WF213"]
    assert report.findings[0].evidence == ("only in --publication: zero_extra",)
    setting = Setting("ZERO_APP_PUBLICATIONS", "zero_blog")
    assert found(diagnosed(file, settings=(setting,)), "WF213")[0].data["configured"] == ["zero_blog"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ('CREATE TABLE log (at "text", line "text")', "no primary key"),
        ('CREATE TABLE log (at "text", line "text"); CREATE UNIQUE INDEX log_at ON log (at)', "may be null"),
        ('CREATE TABLE log (at "text|NOT_NULL"); CREATE UNIQUE INDEX log_at ON log (lower(at))', "no primary key"),
    ],
)
def test_a_table_without_a_key(sql: str, words: str, tmp_path: Path) -> None:
    described = "INSERT INTO \"_zero.column_metadata\" VALUES ('log', 'at', 'text', 0, 0, 0, NULL, NULL);"
    report = diagnosed(replica(tmp_path, f"{sql}; {described} INSERT INTO log (at) VALUES ('1')"))
    assert ids(report) == ["WF214"]
    assert words in report.findings[0].what


def test_tables_that_are_not_those_described(tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, "ALTER TABLE message RENAME TO note"))
    assert ids(report) == ["WF215"]
    assert report.findings[0].evidence == ("described, not there: message", "there, not described: note")


def test_tables_that_are_not_those_published(tmp_path: Path, postgres_server: Postgres) -> None:
    file = replica(tmp_path)
    upstream = Upstream(
        postgres_server,
        """CREATE TABLE message (id text PRIMARY KEY); CREATE SCHEMA other;
        CREATE TABLE other.channel (id int PRIMARY KEY);
        CREATE PUBLICATION zero_chat FOR TABLE message, other.channel; CREATE TABLE late (id int PRIMARY KEY)""",
    )
    assert ids(diagnosed(file, database_url=upstream.url)) == []
    upstream.run("ALTER PUBLICATION zero_chat ADD TABLE late")
    upstream.run("ALTER PUBLICATION zero_chat DROP TABLE other.channel")
    report = diagnosed(file, database_url=upstream.url)
    assert ids(report) == ["WF222"]
    assert report.findings[0].data == {"missing": ["late"], "extra": ["other.channel"]}


def test_no_statistics(tmp_path: Path) -> None:
    assert ids(diagnosed(replica(tmp_path, healthy=STATE + CHAT.replace("ANALYZE;", "")))) == ["WF216"]


# Rows and values


def test_more_rows_than_the_guards_let_through(tmp_path: Path) -> None:
    file = replica(tmp_path)
    limits = {"WASMFIX_ROW_WARN": "1", "WASMFIX_ROW_LIMIT": "2"}
    report = diagnosed(file, limits)
    assert [(each.id, each.subject) for each in report.findings] == [("WF218", "message"), ("WF217", "other.channel")]
    assert ids(diagnosed(file, {**limits, "WASMFIX_ROW_LIMIT": "0", "WASMFIX_ROW_WARN": "0"})) == []


def test_empty_tables(tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, "DELETE FROM message"))
    assert [(each.id, each.data["tables"]) for each in report.findings] == [("WF219", ["message"])]
    every = diagnosed(replica(tmp_path / "b", 'DELETE FROM message; DELETE FROM "other.channel"'))
    assert "all of" in every.findings[0].what


def test_large_values_are_placed_but_not_shown(tmp_path: Path) -> None:
    secret = "INSERT INTO message VALUES ('anna@example.org', 'my secret' || hex(zeroblob(1000000)), '01')"
    file = replica(tmp_path, secret)
    report = diagnosed(file)
    assert ids(report) == ["WF221"]
    assert report.findings[0].evidence == ("message.body, rowid 3",)
    assert report.findings[0].data["bytes"] == 2_000_009
    assert "anna" not in str(report)
    assert "secret" not in str(report)
    shown = diagnosed(file, show_values=True).findings[0].evidence[0]
    assert shown.startswith("message.body, id anna@example.org: my secret0000")
    assert len(shown) < 100


def test_a_value_that_is_larger_than_may_be_read(tmp_path: Path) -> None:
    file = replica(tmp_path, "INSERT INTO message VALUES ('m3', zeroblob(300000), '01')")
    assert ids(diagnosed(file)) == []
    assert fact(diagnosed(file), "large value") == "293 KB in message.body, rowid 3"
    report = diagnosed(file, {"WASMFIX_BLOB_LIMIT": "200000"})
    assert ids(report) == ["WF220"]
    assert ids(diagnosed(file, {"WASMFIX_BLOB_LIMIT": "0"})) == []


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO message (rowid, id, body, _0_version) VALUES (-5, 'm3', zeroblob(2000000), '01')",
        "INSERT INTO message (rowid, id, body, _0_version) VALUES (1 << 40, 'm3', zeroblob(2000000), '01')",
        'CREATE TABLE "we""ird" (rowid "text|NOT_NULL" PRIMARY KEY, oid, _rowid_ BLOB) WITHOUT ROWID;'
        'INSERT INTO "we""ird" VALUES (\'a\', 1, zeroblob(2000000));'
        "INSERT INTO \"_zero.column_metadata\" VALUES ('we\"ird', 'rowid', 'text', 1, 0, 0, NULL, NULL)",
    ],
)
def test_large_values_where_no_rowid_can_be_told(sql: str, tmp_path: Path) -> None:
    report = diagnosed(replica(tmp_path, sql))
    assert ids(report) == ["WF221"]
    assert "rowid" not in report.findings[0].data


def test_an_interrupt_while_sizes_are_read_leaves_the_counts(tmp_path: Path) -> None:
    file = replica(tmp_path)

    def tell(what: str, done: int | None = None, total: int | None = None) -> None:
        if what.startswith("sizing"):
            raise KeyboardInterrupt

    report = run(replica_sections(Options(replica=file)), tell)
    assert not report.complete
    assert {each.name: each.rows for each in report.tables}["message"] == 2
    assert all(each.size is None for each in report.tables)


def test_a_look_takes_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_files, "_INTEGRITY_SECONDS", -1.0)
    # A fast machine is through with the pages before the first look.
    monkeypatch.setattr(instance, "_LOOK_SECONDS", 0.0)
    growing = MANY.format(60_000) + "INSERT INTO message SELECT 'k' || i, hex(zeroblob(400)), '01' FROM n"
    started = time.monotonic()
    report = diagnosed(replica(tmp_path, growing))
    assert fact(report, "integrity").startswith("not known")
    assert [each.rows for each in report.tables if each.name == "message"] == [60_002]
    assert time.monotonic() - started < 60


def test_only_of_zeros_replica_it_says_to_delete_it(tmp_path: Path) -> None:
    rows = (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, v TEXT);",
        MANY.format(500) + "INSERT INTO users (v) SELECT printf('%0100d', i) FROM n;",
    )
    zeros = replica(tmp_path / "zeros", *rows, mode="delete")
    own = replica(tmp_path / "own", *rows, mode="delete", healthy="")
    head, remedies = replica(tmp_path / "head", *rows, mode="delete", healthy=""), {}
    for file in (zeros, own):
        data = bytearray(file.read_bytes())
        data[-3 * 4096 : -4096] = b"\xde" * 8192
        file.write_bytes(data)
    head.write_bytes(head.read_bytes()[:4096])
    for file in (zeros, own, head):
        [first] = [each for each in diagnosed(file).findings if each.id in ("WF201", "WF202")]
        assert first.remedy is not None and first.remedy.command is None
        remedies[file] = first.remedy.text
    assert remedies[zeros].startswith("Stop zero-cache, keep a copy, and delete the file")
    assert remedies[own].startswith("Keep a copy, and restore it from a backup")
    assert "delete" not in remedies[own]
    assert remedies[head].startswith("Restore it from a backup. Only if it is zero-cache's replica:")


def test_the_logs_of_a_replica_behind_a_link_are_those_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_files, "_STARVED", 10_000)
    grow = MANY.format(2000) + "INSERT INTO message SELECT i, printf('%0100d', i), '01' FROM n"
    file = replica(tmp_path / "data", after=("PRAGMA wal_autocheckpoint = 0", grow), killed=True)
    link = tmp_path / "link.db"
    link.symlink_to(file)
    (tmp_path / "link.db-journal").touch()
    straight, linked = diagnosed(file), diagnosed(link)
    assert found(straight, "WF205")[0].data == found(linked, "WF205")[0].data
    assert ids(straight) == ids(linked)


def test_a_table_that_sqlite_does_not_read_costs_the_others_nothing(tmp_path: Path) -> None:
    """One with a name that is not UTF-8, one with an index in a collation of somebody's own."""
    odd = "CREATE TABLE odd_AA (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO odd_AA VALUES (1, 'x');"
    own = "CREATE TABLE own (v TEXT COLLATE NOCASE, w TEXT); CREATE INDEX own_v ON own (v);"
    file = replica(tmp_path, odd, own, "INSERT INTO own VALUES ('a', 'b');", mode="delete")
    data = file.read_bytes().replace(b"odd_AA", b"odd_\xff\xfe")
    file.write_bytes(data.replace(b"COLLATE NOCASE", b"COLLATE NOSUCH"))
    report = run(section.sections(Options(replica=file)), lambda *_: None)
    assert [each.what for each in report.findings if each.id in ("WF001", "WF002")] == []
    assert {each.name for each in report.tables} >= {"message", "other.channel"}
    assert {each.name for each in report.projections} >= {"message", "other.channel"}
    assert [each.name for each in report.facts if each.name.startswith("not read: odd_")] == [
        "not read: odd_\ufffd\ufffd"
    ]


def test_a_table_of_2000_columns_is_projected(tmp_path: Path) -> None:
    columns = ", ".join(f"c{number} text" for number in range(1998))
    wide = f"CREATE TABLE w (id \"text|NOT_NULL\" PRIMARY KEY, {columns}, j json); INSERT INTO w (id) VALUES ('a');"
    file = replica(tmp_path, wide, "UPDATE w SET c1 = 'four', c1997 = printf('%0800d', 1);", mode="delete")
    report = run(section.sections(Options(replica=file)), lambda *_: None)
    assert [each.what for each in report.findings if each.id in ("WF001", "WF002")] == []
    assert {each.name for each in report.projections} >= {"message", "w"}
