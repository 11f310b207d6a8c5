"""Zero's cost model, tables and queries over a repaired bedrock-sqlite, beside the native driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nodejs
from bedrock.package import EARLIER, GENERATIONS, LATEST
from bedrock.project import bedrock_project
from conftest import installed

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo"
ZERO = ("@rocicorp/zero", "1.9.0")


@pytest.fixture(scope="session")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by Zero on the native driver."""
    file = tmp_path_factory.mktemp("replica") / "replica.db"
    node(DEMO / "replica.mjs", file)
    return file


def node(script: Path, replica: Path, bedrock: Path | None = None) -> Any:
    done = run(script, replica, bedrock)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def run(script: Path, replica: Path, bedrock: Path | None, heap: int = 1024) -> subprocess.CompletedProcess[str]:
    """Run a script with Zero, on a replica; on the native driver, or on a bedrock-sqlite in its place."""
    options = [f"--max-old-space-size={heap}"]
    if bedrock:
        options += ["--require", str(HERE / "over-bedrock-hook.cjs")]
    return subprocess.run(
        [*nodejs.ending_node(), *options, str(script), str(installed(*ZERO)), str(replica)],
        env={**os.environ, "BEDROCK": str(bedrock)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def copied(replica: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copyfile(replica, folder / "replica.db"))


def test_before_the_patch_zero_asks_without_end(replica: Path, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", LATEST)
    done = run(HERE / "estimates.mjs", copied(replica, tmp_path / "asked"), project.package, heap=192)
    assert done.returncode != 0
    assert "heap out of memory" in done.stderr or "Invalid array length" in done.stderr


def test_before_the_patch_the_earlier_one_has_no_scan_status(replica: Path, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", EARLIER)
    done = run(HERE / "estimates.mjs", copied(replica, tmp_path / "asked"), project.package)
    assert done.returncode != 0
    assert "TypeError" in done.stderr


@dataclass(frozen=True)
class Answers:
    """What Zero finds over one driver."""

    estimates: dict[str, Any]
    hydrated: dict[str, Any]


def ask(replica: Path, folder: Path, bedrock: Path | None = None) -> Answers:
    file = copied(replica, folder)
    estimates = node(HERE / "estimates.mjs", file, bedrock)
    hydrated = node(DEMO / "hydrate.mjs", file, bedrock)
    for part in (hydrated["cost"], hydrated["read"], *hydrated["queries"]):
        del part["ms"]
    return Answers(estimates, hydrated)


@pytest.fixture(scope="session")
def expected(replica: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return ask(replica, tmp_path_factory.mktemp("native") / "asked")


@pytest.fixture(scope="session", params=GENERATIONS)
def found(request: pytest.FixtureRequest, replica: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("bedrock")
    project = bedrock_project(folder / "project", request.param)
    project.patch()
    return ask(replica, folder / "asked", project.package)


def test_the_cost_model_estimates_as_on_the_native_driver(found: Answers, expected: Answers) -> None:
    """Not nearly: each of them is the same number, of the same SQLite's planner."""
    assert len(expected.estimates) == 190
    assert any(cost["startupCost"] > 0 for cost in expected.estimates.values())
    differing = {name: (found.estimates[name], cost) for name, cost in expected.estimates.items()}
    assert {name: both for name, both in differing.items() if both[0] != both[1]} == {}


def test_zero_reads_its_tables_and_hydrates_its_queries(found: Answers, expected: Answers) -> None:
    assert expected.hydrated["read"]["rows"] == 1856
    assert found.hydrated["read"] == expected.hydrated["read"]
    assert found.hydrated["queries"] == expected.hydrated["queries"]
