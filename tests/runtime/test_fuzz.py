"""Whatever is in the files: an answer or one line, in bounded time, and not a byte changed."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wasmfix import runtime
from wasmfix.errors import WasmfixError

SUFFIXES = ("", "-wal", "-wal2", "-shm", "-journal", "-wasmfix")
# Each query has its 5 s; what hangs takes for ever.
LIMIT = 120.0

# Where and what: a header, anywhere, or a cut.
EDIT = st.tuples(
    st.sampled_from(SUFFIXES),
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 200), st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("write"), st.integers(0, 130_000), st.binary(min_size=1, max_size=64)),
        st.tuples(st.just("cut"), st.integers(0, 130_000), st.just(b"")),
        st.tuples(st.just("append"), st.just(0), st.binary(min_size=1, max_size=4096)),
    ),
)


QUERIES = (
    "SELECT * FROM issue ORDER BY title",
    "SELECT count(*), sum(length(body)), max(n) FROM issue",
    "SELECT name, count(*), sum(pgsize) FROM dbstat GROUP BY name",
    "PRAGMA integrity_check(10)",
    "SELECT * FROM sqlite_master, pragma_table_info(sqlite_master.name)",
)


def apply(folder: Path, edits: list[tuple[str, tuple[str, int, bytes]]]) -> None:
    for suffix, (kind, at, data) in edits:
        path = folder / f"a.db{suffix}"
        content = bytearray(path.read_bytes() if path.exists() else b"")
        if kind == "write":
            at = min(at, len(content))
            content[at : at + len(data)] = data
        elif kind == "cut":
            del content[at:]
        else:
            content += data
        path.write_bytes(content)


@settings(
    max_examples=int(os.environ.get("WASMFIX_FUZZ", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
def test_a_mutated_replica_gives_an_answer_or_one_line_and_stays_as_it_is(
    edits: list[tuple[str, tuple[str, int, bytes]]], replica: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mutated"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(replica, folder)
    apply(folder, edits)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    started = time.monotonic()
    with suppress(WasmfixError), runtime.open(folder / "a.db", timeout=5, patience=0.1) as db:
        for sql in QUERIES:
            try:
                db.execute(sql).all()
            except WasmfixError as error:
                assert "\n" not in str(error)
    assert time.monotonic() - started < LIMIT
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
