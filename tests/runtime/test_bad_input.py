"""What is no database that can be read is one clear line, or a note, and never a wrong answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import nodejs
from runtime.conftest import Oracle, read
from wasmfix import runtime
from wasmfix.diagnostics.checks.replica_files import is_open_on_engine, is_open_on_native
from wasmfix.errors import WasmfixError


@pytest.fixture
def file(replica: Path, tmp_path: Path) -> Path:
    """A copy of the wal2 replica."""
    for source in replica.iterdir():
        shutil.copyfile(source, tmp_path / source.name)
    return tmp_path / "a.db"


@pytest.fixture
def plain(oracle: Oracle, tmp_path: Path) -> Path:
    """A database without a WAL."""
    file = tmp_path / "plain.db"
    oracle("exec", file=str(file), sql="CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000))")
    oracle("close", file=str(file))
    return file


def overwrite(file: Path, at: int, data: bytes) -> None:
    content = bytearray(file.read_bytes())
    content[at : at + len(data)] = data
    file.write_bytes(content)


def no_file(file: Path) -> None:
    file.unlink()


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def text(file: Path) -> None:
    file.write_text("id,title\n1,one\n" * 100)


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_file, "no such file"),
        (folder, "is a folder"),
        (text, "is not an SQLite database"),
        (fifo, "is not a file"),
        (lambda file: file.write_bytes(file.read_bytes()[:50]), "is cut off: it has 50 bytes of its header's 100"),
        (lambda file: file.write_bytes(file.read_bytes()[:9000]), "is cut off: it has 9,000 of 24,576 bytes"),
        (lambda file: overwrite(file, 18, b"\4\4"), "the file format 4.4 of a future SQLite"),
        (lambda file: overwrite(file, 16, b"\x12\x34"), "the page size 4660"),
    ],
)
def test_a_file_that_is_no_database_says_what_it_is(spoil: Callable[[Path], None], words: str, plain: Path) -> None:
    spoil(plain)
    with pytest.raises(WasmfixError) as caught:
        runtime.open(plain)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{plain}: ")
    assert "\n" not in str(caught.value)


def test_no_remedy_tells_to_delete_a_database_that_may_be_the_only_copy(plain: Path) -> None:
    plain.write_bytes(plain.read_bytes()[:9000])
    with pytest.raises(WasmfixError, match="restore it from a backup; a replica of zero-cache may be deleted instead"):
        runtime.open(plain)


@pytest.mark.parametrize("suffix", ["-wal", "-wal2", "-shm", "-wasmfix"])
@pytest.mark.parametrize(("make", "words"), [(Path.mkdir, "is a folder"), (os.mkfifo, "is not a file")])
def test_what_is_no_file_beside_a_database_is_named_itself(
    make: Callable[[Path], None], words: str, suffix: str, file: Path
) -> None:
    beside = Path(f"{file}{suffix}")
    beside.unlink(missing_ok=True)
    make(beside)
    with pytest.raises(WasmfixError) as caught:
        runtime.open(file)
    assert str(caught.value).startswith(f"{beside}: {words}; move it away")
    assert not is_open_on_engine(file)
    assert not is_open_on_native(file)


def test_a_loop_of_symbolic_links_is_one_clear_line(tmp_path: Path) -> None:
    loop = tmp_path / "a.db"
    loop.symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    with pytest.raises(WasmfixError, match=r"a\.db: a loop of symbolic links; name the database's file"):
        runtime.open(loop)
    assert not is_open_on_engine(loop)
    assert not is_open_on_native(loop)


def test_the_wal_itself_is_no_database(file: Path) -> None:
    with pytest.raises(WasmfixError, match="its -wal and -shm belong to it"):
        runtime.open(Path(f"{file}-wal"))


def test_a_file_that_may_not_be_read_names_itself(file: Path) -> None:
    if os.geteuid() == 0:
        # root reads everything: as another user, in a child.
        for path in (file.parent, *file.parent.parents):
            if path.stat().st_uid == 0 and path != Path("/"):
                path.chmod(path.stat().st_mode | 0o055)
        Path(f"{file}-wal").chmod(0)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setuid(65534)
                runtime.open(file, engine=Path(os.devnull))
            except WasmfixError as error:
                code = 0 if "a.db-wal: cannot be read (Permission denied)" in str(error) else 2
            except BaseException:
                code = 3
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        return
    Path(f"{file}-wal").chmod(0)
    with pytest.raises(WasmfixError, match=r"a.db-wal: cannot be read"):
        runtime.open(file)


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert read(tmp_path / "empty.db", "SELECT count(*) FROM sqlite_master") == [(0,)]


def test_a_wal_of_a_database_with_other_pages_is_refused(file: Path, plain: Path) -> None:
    shutil.copyfile(f"{file}-wal", f"{plain}-wal")
    overwrite(plain, 18, b"\3\3")
    with pytest.raises(WasmfixError, match=r"plain.db-wal: belongs to another database: its pages have 1024 bytes"):
        runtime.open(plain)


def test_a_wal_of_another_journal_mode_is_refused(file: Path) -> None:
    overwrite(file, 18, b"\2\2")
    with pytest.raises(WasmfixError, match=r"a.db-wal: belongs to another database, or was left from another"):
        runtime.open(file)


def test_a_wal_that_is_older_than_the_schema_is_refused(file: Path, oracle: Oracle) -> None:
    old = Path(f"{file}-wal").read_bytes()
    oracle("exec", file=str(file), sql="CREATE TABLE u(a); CREATE TABLE v(a)")
    oracle("close", file=str(file))
    assert not Path(f"{file}-wal").exists()
    Path(f"{file}-wal").write_bytes(old)
    with pytest.raises(WasmfixError, match=r"a.db-wal: belongs to another database, or to an older copy of this one"):
        runtime.open(file)


def rows_after(file: Path, native: Path) -> int:
    """How many rows native finds in a copy."""
    copy = file.parent / "copy"
    shutil.copytree(file.parent, copy, ignore=shutil.ignore_patterns("copy"))
    query = "prepare('SELECT count(*) FROM issue').pluck().get()"
    script = f"console.log(new (require(process.argv[1]))(process.argv[2]).{query})"
    command = [nodejs.node(), "-e", script, str(native), str(copy / file.name)]
    count = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shutil.rmtree(copy)
    return int(count)


@pytest.mark.parametrize("suffix", ["-wal", "-wal2"])
@pytest.mark.parametrize("cut", [1, 500, 1047, 1048, 5000])
def test_a_wal_that_is_cut_within_a_frame_ends_at_the_last_commit_before_as_in_native(
    suffix: str, cut: int, file: Path, native: Path
) -> None:
    path = Path(f"{file}{suffix}")
    os.truncate(path, path.stat().st_size - cut)
    before = {each.name: each.read_bytes() for each in file.parent.iterdir()}
    assert read(file, "SELECT count(*) FROM issue") == [(rows_after(file, native),)]
    assert {each.name: each.read_bytes() for each in file.parent.iterdir()} == before


@pytest.mark.parametrize("size", [33, 56, 600, 1079])
def test_a_wal2_cut_within_its_first_frame_counts_as_if_it_had_none(size: int, file: Path, native: Path) -> None:
    wal2 = Path(f"{file}-wal2")
    # Where native is right; with more of the first frame it runs out of memory, too.
    os.truncate(wal2, 32)
    expected = rows_after(file, native)
    assert expected > 0
    with wal2.open("ab") as stream:
        stream.write(b"\1" * (size - 32))
    with runtime.open(file) as db:
        assert db.execute("SELECT count(*) FROM issue").all() == [(expected,)]
        assert "its -wal2 is cut off within its first frame" in db.snapshot.notes[0]
    assert wal2.stat().st_size == size


def test_a_wal_cut_within_its_first_frame_is_noted(file: Path) -> None:
    os.truncate(f"{file}-wal", 1000)
    with runtime.open(file) as db:
        assert db.execute("PRAGMA quick_check").all() == [("ok",)]
        assert "its -wal is cut off within its first frame" in db.snapshot.notes[0]


_NEVER_CHECKPOINTED = """
PRAGMA journal_mode = wal2; PRAGMA wal_autocheckpoint = 0; CREATE TABLE issue(id INTEGER PRIMARY KEY, a)
"""


@pytest.fixture
def new_logs(oracle: Oracle, tmp_path: Path) -> Path:
    """A wal2 database as its first writer's end leaves it: `-wal` is full for the first time, `-wal2` goes on."""
    file = tmp_path / "new" / "a.db"
    file.parent.mkdir()
    oracle("exec", file=str(file), sql=_NEVER_CHECKPOINTED)
    for _ in range(300):
        oracle("exec", file=str(file), sql="INSERT INTO issue(a) VALUES (zeroblob(20000))")
    kept = tmp_path / "kept"
    shutil.copytree(file.parent, kept, ignore=shutil.ignore_patterns("*-shm"))
    oracle("close", file=str(file))
    assert all(Path(f"{kept}/a.db{suffix}").stat().st_size > 100_000 for suffix in ("-wal", "-wal2"))
    return kept / "a.db"


def test_a_wal2_that_was_never_copied_along_is_noted(new_logs: Path, native: Path) -> None:
    with runtime.open(new_logs) as db:
        assert (db.execute("SELECT count(*) FROM issue").all(), db.snapshot.notes) == ([(300,)], ())
    Path(f"{new_logs}-wal2").unlink()
    expected = rows_after(new_logs, native)
    assert 0 < expected < 300
    with runtime.open(new_logs) as db:
        assert db.execute("SELECT count(*) FROM issue").all() == [(expected,)]
        assert ["its -wal2 is missing, and its -wal is full" in note for note in db.snapshot.notes] == [True]


@pytest.mark.parametrize("at", [0.1, 0.5, 0.999])
def test_a_wal_that_is_cut_before_the_wal2_goes_on_is_noted(at: float, new_logs: Path, native: Path) -> None:
    wal = Path(f"{new_logs}-wal")
    os.truncate(wal, int(wal.stat().st_size * at))
    expected = rows_after(new_logs, native)
    assert 0 < expected < 300
    with runtime.open(new_logs) as db:
        assert db.execute("SELECT count(*) FROM issue").all() == [(expected,)]
        assert ["its -wal ends before its -wal2 begins" in note for note in db.snapshot.notes] == [True]


@pytest.mark.parametrize(("suffix", "words"), [("-wal", "its -wal is missing"), ("-wal2", "its -wal2 is missing")])
def test_a_missing_wal_is_noted_and_the_rest_is_what_native_would_see(
    suffix: str, words: str, file: Path, native: Path
) -> None:
    Path(f"{file}{suffix}").unlink()
    try:
        expected = rows_after(file, native)
    except subprocess.CalledProcessError:
        # The table itself was in it.
        expected = -1
    with runtime.open(file) as db:
        assert any(words in note for note in db.snapshot.notes)
        if expected >= 0:
            assert db.execute("SELECT count(*) FROM issue").all() == [(expected,)]


def test_a_damaged_page_is_sqlites_error_with_the_files_name(plain: Path) -> None:
    overwrite(plain, 4096, b"\xff" * 100)
    with pytest.raises(runtime.SqlError, match=r"plain.db: database disk image is malformed \(SQLITE_CORRUPT"):
        read(plain, "SELECT * FROM t")
