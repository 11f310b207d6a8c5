"""A full stack ends a call wherever it is: nothing is lost by it, and no lock stays."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from processes.conftest import Start
from processes.test_rules import MODES, attempt_to, seen_by

COUNT = "select count(*) from t"


@MODES
def test_a_statement_that_ends_on_a_full_stack_leaves_no_lock(engine: Path, file: Path, node: str, mode: str) -> None:
    script = Path(__file__).with_name("full_stack.cjs")
    command = [node, str(script), str(engine), str(file), mode]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["errors"]["RangeError"] > 100
    assert not seen["wrong"]


@MODES
def test_a_write_lock_that_was_taken_ahead_of_a_full_stack_still_looks(
    engine: Path, file: Path, node: str, mode: str
) -> None:
    script = Path(__file__).with_name("full_ahead.cjs")
    command = [node, str(script), str(engine), str(file), mode]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen == {"shown": 3, "wrong": [], "check": "ok"}


@pytest.mark.parametrize("mode", ["wal", "wal2", "delete"])
def test_a_lock_operation_that_ends_on_a_full_stack_gives_everything_up(
    start: Start, native: Path, file: Path, mode: str
) -> None:
    a, b = start(), start()
    b.open(file, timeout=100).pragma(f"journal_mode={mode}")
    b.exec("create table t(x)")
    rows = 0
    places = [{"file": "-wasmfix", "skip": skip} for skip in range(10)]
    if mode != "delete":
        places.append({"file": "index", "part": "header", "skip": 0})
    for place in places:
        a.open(file, timeout=100)
        assert a.value(COUNT) == rows
        a.hook("fail", code="RangeError", **place)
        code = attempt_to(a, "insert into t values(1)")
        a.hook("forget")
        b.exec("insert into t values(2)")
        a.open(file, timeout=100).exec("insert into t values(3)")
        # What was in the WAL when it was interrupted stands, as after a kill.
        new = b.value(COUNT) - rows
        assert new == 3 or (new == 2 and code is not None)
        rows += new
        assert a.value(COUNT) == rows
        a.close()
    b.close()
    assert seen_by(native, start, file, COUNT) == (rows, "ok")
