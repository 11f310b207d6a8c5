"""The main thread ends the process while a worker thread has a database open."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import nodejs
from processes.conftest import left

SCRIPT = Path(__file__).with_name("thread_exit.cjs")


def run(package: Path, file: Path, how: str) -> None:
    command = [nodejs.node(), str(SCRIPT), str(package), str(file), how]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def rows(package: Path, file: Path) -> str:
    script = (
        "console.log(JSON.stringify(new (require(process.argv[1]))(process.argv[2]).prepare('SELECT * FROM t').all()))"
    )
    command = [nodejs.node(), "-e", script, str(package), str(file)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout.strip()


@pytest.mark.parametrize("how", ["idle", "closing", "slow disk"])
def test_the_threads_database_is_closed(native: Path, engine: Path, file: Path, how: str) -> None:
    run(engine, file, how)
    assert left(file) == [file.name]
    assert rows(native, file) == '[{"x":"of the thread"}]'


def test_a_thread_that_was_terminated_is_not_waited_for(engine: Path, file: Path) -> None:
    run(engine, file, "terminated")
    assert left(file) == [file.name]


def test_a_thread_that_does_not_listen_is_left_to_the_next_opener(engine: Path, file: Path) -> None:
    run(engine, file, "busy")
    assert f"{file.name}-wasmfix" in left(file)
    assert rows(engine, file) == '[{"x":"of the thread"}]'
    assert left(file) == [file.name]
