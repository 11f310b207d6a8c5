"""`wasmfix diagnose --replica FILE` as a user runs it: exit codes, bad input, damaged files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import own_environment
from diagnostics.replicas import driver, replica
from wasmfix.cli import run
from wasmfix.engine import build_engine


@pytest.fixture(scope="session", autouse=True)
def _engine(engine_cache: None) -> None:
    build_engine(driver())


def diagnose(file: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr, in a folder that is no project."""
    command = [sys.executable, "-m", "wasmfix", "diagnose", "--replica", str(file), *options]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            command, cwd=elsewhere, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False
        )
    return done.returncode, done.stdout, done.stderr


def test_a_replica_in_order_ends_with_0(tmp_path: Path) -> None:
    code, out, err = diagnose(replica(tmp_path), "--fail-on", "warning", "--format", "json")
    assert code == 0, out + err
    report = json.loads(out)
    assert {each["name"]: each["rows"] for each in report["tables"]}["message"] == 2
    assert "Traceback" not in err


def nothing(file: Path) -> None:
    file.unlink()


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def text(file: Path) -> None:
    file.write_text("id,title\n" * 1000)


def truncated(file: Path) -> None:
    os.truncate(file, 9000)


def future(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[18:20] = b"\4\4"
    file.write_bytes(content)


def foreign_wal(file: Path) -> None:
    other = replica(file.parent / "other", pragmas=("page_size = 1024",), killed=True, after=("CREATE TABLE x (a)",))
    shutil.copy(f"{other}-wal", f"{file}-wal")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, "no such file"),
        (folder, "is a folder"),
        (text, "is not an SQLite database"),
        (truncated, "is cut off: it has 9,000 of"),
        (future, "of a future SQLite"),
        (foreign_wal, "belongs to another database"),
    ],
)
def test_what_is_no_replica_is_one_finding_and_exit_code_1(
    spoil: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    file = replica(tmp_path)
    spoil(file)
    code, out, err = diagnose(file)
    assert code == 1
    first, remedy = out.splitlines()[:2]
    assert words in first
    assert remedy.strip()
    assert out.count("WF201") >= 1
    assert "Traceback" not in out + err
    assert "WF00" not in out


def test_a_wal_that_is_cut_within_a_frame_ends_at_the_last_commit(tmp_path: Path) -> None:
    rows = tuple(f"INSERT INTO message VALUES ('n{i}', 'x', '02')" for i in range(5))
    file = replica(tmp_path, killed=True, after=rows)
    wal = Path(f"{file}-wal")
    os.truncate(wal, wal.stat().st_size - 1000)
    code, out, _err = diagnose(file, "--format", "json")
    assert code == 0, out
    told = json.loads(out)
    assert {each["name"]: each["rows"] for each in told["tables"]}["message"] == 6
    (size,) = [fact["value"] for fact in told["facts"] if fact["name"] == "wal"]
    assert size.endswith(", cut within a frame, of which 3,120 bytes are left")
    os.truncate(wal, 10)
    told = json.loads(diagnose(file, "--format", "json")[1])
    assert [fact["value"] for fact in told["facts"] if fact["name"] == "wal"] == ["10 B"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = replica(tmp_path)
    file.chmod(0)
    if os.geteuid() == 0:
        pytest.skip("root reads everything; tests/runtime has it as another user")
    code, out, _err = diagnose(file)
    assert code == 1
    assert "cannot be read (Permission denied)" in out


def test_a_runtime_that_is_not_there_is_said(tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("wasmer may be there")
    code, out, _err = diagnose(replica(tmp_path), "--runtime", "wasmer")
    assert code == 1
    assert "wasmer" in out
    assert "WF002" in out


SUFFIXES = ("", "-wal", "-wal2", "-shm", "-journal", "-wasmfix")
EDIT = st.tuples(
    st.sampled_from(SUFFIXES),
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 300), st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("write"), st.integers(0, 130_000), st.binary(min_size=1, max_size=200)),
        st.tuples(st.just("cut"), st.integers(0, 130_000), st.just(b"")),
        st.tuples(st.just("remove"), st.just(0), st.just(b"")),
    ),
)


def spoil(file: Path, edits: list[tuple[str, tuple[str, int, bytes]]]) -> None:
    for suffix, (kind, at, data) in edits:
        path = Path(f"{file}{suffix}")
        content = bytearray(path.read_bytes() if path.exists() else b"")
        if kind == "remove":
            path.unlink(missing_ok=True)
            continue
        if kind == "write":
            at = min(at, len(content))
            content[at : at + len(data)] = data
        else:
            del content[at:]
        path.write_bytes(content)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replica with content in both logs."""
    rows = tuple(f"INSERT INTO message VALUES ('n{i}', hex(zeroblob({i * 9})), '02')" for i in range(60))
    pragmas = ("page_size = 1024", "wal_autocheckpoint = 0", "journal_size_limit = 20000")
    file = replica(tmp_path_factory.mktemp("made"), pragmas=pragmas, after=rows, killed=True)
    assert Path(f"{file}-wal2").stat().st_size > 1000
    return file


@settings(
    max_examples=int(os.environ.get("WASMFIX_FUZZ", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_a_mutated_replica_gives_findings_and_stays_as_it_is(
    edits: list[tuple[str, tuple[str, int, bytes]]],
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "mutated"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made.parent, folder)
    file = folder / made.name
    spoil(file, edits)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "report.json"
    output.unlink(missing_ok=True)
    started = time.monotonic()
    code = run(["diagnose", "--replica", str(file), "--format", "json", "--output", str(output)])
    assert time.monotonic() - started < 60
    report = json.loads(output.read_text(encoding="utf-8"))
    assert code in (0, 1)
    assert "WF001" not in {each["id"] for each in report["findings"]}, report["findings"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
