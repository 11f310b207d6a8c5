"""Transactions that do not fit into the cache, whose frames are written more than once."""

from __future__ import annotations

from pathlib import Path

import pytest

from processes.conftest import Start

ROWS = 300
FILLED = f"""with n(k) as (select 1 union all select k + 1 from n where k < {ROWS})
    select k, printf('%.900c', 'a') from n"""


@pytest.mark.parametrize("mode", ["wal", "wal2"])
def test_a_commit_whose_frames_were_written_anew_outlives_a_kill(start: Start, file: Path, mode: str) -> None:
    # Pages that were spilled and changed again get new checksums: SQLite writes headers of frames without their pages.
    writer = start().open(file)
    writer.pragma(f"journal_mode = {mode}")
    writer.exec(f"create table t(k integer primary key, v text); insert into t {FILLED}")
    writer.pragma("cache_size = 10")
    writer.pragma("wal_autocheckpoint = 0")
    writer.exec("begin")
    for version in "xyz":
        writer.exec(f"update t set v = printf('%.900c', '{version}')")
    writer.exec("commit")
    writer.kill()
    reader = start().open(file)
    assert reader.value("select count(*) from t where v like 'z%'") == ROWS
    assert reader.value("pragma integrity_check") == "ok"
