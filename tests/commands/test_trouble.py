"""One line says what is wrong, and programs get it, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import NpmProject, own_environment
from trees import snapshot, write_package

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two copies, of which better-sqlite3 has a record that is none."""
    folder = tmp_path.resolve() / "project"
    write_package(folder, "app", "1.0.0")
    write_package(folder / "node_modules" / ZERO, ZERO, "1.1.4")
    write_package(folder / "node_modules" / BETTER, BETTER, "12.0.0", {".wasmfix/record.json": "{"})
    return folder


def test_status_shows_the_other_copies_when_one_has_a_damaged_record(wasmfix, project: Path) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("status", project)
    assert ran.code == 2
    assert f"{ZERO} 1.1.4  foreign" in ran.out
    assert ran.one_line().startswith(
        f"wasmfix: {project / 'node_modules' / BETTER / '.wasmfix/record.json'}: is damaged"
    )
    shown = wasmfix("status", project, "--json").json
    assert [package["name"] for package in shown["packages"]] == [ZERO]
    assert shown["failures"] == [ran.one_line().removeprefix("wasmfix: ")]


@pytest.mark.parametrize("command", ["status", "restore"])
def test_a_copy_without_package_json_is_named_with_what_else_there_is(wasmfix, project: Path, command: str) -> None:  # type: ignore[no-untyped-def]
    (project / "node_modules" / BETTER / "package.json").unlink()
    ran = wasmfix(command, project)
    assert f"{ZERO} 1.1.4" in ran.out
    assert f"{BETTER} is broken: has no package.json; reinstall the package" in ran.out + ran.err
    # What was patched cannot be put back.
    assert ran.code == (2 if command == "restore" else 0)


@pytest.mark.parametrize("command", ["patch", "restore", "status", "verify", "build"])
def test_a_command_that_is_stopped_says_so_in_its_json(wasmfix, tmp_path: Path, command: str) -> None:  # type: ignore[no-untyped-def]
    for arguments in ([command, "--json", tmp_path], [command, "--json", "--nonsense"]):
        ran = wasmfix(*arguments)
        assert ran.code == 2
        assert ran.json == {"schema_version": 1, "error": ran.one_line().removeprefix("wasmfix: ")}


def test_an_amalgamation_that_is_not_there_is_no_broken_package(wasmfix, project: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for where, what in ((tmp_path / "none", "does not exist"), (project / "package.json", "is not a folder")):
        ran = wasmfix("patch", project, "--amalgamation", where)
        assert ran.one_line() == f"wasmfix: {where}: {what}; --amalgamation takes the folder of an installed {ZERO}"


def test_nothing_is_exported_out_of_its_folder_or_into_a_package(wasmfix, npm_project: NpmProject) -> None:  # type: ignore[no-untyped-def]
    project = npm_project(BETTER, "12.11.1")
    package = (project / "node_modules" / BETTER).resolve()
    before = snapshot(project)
    ran = wasmfix("patch", project, "--export", package / "out")
    assert ran.code == 2
    assert ran.one_line() == f"wasmfix: {package / 'out'}: is inside of {BETTER} 12.11.1; export into another folder"
    assert snapshot(project) == before
    file = package / "package.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": "12.11.1/../../../out"}))
    before = snapshot(project)
    ran = wasmfix("patch", project, "--export", project / "a" / "b" / "c")
    assert ran.code == 2
    assert "package.json has the version '12.11.1/../../../out'" in ran.one_line()
    assert snapshot(project) == before


def test_orez_alone_is_not_a_project_that_is_patched_while_its_driver_is_above(wasmfix, project: Path) -> None:  # type: ignore[no-untyped-def]
    app = write_package(project / "app", "app", "1.0.0")
    write_package(app / "node_modules" / "orez", "orez", "0.16.4")
    ran = wasmfix("patch", app, "--no-verify")
    assert ran.code == 2
    assert (
        f"{project / 'node_modules' / ZERO}: {ZERO} lies outside the project, reached by the node_modules above"
        in ran.err
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no folder that somebody stands in")
@pytest.mark.parametrize("command", ["patch", "restore", "status", "verify", "build", "diagnose", "ci"])
def test_a_current_folder_that_is_gone_is_named(command: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$1" && exec "$2" -m wasmfix "$3"'
    shell = ["sh", "-c", script, "sh", str(gone), sys.executable, command]
    ran = subprocess.run(shell, cwd=gone, env=own_environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("wasmfix: the current folder: is gone")
    assert ran.stderr.count("\n") == 1
