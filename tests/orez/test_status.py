"""What `wasmfix status`, `patch` and `restore` say of who wrote what."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from conftest import own_environment
from orez.conftest import MakeProject, Project
from orez.tree import write_orez
from trees import snapshot


def wasmfix(project: Project, *arguments: str) -> str:
    command = [sys.executable, "-m", "wasmfix", *arguments, str(project.root)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def said_of(project: Project, name: str) -> Any:
    packages = json.loads(wasmfix(project, "status", "--json"))["packages"]
    return next(package for package in packages if package["name"] == name)


def test_status_names_the_shim_its_author_its_mode_and_the_driver_below_it(make_project: MakeProject) -> None:
    project = make_project()
    project.shim()
    told = wasmfix(project, "status")
    assert "lib/index.js is orez's shim, second generation (original in index.js.orez-backup)" in told
    assert f"mode wasm, journal mode wal2; over bedrock-sqlite 0.16.4 (not patched) in {project.bedrock}" in told
    found = said_of(project, "@rocicorp/zero-sqlite3")
    assert (found["state"], found["shim_generation"]) == ("shim", 2)
    assert said_of(project, "orez")["needs"] == ["orez-generator"]
    assert "would put" not in told


def test_status_says_that_a_driver_below_a_shim_is_gone(make_project: MakeProject) -> None:
    project = make_project(1)
    project.shim(write_orez(project.root / "first", 1))
    (project.bedrock / "package.json").unlink()
    told = wasmfix(project, "status")
    assert "orez's shim, first generation (rewritten in place, no backup); over" in told
    assert "dist/sqlite3.js, which is not there" in told


def test_a_healthy_package_beside_orez_is_not_called_a_shim(make_project: MakeProject) -> None:
    project = make_project()
    found = said_of(project, "@rocicorp/zero-sqlite3")
    assert (found["state"], found["shim_generation"]) == ("unpatched", None)
    assert "stale-shim" in found["needs"]


def test_an_orez_with_a_loader_hook_is_told(make_project: MakeProject) -> None:
    project = make_project(3)
    assert "zero-cache runs on bedrock-sqlite" in wasmfix(project, "status")


def test_patched_and_restored_status_and_restore_say_what_was_and_is_there(make_project: MakeProject) -> None:
    project = make_project(whole=True)
    project.shim()
    before = snapshot(project.root, times=True)
    told = wasmfix(project, "patch", "--no-verify", "--target", "@rocicorp/zero-sqlite3")
    assert "lib/index.js is orez's shim, second generation" in told
    told = wasmfix(project, "status")
    assert "lib/index.js was orez's shim, second generation" in told
    assert "patched by wasmfix" in told
    told = wasmfix(project, "restore")
    assert "lib/index.js is orez's shim, second generation (original in index.js.orez-backup); mode wasm" in told
    assert told.count(" again") == 1
    assert snapshot(project.root, times=True) == before
