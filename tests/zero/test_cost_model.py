"""Zero's cost model, hydration, analysis and advancement answer the same on WebAssembly as on the native driver."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from zero.drivers import DEMO, Zero

Answers = dict[str, Any]

# What Zero deletes with a replica: nothing else may lie beside it.
SUFFIXES = ("", "-wal", "-wal2", "-shm", "-journal")


@pytest.fixture(scope="session")
def replica(native: Zero) -> Path:
    """One replica, written by Zero on the native driver, that both drivers get copies of."""
    return native.write_replica("replica.db")


@pytest.fixture(scope="session")
def expected(native: Zero, replica: Path) -> Answers:
    return native.ask(replica)


@pytest.fixture(scope="session")
def found(engine: Zero, replica: Path) -> Answers:
    return engine.ask(replica)


def differing(found: Answers, expected: Answers) -> list[str]:
    assert found.keys() == expected.keys()
    return [name for name in expected if found[name] != expected[name]]


def test_the_driver_under_test_is_ours_and_the_oracle_is_untouched(native: Zero, engine: Zero) -> None:
    def driver(zero: Zero) -> str:
        package = zero.project / "node_modules" / "@rocicorp" / "zero-sqlite3"
        return (package / "lib" / "database.js").read_text()

    assert "wasmfix" in driver(engine)
    assert "wasmfix" not in driver(native)


def test_the_cost_model_estimates_the_same(found: Answers, expected: Answers) -> None:
    estimates = expected["estimates"]
    assert len(estimates) == 190
    assert {fan["source"] for cost in estimates.values() if (fan := cost.get("fan"))} >= {"stat4"}
    assert any(cost["startupCost"] > 0 for cost in estimates.values())
    assert differing(found["estimates"], estimates) == []


def test_table_source_reads_every_row_of_every_table_the_same(found: Answers, expected: Answers) -> None:
    assert sum(len(rows) for rows in expected["tables"].values()) == 1856
    assert differing(found["tables"], expected["tables"]) == []


def test_every_query_hydrates_the_same_rows_in_the_same_order(found: Answers, expected: Answers) -> None:
    empty = [name for name, rows in expected["hydrated"].items() if not rows]
    assert empty == ["a key that is not there"]
    assert differing(found["hydrated"], expected["hydrated"]) == []


@pytest.mark.parametrize("part", ["readRowCountsByQuery", "dbScansByQuery", "sqlitePlans", "joinPlans", "syncedRows"])
def test_analysis_tells_the_same(found: Answers, expected: Answers, part: str) -> None:
    """Rows read and visited (NVISIT after an early return), SQLite's plans, and what Zero's planner weighed."""
    of_native = {name: analysis.get(part) for name, analysis in expected["analysed"].items()}
    of_engine = {name: analysis.get(part) for name, analysis in found["analysed"].items()}
    assert sum(1 for answer in of_native.values() if answer) > 5
    assert differing(of_engine, of_native) == []


def test_what_zero_refuses_it_refuses_on_both(found: Answers, expected: Answers) -> None:
    refused = {name: answer["refused"] for name, answer in expected["analysed"].items() if "refused" in answer}
    assert list(refused) == ["not exists"]
    assert found["analysed"]["not exists"]["refused"] == refused["not exists"]


def test_pipelines_advance_over_a_commit_of_another_connection(found: Answers, expected: Answers) -> None:
    assert expected["advanced"]["version"] == "49zls1"
    assert {change["table"] for change in expected["advanced"]["changes"]} >= {"issue", "user", "comment", "label"}
    assert found["advanced"] == expected["advanced"]


def test_the_replica_stays_sound_and_nothing_foreign_lies_beside_it(found: Answers, expected: Answers) -> None:
    assert found["after"] == expected["after"]
    assert found["after"]["integrity"] == [{"integrity_check": "ok"}]
    assert found["after"]["journal"] == [{"journal_mode": "wal2"}]
    assert set(found["files"]) <= {f"replica.db{suffix}" for suffix in SUFFIXES}


def test_native_reads_what_zero_wrote_on_the_engine(native: Zero, engine: Zero, replica: Path) -> None:
    """The engine runs Zero's initial migration, ANALYZE and the switch to wal2; native finds the same rows in it."""
    written = engine.write_replica("written.db")
    assert written.read_bytes()[18:20] == b"\x03\x03"  # wal2 in the header
    copy = shutil.copyfile(written, native.home / "from-engine.db")
    own = shutil.copyfile(replica, native.home / "from-native.db")
    read = [native.run(DEMO / "hydrate.mjs", str(path)) for path in (copy, own)]
    for answer in read:
        del answer["peak"]
        for part in (answer["cost"], answer["read"], *answer["queries"]):
            del part["ms"]
    assert read[0] == read[1], json.dumps(read, indent=1)
