"""Zero's cost model, tables and queries over a repaired bedrock-sqlite, beside the native driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nodejs
from bedrock.package import EARLIER, GENERATIONS, LATEST
from bedrock.project import bedrock_project
from conftest import BUILD, installed

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo"
ZERO = ("@rocicorp/zero", "1.9.0")

each_generation = pytest.mark.parametrize("generation", GENERATIONS)


@pytest.fixture(scope="session")
def over_bedrock() -> Iterator[Path]:
    """A project with Zero whose zero-sqlite3 is a thin layer over the bedrock-sqlite that BEDROCK names."""
    project = BUILD / "scratch" / f"zero-over-bedrock-{os.getpid()}"
    try:
        shutil.copytree(installed(*ZERO), project, symlinks=True, copy_function=os.link)
        entry = project / "node_modules" / "@rocicorp" / "zero-sqlite3" / "lib" / "index.js"
        entry.unlink()
        shutil.copyfile(HERE / "over-bedrock.cjs", entry)
        yield project
    finally:
        shutil.rmtree(project, ignore_errors=True)


@pytest.fixture(scope="session")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by Zero on the native driver."""
    file = tmp_path_factory.mktemp("replica") / "replica.db"
    node(DEMO / "replica.mjs", installed(*ZERO), file)
    return file


def node(script: Path, project: Path, replica: Path, bedrock: Path | None = None, heap: int = 1024) -> Any:
    done = run(script, project, replica, bedrock, heap)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def run(
    script: Path, project: Path, replica: Path, bedrock: Path | None = None, heap: int = 1024
) -> subprocess.CompletedProcess[str]:
    command = [nodejs.node(), f"--max-old-space-size={heap}", str(script), str(project), str(replica)]
    environment = {**os.environ, "BEDROCK": str(bedrock)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120
    )


def copied(replica: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copyfile(replica, folder / "replica.db"))


def test_before_the_patch_zero_asks_without_end(over_bedrock: Path, replica: Path, tmp_path: Path) -> None:
    project = bedrock_project(tmp_path / "project", LATEST)
    done = run(HERE / "estimates.mjs", over_bedrock, copied(replica, tmp_path / "asked"), project.package, heap=192)
    assert done.returncode != 0
    assert "heap out of memory" in done.stderr or "Invalid array length" in done.stderr


def test_before_the_patch_the_earlier_one_has_no_scan_status(
    over_bedrock: Path, replica: Path, tmp_path: Path
) -> None:
    project = bedrock_project(tmp_path / "project", EARLIER)
    done = run(HERE / "estimates.mjs", over_bedrock, copied(replica, tmp_path / "asked"), project.package)
    assert done.returncode != 0
    assert "TypeError" in done.stderr


@each_generation
def test_the_cost_model_estimates_as_on_the_native_driver(
    generation: str, over_bedrock: Path, replica: Path, tmp_path: Path
) -> None:
    project = bedrock_project(tmp_path / "project", generation)
    project.patch()
    expected = node(HERE / "estimates.mjs", installed(*ZERO), copied(replica, tmp_path / "native"))
    found = node(HERE / "estimates.mjs", over_bedrock, copied(replica, tmp_path / "asked"), project.package)
    assert len(expected) == 190
    assert {name: (found[name], expected[name]) for name in expected if found[name] != expected[name]} == {}


@each_generation
def test_zero_reads_its_tables_and_hydrates_its_queries(
    generation: str, over_bedrock: Path, replica: Path, tmp_path: Path
) -> None:
    project = bedrock_project(tmp_path / "project", generation)
    project.patch()
    expected = node(DEMO / "hydrate.mjs", installed(*ZERO), copied(replica, tmp_path / "native"))
    found = node(DEMO / "hydrate.mjs", over_bedrock, copied(replica, tmp_path / "asked"), project.package)
    for answer in (expected, found):
        for part in (answer["cost"], answer["read"], *answer["queries"]):
            del part["ms"]
    assert found["read"] == expected["read"]
    assert found["queries"] == expected["queries"]
