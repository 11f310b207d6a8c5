"""A patched zero-cache, with all its processes, does for its clients what a native one does.

Both run at the same time, on databases of their own in one PostgreSQL. WASMFIX_TEST_ENGINE names a patched zero-sqlite3
whose engine is to be tested in place of the checkout's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from filelock import FileLock

from conftest import BUILD
from zero_cache.conftest import TEMPLATE
from zero_cache.postgres import Postgres
from zero_cache.scenario import Scenario, live_changes, more_changes

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="zero-cache is stopped with SIGTERM"),
    # The fixture's, which takes three minutes on two busy cores.
    pytest.mark.timeout(1800),
]

FIGURES = BUILD / "zero-cache.json"
LIVE_CHANGES = 20
# Engine to native.
LATENCY_BOUND = 1.3
MEMORY_BOUND = 1.5
# Changes in each before its latency counts, and of those that count. If the medians of the first batch are further
# apart than the bound, more batches decide whether that was the machine: what else it does only adds to a latency, so
# the quietest batch of each driver counts.
WARM_UP = 20
BATCH = 80
BATCHES = 10


class Runs:
    """The same scenario on both drivers."""

    def __init__(self, workers: int, folder: Path, postgres: Postgres, projects: dict[str, Path]) -> None:
        self.workers = workers
        with ExitStack() as running:
            scenarios = []
            for name, project in projects.items():
                database = f"{name}_{workers}"
                postgres.run("postgres", f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")
                # zero-cache leaves its replication slot, which keeps PostgreSQL's log growing.
                slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                drop = f"{slots} WHERE database = '{database}' AND NOT active"
                running.callback(postgres.run, "postgres", drop)
                scenario = Scenario(project, folder / name, postgres, database, workers, projects["native"])
                scenarios.append(running.enter_context(scenario))
            native, engine = self.native, self.engine = [scenario.report for scenario in scenarios]
            with ThreadPoolExecutor(len(scenarios)) as pool:
                list(pool.map(Scenario.until_one_client, scenarios))
                live_changes(scenarios)
                first = WARM_UP + BATCHES * BATCH
                more_changes(scenarios, range(WARM_UP))
                self._measure(scenarios, WARM_UP, native.steady, engine.steady)
                list(pool.map(Scenario.until_many_clients, scenarios))
                more_changes(scenarios, range(first, first + WARM_UP))
                self._measure(scenarios, first + WARM_UP, native.crowded, engine.crowded)
                list(pool.map(Scenario.until_the_end, scenarios))

    @staticmethod
    def _measure(scenarios: list[Scenario], number: int, native: list[float], engine: list[float]) -> None:
        """Append latencies of changes with numbers from `number` on."""
        for batch in range(BATCHES):
            start = number + batch * BATCH
            for known, new in zip((native, engine), more_changes(scenarios, range(start, start + BATCH)), strict=True):
                known += new
            if ratio(native, engine) <= LATENCY_BOUND:
                break

    def record(self) -> dict[str, Any]:
        """Write the figures down, next to those of other numbers of workers."""
        figures = {
            "native": self.native.figures(),
            "engine": self.engine.figures(),
            "latency_ratio": {
                "first": round(ratio(self.native.first, self.engine.first), 2),
                "steady": round(ratio(self.native.steady, self.engine.steady), 2),
                "crowded": round(ratio(self.native.crowded, self.engine.crowded), 2),
            },
            "memory_ratio": round(self.engine.peak / self.native.peak, 2) if self.native.peak else None,
        }
        with FileLock(f"{FIGURES}.lock"):
            known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
            known[f"{self.workers} sync workers"] = figures
            FIGURES.write_text(json.dumps(known, indent=2) + "\n")
        return figures


def ratio(native: list[float], engine: list[float]) -> float:
    return quietest(engine) / quietest(native)


def quietest(latencies: list[float]) -> float:
    """The lowest median of a batch."""
    return min(median(latencies[start : start + BATCH]) for start in range(0, len(latencies), BATCH))


@pytest.fixture(scope="module", params=[1, 2, 6], ids=lambda workers: f"{workers} sync workers")
def runs(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    native_project: Path,
    engine_project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    projects = {"native": native_project, "engine": engine_project}
    runs = Runs(request.param, tmp_path_factory.mktemp("zero-cache"), postgres, projects)
    figures = json.dumps({f"{runs.workers} sync workers": runs.record()}, indent=2)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{figures}")
    yield runs


def test_the_queries_have_the_rows_that_they_should(runs: Runs) -> None:
    (answers,) = runs.native.answers["hydrated"]
    assert {name: answer["rows"] for name, answer in answers.items()} == {
        "progress": 1,
        "people": 50,
        "recent": 50,
        "urgent": 2000,
        "discussed": 100,
        "spelled": 4,
        "single": 1,
        "written": 1000,
        "either": 200,
        "page": 100,
        "unclosed": 3331,
    }


def test_all_clients_see_the_same_as_with_native_at_every_stage(runs: Runs) -> None:
    assert len(runs.native.answers) == 11
    assert runs.engine.answers.keys() == runs.native.answers.keys()
    different = [stage for stage, answers in runs.native.answers.items() if runs.engine.answers[stage] != answers]
    assert different == []


def test_clients_agree_with_each_other(runs: Runs) -> None:
    for stage in ("after mutations of a client", "reconnected after a syncer was killed"):
        answers = runs.engine.answers[stage]
        assert len(answers) == 1 + runs.workers
        assert all(one == answers[0] for one in answers)


def test_every_live_change_is_seen(runs: Runs) -> None:
    assert runs.engine.missed == runs.native.missed == []
    assert len(runs.engine.first) == len(runs.native.first) == LIVE_CHANGES


def test_changes_arrive_about_as_fast_as_with_native(runs: Runs) -> None:
    assert len(runs.engine.steady) == len(runs.native.steady) >= BATCH
    assert ratio(runs.native.steady, runs.engine.steady) <= LATENCY_BOUND


def test_changes_arrive_about_as_fast_when_every_syncer_is_at_work(runs: Runs) -> None:
    assert len(runs.engine.crowded) == len(runs.native.crowded) >= BATCH
    assert ratio(runs.native.crowded, runs.engine.crowded) <= LATENCY_BOUND


def test_what_a_client_knew_before_is_what_a_new_one_gets(runs: Runs) -> None:
    old, _upgraded = runs.engine.answers["a column more"]
    (new,) = runs.engine.answers["restarted without a replica"]
    assert {**new, "progress": None} == {**old, "progress": None}


def test_a_new_column_arrives_with_its_values(runs: Runs) -> None:
    (upgraded,) = runs.engine.answers["upgraded"]
    assert upgraded["added"]["rows"] == 10
    assert runs.engine.answers["a column more"][1]["added"] != upgraded["added"]


def test_every_sync_worker_has_served(runs: Runs) -> None:
    assert runs.engine.syncers_used == runs.native.syncers_used == runs.workers


def test_nothing_is_left_beside_the_replica(runs: Runs) -> None:
    clean = {"stopped": [""], "stopped again": [""], "replica deleted": [], "stopped at last": [""]}
    assert runs.engine.left == clean


def test_native_finds_the_replica_of_the_engine_sound_and_complete(runs: Runs) -> None:
    assert list(runs.engine.replicas) == ["after schema changes", "at the end"]
    for stage, found in runs.engine.replicas.items():
        assert found["integrity"] == "ok", stage
        assert found == runs.native.replicas[stage], stage


def test_schema_changes_upstream_have_reached_the_replica(runs: Runs) -> None:
    for found in runs.engine.replicas.values():
        rows = {name: table["rows"] for name, table in found["tables"].items()}
        assert rows["appendix"] == 451
        assert rows["emptied"] == 1
        assert not rows.keys() & {"annex", "dropped"}


def test_it_ends_as_native_does_when_a_process_is_killed_and_when_it_is_stopped(runs: Runs) -> None:
    assert runs.engine.exits == runs.native.exits
    assert list(runs.engine.exits) == ["killed", "stopped", "stopped again", "stopped at last"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has loaded, and its peak memory")
def test_no_process_loads_the_native_sqlite(runs: Runs) -> None:
    assert runs.native.native_sqlite != set()
    assert runs.engine.native_sqlite == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has loaded, and its peak memory")
def test_the_largest_process_stays_near_natives(runs: Runs) -> None:
    assert 0 < runs.engine.peak <= MEMORY_BOUND * runs.native.peak
