"""`patch` over everything that the catalogue is about: bedrock-sqlite in both modes, mixed projects, `--list`."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bedrock.package import EARLIER, LATEST, write_bedrock
from catalogue import fixtures
from conftest import NpmProject, copy_tree, installed, own_environment
from trees import snapshot
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.paths import data_folder

ZERO, BETTER, BEDROCK = "@rocicorp/zero-sqlite3", "better-sqlite3", "bedrock-sqlite"
CATALOGUE = load_catalogue(data_folder("patches"))


@pytest.fixture
def mixed(npm_project: NpmProject, scratch: Path) -> Path:
    """What the incident left: a shim over zero-sqlite3, bedrock-sqlite of two releases; and better-sqlite3."""
    project = npm_project(ZERO, "1.1.4")
    modules = project / "node_modules"
    copy_tree(installed(BETTER, "12.11.1") / "node_modules" / BETTER, modules / BETTER)
    write_bedrock(modules / BEDROCK, LATEST)
    write_bedrock(modules / "app" / "node_modules" / BEDROCK, EARLIER)
    (stale,) = (patch for patch in CATALOGUE if patch.id == "stale-shim")
    shim = next(each for each in fixtures(stale) if each.probe and each.before)
    (modules / ZERO / "lib" / "index.js").write_bytes(shim.before or b"")
    return project


def results(document: dict) -> list[tuple[str, str, str]]:  # type: ignore[type-arg]
    return sorted((each["name"], each["version"], each["result"]) for each in document["packages"])


@pytest.mark.parametrize("mode", ["rebuild", "shim"])
def test_every_copy_of_a_mixed_project_is_repaired_and_reported(wasmfix, mixed: Path, mode: str) -> None:  # type: ignore[no-untyped-def]
    before = snapshot(mixed, times=True)
    copies = sorted([(ZERO, "1.1.4"), (BEDROCK, EARLIER), (BEDROCK, LATEST), (BETTER, "12.11.1")])
    ran = wasmfix("patch", mixed, "--engine", mode, "--json")
    assert ran.code == 0, ran.err + ran.out
    assert results(ran.json) == [(*copy, "patched") for copy in copies]
    assert all(report["ok"] for report in ran.json["verification"])
    again = wasmfix("patch", mixed, "--json")
    assert (again.code, results(again.json)) == (0, [(*copy, "already patched") for copy in copies])
    assert wasmfix("patch", mixed, "--check").code == 0
    status = wasmfix("status", mixed)
    assert status.out.count("patched (shim)") == (2 if mode == "shim" else 0)
    assert wasmfix("restore", mixed).code == 0
    assert snapshot(mixed, times=True) == before


def test_a_copy_that_nobody_knows_does_not_keep_the_others_from_being_patched(wasmfix, mixed: Path) -> None:  # type: ignore[no-untyped-def]
    strange = mixed / "node_modules" / "app" / "node_modules" / BEDROCK / "dist" / "sqlite3.js"
    strange.write_text("module.exports = require('./somebody-elses-build');\n")
    before = strange.parent.parent
    kept = snapshot(before, times=True)
    ran = wasmfix("patch", mixed, "--engine", "shim", "--no-verify")
    assert ran.code == 2
    assert f"{BEDROCK} {EARLIER} cannot be patched: dist/sqlite3.js is not what the patch" in ran.one_line()
    assert f"{BEDROCK} {LATEST}: patched" in ran.out
    assert f"{ZERO} 1.1.4: patched" in ran.out
    assert snapshot(before, times=True) == kept


@pytest.fixture
def alone(scratch: Path) -> Path:
    """A project with bedrock-sqlite and nothing else."""
    project = scratch / "alone"
    (project / "node_modules").mkdir(parents=True)
    (project / "package.json").write_text('{"name": "alone"}')
    write_bedrock(project / "node_modules" / BEDROCK)
    return project


def test_a_healthy_project_is_told_so_and_stays_as_it_is(wasmfix, alone: Path) -> None:  # type: ignore[no-untyped-def]
    assert wasmfix("patch", alone, "--engine", "shim", "--no-verify").code == 0
    # As if its makers had repaired it.
    shutil.rmtree(alone / "node_modules" / BEDROCK / ".wasmfix")
    before = snapshot(alone, times=True)
    for options in ([], ["--check"], ["--dry-run"]):
        ran = wasmfix("patch", alone, "--engine", "shim", *options)
        assert (ran.code, ran.err) == (0, "")
        assert f"{BEDROCK} {LATEST}: healthy" in ran.out
        assert "nothing in it needs a patch" in ran.out
    assert snapshot(alone, times=True) == before


def test_a_rebuild_without_sqlites_source_says_where_to_get_it(wasmfix, alone: Path) -> None:  # type: ignore[no-untyped-def]
    before = snapshot(alone, times=True)
    ran = wasmfix("patch", alone)
    assert ran.code == 2
    assert "--amalgamation DIR (or patch with --engine shim)" in ran.one_line()
    wrong = installed(BETTER, "12.11.1") / "node_modules" / BETTER
    ran = wasmfix("patch", alone, "--amalgamation", wrong)
    assert ran.code == 2
    assert f"{BETTER} 12.11.1 is not {ZERO}; --amalgamation takes the folder of" in ran.one_line()
    assert snapshot(alone, times=True) == before
    source = installed(ZERO, "1.1.4") / "node_modules" / ZERO
    kept = snapshot(source, times=True)
    ran = wasmfix("patch", alone, "--amalgamation", source)
    assert ran.code == 0, ran.err
    assert snapshot(source, times=True) == kept
    # Which it was is in the record: without the option it is still what it is.
    assert "already patched" in wasmfix("patch", alone, "--no-verify").out
    assert wasmfix("restore", alone).code == 0
    assert snapshot(alone, times=True) == before


def test_the_catalogue_is_listed_without_a_project(wasmfix, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("patch", tmp_path / "nowhere", "--list")
    assert (ran.code, ran.err) == (0, "")
    header, *lines = ran.out.splitlines()
    assert header.split() == ["patch", "for", "engine", "symptom"]
    assert [line.split()[0] for line in lines] == [patch.id for patch in CATALOGUE]
    assert all(patch.symptom in line for line, patch in zip(lines, CATALOGUE, strict=True))
    listed = wasmfix("patch", "--list", "--json").json["patches"]
    assert [(each["id"], each["symptom"]) for each in listed] == [(patch.id, patch.symptom) for patch in CATALOGUE]


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
@pytest.mark.parametrize("columns", [60, 100])
def test_on_a_terminal_the_list_is_as_wide_as_that(columns: int) -> None:
    master, slave = pty.openpty()
    environment = own_environment(COLUMNS=str(columns), NO_COLOR="1", TERM="xterm")
    command = [sys.executable, "-m", "wasmfix", "patch", "--list"]
    with subprocess.Popen(command, stdout=slave, env=environment):
        os.close(slave)
        out = b""
        try:
            while part := os.read(master, 4096):
                out += part
        except OSError:  # Linux: the other end has gone
            pass
    os.close(master)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.decode()).splitlines()
    assert len(lines) > len(CATALOGUE)
    assert max(map(len, lines)) <= columns
