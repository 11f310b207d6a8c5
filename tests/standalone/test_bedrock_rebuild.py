"""bedrock-sqlite with `--engine rebuild`: what becomes of its files, and what it does then."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import nodejs
from bedrock.package import EARLIER, GENERATIONS, LATEST
from standalone.run import BEDROCK, ZERO, MakeProject, wasmfix
from trees import snapshot
from wasmfix.verification import verify_package

COPIES = ("dist/sqlite3.wasm", "native/sqlite3.wasm", "sqlite3.wasm", "build/deep/sqlite3-async.wasm")
"""Places where the incident's users had copied the wasm to, by hand."""


def scatter(package: Path) -> None:
    """Put copies of the wasm where nobody would look."""
    for path in COPIES[1:]:
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / "dist" / "sqlite3.wasm", package / path)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_it_is_patched_verified_and_restored_to_the_last_byte(
    generation: str, bedrock_project: MakeProject, node: str
) -> None:
    project = bedrock_project(generation)
    package = project / "node_modules" / BEDROCK
    before = snapshot(project, times=True, links=True)
    said = wasmfix("patch", project)
    assert f"{BEDROCK} {generation}: patched" in said
    report = verify_package(package, node=node, sources=[project / "node_modules" / ZERO])
    # The native addon is the oracle of V011; this project has none.
    assert {check.id: check.status for check in report.checks if check.status != "ok"} == {"V011": "skip"}
    assert len(report.checks) == 19
    assert f"{BEDROCK} {generation}: already patched" in wasmfix("patch", project, "--no-verify")
    wasmfix("patch", project, "--check")
    wasmfix("restore", project)
    assert snapshot(project, times=True, links=True) == before


def test_every_copy_of_the_wasm_is_the_engine_and_comes_back(bedrock_project: MakeProject) -> None:
    project = bedrock_project(sources=True)
    package = project / "node_modules" / BEDROCK
    scatter(package)
    foreign = package / "node_modules" / "other" / "sqlite3.wasm"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"not ours to change")
    before = snapshot(package)
    wasmfix("patch", project, "--no-verify")
    engine = (package / "dist" / "wasmfix" / "engine.wasm").read_bytes()
    assert [path for path in COPIES if (package / path).read_bytes() != engine] == []
    assert foreign.read_bytes() == b"not ours to change"
    # Also when it is made anew: then the originals are elsewhere.
    record = package / ".wasmfix" / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "sources": "older"}))
    assert f"{BEDROCK} {LATEST}: updated" in wasmfix("patch", project, "--no-verify")
    assert [path for path in COPIES if (package / path).read_bytes() != engine] == []
    wasmfix("restore", project)
    assert snapshot(package) == before


def test_the_plan_names_each_file_and_changes_the_copies_last(bedrock_project: MakeProject) -> None:
    project = bedrock_project()
    before = snapshot(project)
    document = json.loads(wasmfix("patch", project, "--dry-run", "--json", "--target", BEDROCK))
    assert snapshot(project) == before
    paths = [operation["path"] for operation in document["packages"][0]["operations"]]
    assert paths[-3:] == ["dist/sqlite3.js", "dist/sqlite3-async.js", "dist/sqlite3.wasm"]
    assert {path.split("/")[1] for path in paths[:-3]} == {"wasmfix"}


def test_from_the_repaired_javascript_to_the_engine_and_back(bedrock_project: MakeProject, node: str) -> None:
    project = bedrock_project(EARLIER)
    package = project / "node_modules" / BEDROCK
    before = snapshot(package)
    wasmfix("patch", project, "--target", BEDROCK, "--engine", "shim", "--no-verify")
    assert not (package / "dist" / "wasmfix").exists()
    assert "updated" in wasmfix("patch", project, "--target", BEDROCK, "--engine", "rebuild", "--no-verify")
    assert verify_package(package, node=node, quick=True).ok
    wasmfix("restore", project)
    assert snapshot(package) == before


def test_in_shim_mode_verify_asks_the_probes(bedrock_project: MakeProject, node: str) -> None:
    project = bedrock_project(EARLIER)
    package = project / "node_modules" / BEDROCK
    wasmfix("patch", project, "--target", BEDROCK, "--engine", "shim", "--no-verify")
    report = verify_package(package, node=node)
    assert report.ok, report.to_json()
    assert {"scan-status", "read-offset", "error-codes"} <= {check.id for check in report.checks}
    built = package / "dist" / "sqlite3.js"
    text = built.read_text()
    built.unlink()
    built.write_text(text.replace("scanStatusV2(", "scanStatusV3(", 1))
    failed = [check for check in verify_package(package, node=node).checks if check.status == "fail"]
    assert "scan-status" in {check.id for check in failed}
    assert all(check.detail for check in failed)


def test_without_a_zero_sqlite3_it_says_where_to_take_sqlite_from(bedrock_project: MakeProject, node: str) -> None:
    project = bedrock_project()
    elsewhere = project.parent / "elsewhere"
    (project / "node_modules" / ZERO).rename(elsewhere)
    before = snapshot(project)
    said = wasmfix("patch", project, code=2)
    assert "--amalgamation DIR" in said
    assert snapshot(project) == before
    wasmfix("patch", project, "--amalgamation", elsewhere, "--no-verify")
    report = verify_package(project / "node_modules" / BEDROCK, node=node)
    skipped = {check.id: check.detail for check in report.checks if check.status == "skip"}
    assert report.ok
    assert skipped.keys() == {"V003", "V011"}
    assert "is not here" in skipped["V003"]


def test_somebody_elses_dist_is_refused(bedrock_project: MakeProject) -> None:
    project = bedrock_project()
    built = project / "node_modules" / BEDROCK / "dist" / "sqlite3.js"
    built.unlink()
    built.write_text("'use strict';\nmodule.exports = require('another-sqlite');\n")
    before = snapshot(project / "node_modules" / BEDROCK)
    said = wasmfix("patch", project, "--target", BEDROCK, code=2)
    assert "it is not bedrock-sqlite's own build" in said
    assert snapshot(project / "node_modules" / BEDROCK) == before


@pytest.mark.parametrize(
    "missing", ["dist/sqlite3.js", "dist/sqlite3-async.js", "dist/sqlite3.wasm", "dist/package.json"]
)
def test_a_file_of_dist_that_is_missing_is_made(missing: str, bedrock_project: MakeProject, node: str) -> None:
    project = bedrock_project()
    package = project / "node_modules" / BEDROCK
    (package / missing).unlink()
    before = snapshot(package)
    wasmfix("patch", project, "--no-verify")
    assert (package / missing).is_file()
    assert verify_package(package, node=node, quick=True).ok
    wasmfix("restore", project)
    assert snapshot(package) == before


def test_the_whole_of_dist_is_made(bedrock_project: MakeProject, node: str) -> None:
    project = bedrock_project()
    package = project / "node_modules" / BEDROCK
    shutil.rmtree(package / "dist")
    before = snapshot(package)
    wasmfix("patch", project)
    assert verify_package(package, node=node, quick=True).ok
    wasmfix("restore", project)
    assert snapshot(package) == before


# docs/patching.md, "What a rebuild changes": each line there is one here. Before, after.
DIFFERENCES = {
    "an integer past 2^53": ("9007199254740993n", 9007199254740992),
    "the same with safeIntegers()": ("9007199254740993n", "9007199254740993n"),
    "a boolean as a parameter": (1, "TypeError"),
    "undefined as a parameter": (None, None),
    "a named parameter that is missing": (None, "RangeError"),
    "all() of a statement without rows": ([], "TypeError"),
    "run() of a statement with rows": ("number", "number"),
    "pragma() without rows": ({"changes": 0, "lastInsertRowid": 0}, []),
    "exec() while rows are iterated": ("the first row again and again", "TypeError"),
    "a nested transaction that throws": ("2 rows", "1 rows"),
}


def test_what_code_that_was_written_for_bedrock_sqlite_notices(bedrock_project: MakeProject) -> None:
    project = bedrock_project()
    command = [
        *nodejs.ending_node(),
        str(Path(__file__).with_name("differences.cjs")),
        str(project / "node_modules" / BEDROCK),
    ]
    before = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    wasmfix("patch", project, "--target", BEDROCK, "--no-verify")
    after = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert {name: (before[name], after[name]) for name in before} == DIFFERENCES
