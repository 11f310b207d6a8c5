"""better-sqlite3 13, whose addon has another contract: native and engine are asked the same and answer the same."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nodejs
from conftest import copy_tree, installed, patch
from differential.compare import observed
from differential.drivers import Answer, Driver, listed
from versions.known import BETTER

VERSION = "13.2.0"

NOT_OF_13 = {
    "claims/copies: two copies in one process, and both are closed at its end": "needs wal2",
    "claims/iterate: a row is computed when it is asked for": "asks scanStatusV2",
    "claims/journals: readers keep their snapshot": "needs wal2",
    "claims/journals: checkpoints": "needs wal2",
    "claims/journals: wal2 alternates between its two files": "needs wal2",
    "claims/objects: errors": "its SqliteError is a class, which has to be called with new",
    "claims/verbose: every executed statement is reported with its values": "asks explainQueryPlan",
    "claims/scanstatus: loops of prepared, run and analysed queries": "asks scanStatusV2",
    "claims/scanstatus: past the end is undefined": "asks scanStatusV2",
    "claims/scanstatus: counters add up and can be reset": "asks scanStatusV2",
    "claims/scanstatus: a statement that changes the schema of its own plan": "asks scanStatusV2",
}
"""Claims about zero-sqlite3 alone, which fail on native 13."""

OTHERWISE = {
    "claims/bind: every type a parameter may have": ("binds a DataView", 2),
    "claims/functions: arguments and answers of every type": ("takes a DataView", 1),
    "claims/names: code from strings may be forbidden": ("needs no code from strings", 2),
    "claims/raw: a Database of the addon wants eight arguments": ("takes the eight of 13.0 and the ten of 13.2", 4),
}
"""Where the engine does more than native: what, and in how many observations."""

CLAIMS = [f"{area}: {claim}" for area, claims in listed().items() if area.startswith("claims") for claim in claims]

SLOW = ("claims/close", "claims/exits", "claims/journals", "claims/temporary")
"""About files and processes more than about the contract; the differential suite runs them with another version."""


Both = Callable[[str], tuple[dict[str, Answer], dict[str, Answer]]]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """better-sqlite3 13 after `wasmfix patch`."""
    project = copy_tree(installed(BETTER, VERSION), tmp_path_factory.mktemp("patched") / "project")
    patch(project)
    return project / "node_modules" / BETTER


@pytest.fixture(scope="module")
def answers(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What native and engine answer to the claims of an area, both asked at once and only once."""
    prebuilt = installed(BETTER, VERSION) / "node_modules" / BETTER
    drivers = [
        Driver("native", prebuilt, tmp_path_factory.mktemp("native")),
        Driver("engine", package, tmp_path_factory.mktemp("engine")),
    ]
    known: dict[str, tuple[dict[str, Answer], dict[str, Answer]]] = {}

    def ask(area: str) -> tuple[dict[str, Answer], dict[str, Answer]]:
        if area not in known:
            with ThreadPoolExecutor(2) as pool:
                both = [pool.submit(driver.answers, area) for driver in drivers]
                known[area] = both[0].result(), both[1].result()
        return known[area]

    return ask


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64", "aarch64", "arm64"), reason="no prebuilt addon")
@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claim, marks=pytest.mark.matrix if claim.startswith(SLOW) else ())
        for claim in CLAIMS
        if claim not in NOT_OF_13
    ],
)
def test_the_engine_answers_as_native_13(claim: str, answers: Both) -> None:
    area, _, name = claim.partition(": ")
    native, engine = (answered[name] for answered in answers(area))
    assert native.failure is None, f"native fails: {native.failure}"
    assert engine.failure is None, f"only the engine fails: {engine.failure}"
    found = observed(native.observations, engine.observations)
    if claim in OTHERWISE:
        assert len(found) == OTHERWISE[claim][1], "\n".join(found)
    else:
        assert not found, f"{len(found)} differences\n" + "\n".join(found[:10])


@pytest.mark.matrix
def test_claims_about_zero_sqlite3_fail_on_native_13_too(answers: Both) -> None:
    """Otherwise they belong among those that are compared."""
    for claim in NOT_OF_13:
        area, _, name = claim.partition(": ")
        native, engine = (answered[name] for answered in answers(area))
        assert native.failure is not None, claim
        assert engine.failure is not None, claim


def run(program: str, *arguments: str | Path) -> object:
    done = subprocess.run(
        [nodejs.node(), "-e", program, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_file_descriptor_is_refused_in_one_error_that_says_so(package: Path, tmp_path: Path) -> None:
    program = """
        const fs = require('node:fs');
        const Database = require(process.argv[1]);
        const file = process.argv[2];
        const [fd, journalFd] = [file, file + '-journal'].map((name) => fs.openSync(name, 'w+'));
        let seen;
        try { new Database(fd, { journalFd }); } catch (error) {
          seen = [error instanceof Database.SqliteError, error.code, error.message];
        }
        fs.fstatSync(fd);
        console.log(JSON.stringify([...seen, fs.readdirSync(require('node:path').dirname(file)).sort()]));
    """
    seen = run(program, package, tmp_path / "a.db")
    words = "SQLite on WebAssembly (wasmfix) cannot open a database from a file descriptor; open it by its path"
    assert seen == [True, "SQLITE_CANTOPEN", words, ["a.db", "a.db-journal"]]


def test_the_entry_points_of_all_platforms_are_the_engine_on_each(package: Path) -> None:
    program = """
        const path = require('node:path');
        const manifest = require(path.join(process.argv[1], 'package.json'));
        const entries = Object.keys(manifest.exports).filter((name) => /-/.test(name));
        console.log(JSON.stringify(entries.map((name) => {
          const Database = require(path.join(process.argv[1], manifest.exports[name]));
          return new Database(':memory:').prepare('SELECT sqlite_version()').pluck().get();
        }).concat(Object.keys(require.cache).filter((file) => file.endsWith('.node')))));
    """
    assert run(program, package) == ["3.54.1"] * 8
