"""Every version: installed without its scripts, patched, verified, restored. docs/versions.md has what was found."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import nodejs
from conftest import ROOT, NpmProject
from matrix_table import MatrixTable
from trees import snapshot
from versions.conftest import Wasmfix
from versions.known import BETTER, IN_EVERY_RUN, VERSIONS, ZERO, ZERO_VERSIONS

ASKED = Path(__file__).with_name("asked.cjs")
SUM = str(sum(range(1000)) * 10**12)

TABLE = MatrixTable(
    file=ROOT / "docs" / "versions.md",
    name="versions",
    columns=("package", "SQLite", "loader", "contract", "prebuilt", "patch", "verify", "checks", "restore", "note"),
    keys=tuple(f"{name} {version}" for name, version in VERSIONS),
    # Some checks need a file system or a native addon that not every machine has.
    unchecked=("checks",),
)

NOTES = {
    (ZERO, "1.1.2"): "published without its Unicode tables: they are made from Python's",
    (BETTER, "13.2.0"): "file descriptors are refused",
}


def contract(said: dict[str, object]) -> str:
    words = [f"{said['initialized']}()", f"{said['passed']} arguments"]
    words += [name for name, has in (("scanStatusV2", said["scanStatus"]), ("explain", said["explain"])) if has]
    return ", ".join(words)


def prebuilt(package: Path) -> str:
    return "in the package" if any(package.glob("prebuilds/**/*.node")) else "fetched by a script"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param(name, version, marks=() if (name, version) in IN_EVERY_RUN else pytest.mark.matrix)
        for name, version in VERSIONS
    ],
)
def test_a_published_version_is_patched_verified_and_restored(
    name: str, version: str, npm_project: NpmProject, wasmfix: Wasmfix, tmp_path: Path
) -> None:
    project = npm_project(name, version)
    package = project / "node_modules" / name
    before = snapshot(project, times=True, links=True)
    (found,) = wasmfix("status", project)["packages"]
    assert (found["state"], found["problems"], found["notes"]) == ("unpatched", [], [])

    (patched,) = wasmfix("patch", project, "--no-verify")["packages"]
    assert patched["patches"] == ["addon-loader"]
    program = [nodejs.node(), str(ASKED), str(package), str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["sum"], said["sqlite"]) == (SUM, found["sqlite_version"])

    (verified,) = wasmfix("verify", project)["packages"]
    outcomes = [check["status"] for check in verified["checks"]]
    assert verified["ok"]
    assert outcomes.count("ok") >= 13

    wasmfix("restore", project)
    assert snapshot(project, times=True, links=True) == before

    TABLE.record(
        f"{name} {version}",
        {
            "SQLite": said["sqlite"],
            "loader": found["loader"],
            "contract": contract(said),
            "prebuilt": prebuilt(package),
            "patch": "patched",
            "verify": "passed",
            "checks": f"{outcomes.count('ok')} ok, {outcomes.count('skip')} skipped",
            "restore": "exact",
            "note": NOTES.get((name, version), ""),
        },
    )


def test_the_document_has_a_row_for_each_version() -> None:
    TABLE.assert_complete()


def published(name: str) -> list[str]:
    command = [*nodejs.npm(), "view", name, "versions", "--json"]
    done = subprocess.run(command, env=nodejs.environment(), capture_output=True, text=True, check=True)
    versions: list[str] = json.loads(done.stdout)
    return versions


@pytest.mark.matrix
def test_no_version_of_zero_sqlite3_is_left_out() -> None:
    assert [version for version in published(ZERO) if "-" not in version] == list(ZERO_VERSIONS)


@pytest.mark.matrix
def test_the_first_and_the_last_version_of_each_major_of_better_sqlite3_are_in() -> None:
    majors: dict[int, list[str]] = {}
    for version in published(BETTER):
        if "-" not in version:
            majors.setdefault(int(version.split(".")[0]), []).append(version)
    wanted = {version for major, versions in majors.items() if major >= 9 for version in (versions[0], versions[-1])}
    assert wanted <= {version for name, version in VERSIONS if name == BETTER}
