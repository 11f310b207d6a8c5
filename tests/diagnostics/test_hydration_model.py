"""The projected heap, against Zero's own view-syncer in Node on shapes of data that no constant was fitted to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import ROOT, installed
from wasmfix import runtime
from wasmfix.diagnostics import Options, run
from wasmfix.diagnostics.checks.replica import sections
from wasmfix.diagnostics.hydration.model import ERROR
from zero_cache.postgres import Postgres

sys.path.append(str(ROOT / "bench" / "hydration"))

import measure
from measure import Measured

MB = 2**20


@dataclass(frozen=True)
class Held:
    """A projection, and the replica and queries that it is of."""

    heap: int
    rows: int
    replica: Path
    queries: Path


def projected(folder: Path, shape: str) -> Held:
    replica = folder / "replica.db"
    project = installed("@rocicorp/zero", "1.9.0")
    runtime.find_engine(project / "node_modules" / "@rocicorp" / "zero-sqlite3")
    queries = measure.write_replica(project, replica, shape)
    report = run(sections(Options(replica=replica, queries=queries)), tell=lambda *_: None)
    last = [each for each in report.projections if each.kind == "query"][-1]
    return Held(last.heap, last.rows_kept, replica, queries)


def hydrated(held: Held, postgres: Postgres, *flags: str) -> Measured:
    return measure.hydrate(installed("@rocicorp/zero", "1.9.0"), held.replica, held.queries, postgres, *flags)


@pytest.mark.parametrize("shape", measure.shapes("HELD_OUT"))
def test_the_projected_heap_is_within_the_error_that_is_stated(
    shape: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    held = projected(tmp_path, shape)
    measured = hydrated(held, postgres_server)
    assert held.rows == measured.rows
    assert held.heap == pytest.approx(measured.peak, rel=ERROR)
    before = measured.peaks["before"]
    if measured.peak - before > 10 * MB:
        # Not for the sake of what an idle process has anyway.
        assert held.heap - before == pytest.approx(measured.peak - before, rel=ERROR)


def test_node_runs_out_of_memory_below_the_projection_and_not_above_it(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    held = projected(tmp_path, "large text")
    enough = f"--max-old-space-size={held.heap * 1.25 / MB:.0f}"
    assert hydrated(held, postgres_server, enough).rows == 600
    too_little = f"--max-old-space-size={held.heap * 0.75 / MB:.0f}"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        hydrated(held, postgres_server, too_little)
    assert "heap out of memory" in failed.value.stderr
