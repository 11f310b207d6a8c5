"""A patched zero-cache, with all its processes, does for its clients what a native one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from conftest import BUILD
from zero_cache.conftest import TEMPLATE
from zero_cache.postgres import Postgres
from zero_cache.scenario import Report, play, read_natively

FIGURES = BUILD / "zero-cache.json"
LIVE_CHANGES = 20
# The bound of the project is 1.5, of figures measured on a quiet machine; a test allows for a noisy one.
MEMORY_BOUND = 2.0


class Runs:
    """The same scenario on both drivers, and the replicas that they left."""

    def __init__(self, workers: int, folder: Path, postgres: Postgres, native: Path, engine: Path) -> None:
        self.workers = workers
        self.reports: dict[str, Report] = {}
        self.replicas: dict[str, dict[str, Any]] = {}
        for name, project in {"native": native, "engine": engine}.items():
            database = f"{name}_{workers}"
            postgres.run("postgres", f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")
            self.reports[name] = play(project, folder / name, postgres, database, workers)
            # zero-cache has left its replication slot, which keeps PostgreSQL's log growing.
            slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            postgres.run("postgres", f"{slots} WHERE database = '{database}' AND NOT active")
            self.replicas[name] = read_natively(native, folder / name / "replica.db")
        self.native, self.engine = self.reports["native"], self.reports["engine"]

    def record(self) -> dict[str, Any]:
        """Write the figures down, next to those of other numbers of workers."""
        figures = {name: report.figures() for name, report in self.reports.items()}
        with FileLock(f"{FIGURES}.lock"):
            known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
            known[f"{self.workers} sync workers"] = figures
            FIGURES.write_text(json.dumps(known, indent=2) + "\n")
        return figures


@pytest.fixture(
    scope="module",
    params=[pytest.param(1, marks=pytest.mark.matrix), 2, 6],
    ids=lambda workers: f"{workers} sync workers",
)
def runs(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    native_project: Path,
    engine_project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    runs = Runs(request.param, tmp_path_factory.mktemp("zero-cache"), postgres, native_project, engine_project)
    print(json.dumps({f"{runs.workers} sync workers": runs.record()}, indent=2))
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
    assert len(runs.native.answers) == 9
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
    assert len(runs.engine.latencies) == len(runs.native.latencies) == LIVE_CHANGES


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
    found, expected = runs.replicas["engine"], runs.replicas["native"]
    assert found["integrity"] == "ok"
    assert found == expected


def test_memory_stays_in_the_neighbourhood_of_natives(runs: Runs) -> None:
    assert runs.engine.peak <= MEMORY_BOUND * runs.native.peak
