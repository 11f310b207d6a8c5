"""The probe of each patch fails on a package that is broken in its way, and passes after `wasmfix patch`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nodejs
from bedrock.package import GENERATIONS, write_bedrock
from catalogue import Fixture, fixtures
from conftest import copy_tree, installed, own_environment
from wasmfix.patching.catalogue import MODES, Patch, load_catalogue
from wasmfix.paths import data_folder

ZERO, BEDROCK = "@rocicorp/zero-sqlite3", "bedrock-sqlite"
VERSIONS = {ZERO: "1.1.4", "better-sqlite3": "12.11.1"}
CATALOGUE = load_catalogue(data_folder("patches"))
PROBED = [patch for patch in CATALOGUE if patch.probe is not None]
LAID_OVER = [
    pytest.param(target.package, patch, fixture, id=f"{target.package}-{patch.id}-{fixture.name}")
    for patch in PROBED
    for fixture in fixtures(patch)
    for target in patch.targets
    if fixture.probe and target.package in VERSIONS
]


def patches_for(package: str) -> list[Patch]:
    return [patch for patch in PROBED if patch.target(package)]


def probe(patch: Patch, package: Path) -> str:
    """What the probe complains about; empty if it passes."""
    assert patch.probe is not None
    command = [*nodejs.ending_node(), str(patch.probe), str(package)]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), f"{patch.id}: {done.returncode} {done.stdout}{done.stderr}"
    complaint = done.stdout.strip()
    assert bool(complaint) == (done.returncode == 1), f"{patch.id}: {complaint}"
    assert "\n" not in complaint
    return f"{patch.id}: {complaint}" if done.returncode else ""


def wasmfix(*arguments: str) -> str:
    command = [sys.executable, "-m", "wasmfix", *arguments]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needed(project: Path, name: str, mode: str = "rebuild") -> set[str]:
    """The patches that `wasmfix patch` would apply."""
    planned = json.loads(wasmfix("patch", str(project), "--dry-run", "--json", "--target", name, "--engine", mode))
    (package,) = planned["packages"]
    return {patch for each in package["operations"] for patch in each["patch"].split(", ")}


@pytest.fixture
def project(scratch: Path) -> Path:
    folder = scratch / "project"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "probed", "private": true}\n')
    return folder


def install(project: Path, name: str) -> Path:
    """The real package, without native binaries."""
    package = copy_tree(installed(name, VERSIONS[name]) / "node_modules" / name, project / "node_modules" / name)
    for folder in ("build", "prebuilds"):
        shutil.rmtree(package / folder, ignore_errors=True)
    return package


def lay_over(package: Path, fixture: Fixture) -> None:
    for path, content in {fixture.file: fixture.before, **_bytes(fixture)}.items():
        (package / path).unlink(missing_ok=True)
        if content is not None:
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).write_bytes(content)


def _bytes(fixture: Fixture) -> dict[str, bytes]:
    return {path: text.encode() for path, text in fixture.files.items()}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_package_without_its_native_addon(name: str, project: Path) -> None:
    package = install(project, name)
    (loader,) = (patch for patch in PROBED if patch.id == "addon-loader")
    assert needed(project, name) == {"addon-loader"}
    assert probe(loader, package)
    wasmfix("patch", str(project), "--no-verify")
    assert [complaint for patch in patches_for(name) if (complaint := probe(patch, package))] == []


@pytest.mark.parametrize(("name", "patch", "fixture"), LAID_OVER)
def test_a_package_that_is_broken_as_the_fixture_says(name: str, patch: Patch, fixture: Fixture, project: Path) -> None:
    package = install(project, name)
    lay_over(package, fixture)
    assert patch.id in needed(project, name)
    assert probe(patch, package)
    wasmfix("patch", str(project), "--no-verify")
    assert [complaint for patch in patches_for(name) if (complaint := probe(patch, package))] == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_bedrock_sqlite_as_it_was_published(generation: str, mode: str, project: Path) -> None:
    install(project, ZERO)
    package = write_bedrock(project / "node_modules" / BEDROCK, generation)
    # What the shim repairs is broken in either mode; a rebuild puts something else in its place.
    wanted = needed(project, BEDROCK, mode) | needed(project, BEDROCK, "shim")
    for patch in patches_for(BEDROCK):
        if patch.id in wanted:
            assert probe(patch, package), f"{patch.id}: its probe passes before"
    wasmfix("patch", str(project), "--no-verify", "--engine", mode)
    expected = [patch for patch in patches_for(BEDROCK) if mode == "rebuild" or mode in patch.modes]
    assert [complaint for patch in expected if (complaint := probe(patch, package))] == []


def test_a_probe_that_dies_is_told_with_its_error(project: Path) -> None:
    package = write_bedrock(project / "node_modules" / BEDROCK, GENERATIONS[-1])
    wasmfix("patch", str(project), "--no-verify", "--engine", "shim")
    built = package / "dist" / "sqlite3.js"
    text = built.read_text(encoding="utf-8")
    spoilt = text.replace("this._open=false", "this.open=false")
    assert spoilt != text
    built.write_text(spoilt, encoding="utf-8")
    command = [sys.executable, "-m", "wasmfix", "verify", str(project)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "row-guard fail Warn of, and stop, an all() that reads too many rows: TypeError: " in done.stdout
    assert "Node.js v" not in done.stdout


@pytest.mark.parametrize("patch", CATALOGUE, ids=lambda patch: patch.id)
def test_every_patch_has_a_probe(patch: Patch) -> None:
    assert patch.probe is not None
