"""Locks in a burst of statements: what is held between them, and what is not."""

from __future__ import annotations

import json
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path

from processes.conftest import Start

FREE, EXCLUSIVE = 0, 2
ROW = 384
COUNT_AT = ROW + 12
"""The count of exclusive locks given up, in the first row of `FILE-wasmfix` (lock-table.js)."""


def test_a_commit_in_a_burst_looks_once_and_leaves_no_lock(engine: Path, file: Path, node: str) -> None:
    script = Path(__file__).with_name("kept.cjs")
    command = [node, str(script), str(engine), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    # WRITE announced, the frame, the head, WRITE given up; and one look.
    assert Counter(seen["counted"]) == {"writeSync": 4, "readSync": 1}
    assert seen["afterCommit"] == FREE
    # WRITE was taken ahead, and the statement did not want it.
    assert (seen["code"], seen["afterRefusal"]) == ("SQLITE_READONLY", FREE)
    assert (seen["inside"], seen["afterwards"]) == (EXCLUSIVE, FREE)
    assert seen["concurrent"] == [FREE, FREE]
    assert (seen["whileFull"], seen["afterTurn"]) == (EXCLUSIVE, FREE)
    assert seen["rows"] == seen["inserted"] + 3 + 300 + 2 + 1


def test_a_read_lock_that_was_kept_goes_before_the_event_loop_sleeps(engine: Path, file: Path, node: str) -> None:
    script = Path(__file__).with_name("idle.cjs")
    command = [node, str(script), str(engine), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        kept = 0
        for _ in range(8):
            process.stdin.write("\n")
            process.stdin.flush()
            kept += process.stdout.readline() == "true\n"
            end = time.monotonic() + 2
            while any(read_locks(file)) and time.monotonic() < end:
                time.sleep(0.01)
            assert not any(read_locks(file))
        process.stdin.close()
        assert process.wait(60) == 0
    assert kept > 0


def test_an_exclusive_lock_on_the_database_that_is_given_up_shows_in_the_count(start: Start, file: Path) -> None:
    actor = start().open(file)
    actor.exec("create table t(v)")
    actor.exec("begin exclusive")
    before = count(file)
    actor.exec("insert into t values (1); commit")
    assert count(file) > before


def read_locks(file: Path) -> bytes:
    return Path(f"{file}-wasmfix").read_bytes()[ROW + 3 : ROW + 8]


def count(file: Path) -> int:
    table = Path(f"{file}-wasmfix").read_bytes()
    return int(struct.unpack_from("<I", table, COUNT_AT)[0])
