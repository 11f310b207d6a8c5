"""Where a report may be written: never over what is read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def replica(tmp_path: Path) -> Path:
    file = tmp_path / "r.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE t(a)")
    connection.close()
    return file


@pytest.mark.parametrize("way", ["itself", "symlink", "hard link", "wal", "wal2", "shm", "wasmfix", "queries"])
def test_a_report_is_not_written_over_what_is_read(wasmfix, replica: Path, tmp_path: Path, way: str) -> None:  # type: ignore[no-untyped-def]
    queries = tmp_path / "queries.json"
    queries.write_text("[]")
    other = tmp_path / "other"
    if way == "symlink":
        other.symlink_to(replica)
    elif way == "hard link":
        other.hardlink_to(replica)
    known = {"itself": replica, "queries": queries, "symlink": other, "hard link": other}
    output = known.get(way) or Path(f"{replica}-{way}")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    ran = wasmfix("diagnose", "--replica", replica, "--queries", queries, "--output", output, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "name another file" in ran.err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--output", ""], "'--output': it is empty"),
        (["--replica", ""], "'--replica': it is empty"),
        (["--output", "."], "is a folder"),
        (["--output", "not/there/report"], "cannot be written (No such file or directory)"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_run(wasmfix, replica: Path, given: list[str], said: str) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("diagnose", "--replica", replica, *given, cwd=replica.parent)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
