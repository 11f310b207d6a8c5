"""A project of the incident's time, whole: Zero, bedrock-sqlite 0.16.4, orez, and its shim over zero-sqlite3."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nodejs
from bedrock.package import write_bedrock
from conftest import BUILD, copy_tree, installed, own_environment
from orez.conftest import ZERO, Project
from orez.tree import write_orez
from trees import snapshot
from wasmfix.patching.catalogue import MODES, Patch, load_catalogue
from zero.drivers import Zero

INSTALLED = ("@rocicorp/zero", "1.9.0")
NAMES = (ZERO, "bedrock-sqlite", "orez")


def wasmfix(project: Project, *arguments: str) -> str:
    command = [sys.executable, "-m", "wasmfix", *arguments, str(project.root)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    root = BUILD / "scratch" / f"incident-{os.getpid()}"
    try:
        shutil.copytree(installed(*INSTALLED), root, symlinks=True, copy_function=os.link)
        modules = root / "node_modules"
        # What orez changes in place must not be the file that other tests use.
        shutil.rmtree(modules / ZERO)
        copy_tree(installed(*INSTALLED) / "node_modules" / ZERO, modules / ZERO)
        bedrock = write_bedrock(modules / "bedrock-sqlite")
        project = Project(root, modules / ZERO, bedrock, write_orez(modules, 2))
        project.shim()
        yield project
    finally:
        shutil.rmtree(root, ignore_errors=True)


def answers(zero: Zero, replica: Path) -> dict[str, Any]:
    """All but the files that a driver leaves beside the replica."""
    found = zero.ask(replica)
    del found["files"]
    return found


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Zero:
    return Zero(installed(*INSTALLED), tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def replica(native: Zero) -> Path:
    return native.write_replica("replica.db")


@pytest.fixture(scope="module")
def expected(native: Zero, replica: Path) -> dict[str, Any]:
    return answers(native, replica)


def shown(project: Project) -> dict[str, object]:
    """The three packages, every byte, mode and time."""
    return {name: snapshot(project.root / "node_modules" / name, times=True) for name in NAMES}


def ask(project: Project, replica: Path, home: Path) -> dict[str, Any]:
    home.mkdir()
    return answers(Zero(project.root, home), replica)


def complaints(project: Project, patches: Iterable[Patch]) -> dict[str, str]:
    """What the probes of some patches say of the three packages."""
    found = {}
    folders = {name: project.root / "node_modules" / name for name in NAMES}
    for patch in patches:
        for target in patch.targets:
            if target.package in folders:
                command = [*nodejs.ending_node(), str(patch.probe), str(folders[target.package])]
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
                if done.returncode:
                    found[f"{target.package}: {patch.id}"] = done.stdout + done.stderr
    return found


@pytest.mark.parametrize("mode", MODES)
def test_one_patch_repairs_all_orez_leaves_it_alone_and_restore_brings_back_every_byte(
    mode: str, project: Project, replica: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    before = shown(project)
    of_orez = [patch for patch in load_catalogue() if patch.id in ("stale-shim", "orez-generator")]
    assert complaints(project, of_orez).keys() == {f"{ZERO}: stale-shim", "orez: orez-generator"}
    wasmfix(project, "patch", "--engine", mode, *(["--no-verify"] if mode == "shim" else []))
    states = {each["name"]: each["state"] for each in json.loads(wasmfix(project, "status", "--json"))["packages"]}
    assert states == dict.fromkeys(NAMES, "patched")
    # A rebuild has all that the repairs have.
    promised = [patch for patch in load_catalogue() if mode == "rebuild" or mode in patch.modes]
    assert complaints(project, promised) == {}

    patched = shown(project)
    for start in ("wasm", "native", "wasm"):
        project.orez.start(project.zero, project.bedrock, start)
        assert project.orez.stop(project.zero) == "left alone"
    assert shown(project) == patched
    assert ask(project, replica, tmp_path / "patched") == expected
    assert "already patched" in wasmfix(project, "patch", "--no-verify", "--engine", mode)

    # zero-sqlite3 comes anew from npm: orez writes its shim again, over a bedrock-sqlite that is repaired.
    aside = project.root / "aside"
    project.zero.rename(aside)
    copy_tree(installed(*INSTALLED) / "node_modules" / ZERO, project.zero)
    assert project.orez.start(project.zero, project.bedrock) == "shimmed"
    again = ask(project, replica, tmp_path / "again")
    assert again["estimates"].keys() == expected["estimates"].keys()
    differing = {name for name, rows in expected["hydrated"].items() if again["hydrated"][name] != rows}
    if mode == "rebuild":
        assert (again["estimates"], differing) == (expected["estimates"], set())
    else:
        # The build that stays folds ASCII only.
        assert differing == {"NOT ILIKE", "ILIKE folds beyond ASCII"}
    shutil.rmtree(project.zero)
    aside.rename(project.zero)

    wasmfix(project, "restore")
    assert shown(project) == before
