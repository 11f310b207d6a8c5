"""The generator in node_modules/orez: the shim that it writes ends its scan status, whatever driver is below it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nodejs
from conftest import own_environment
from orez.conftest import MakeProject, Project
from orez.tree import write_orez
from trees import snapshot
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.orez import correct_shims
from wasmfix.patching.run import Patcher, restore
from wasmfix.patching.structure import NotRecognisedError
from wasmfix.project.package import read_package

HERE = Path(__file__).parent
GENERATOR = next(patch for patch in load_catalogue() if patch.id == "orez-generator")
BELOW = ("as published", "shim", "rebuild")


def ask(project: Project, options: str = "") -> dict[str, Any]:
    command = [nodejs.node(), str(HERE / "ask.mjs"), str(project.root)]
    environment = {**os.environ, "NODE_OPTIONS": options}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wasmfix(*arguments: str) -> str:
    command = [sys.executable, "-m", "wasmfix", *arguments]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repair_bedrock(project: Project, below: str) -> None:
    if below != "as published":
        target = ("--target", "bedrock-sqlite", "--engine", below)
        wasmfix("patch", str(project.root), "--no-verify", *target)


def start(project: Project) -> str:
    """Start orez; the options that it gives to zero-cache's Node."""
    said = project.orez.start(project.zero, project.bedrock, scratch=project.root / "hook")
    assert said.startswith("--import") if project.orez.generation == 3 else said == "shimmed"
    return said if project.orez.generation == 3 else ""


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_as_orez_was_published_its_shim_never_ends(generation: int, make_project: MakeProject) -> None:
    project = make_project(generation)
    answer = ask(project, start(project))
    assert answer["loops"]["scan"] == "endless"
    assert answer["complex"] == 8


@pytest.mark.parametrize(
    ("generation", "below"), [(1, "as published"), (3, "rebuild"), *((2, below) for below in BELOW)]
)
def test_the_corrected_generator_writes_a_shim_with_scan_status_over_any_driver(
    generation: int, below: str, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project(generation, whole=below == "rebuild")
    repair_bedrock(project, below)
    assert patcher.patch(read_package(project.orez.folder)).result == "patched"
    answer = ask(project, start(project))
    loops = answer["loops"]
    assert [(loop["parent"], loop["explain"]) for loop in loops["scan"]] == [(0, "SCAN issue")]
    # SQLite's own is 192: it keeps a tenth of a logarithm.
    assert 192 <= loops["scan"][0]["rows"] <= 200
    assert [loop["rows"] for loop in loops["key"]] == [1]
    assert [loop["explain"] for loop in loops["sorted"]] == [
        "SEARCH issue USING INDEX by_owner (owner=?)",
        "USE TEMP B-TREE FOR ORDER BY",
    ]
    assert 9 <= loops["sorted"][0]["rows"] <= 10
    assert [loop["explain"].split()[0] for loop in loops["joined"]] == ["SEARCH", "SEARCH"]
    assert loops["insert"]
    assert (answer["complex"], answer["unsafe"], answer["rows"]) == (1, True, 10)
    if below == "rebuild":
        assert answer["duplicate"] == "SQLITE_CONSTRAINT_UNIQUE"
    else:
        assert answer["duplicate"].startswith("SQLITE_CONSTRAINT")


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_restore_brings_back_every_byte_of_orez(generation: int, make_project: MakeProject, patcher: Patcher) -> None:
    project = make_project(generation)
    before = snapshot(project.orez.folder, times=True, links=True)
    patcher.patch(read_package(project.orez.folder))
    changed = {path for path, state in snapshot(project.orez.folder).items() if before.get(path, ())[:3] != state}
    generator = project.orez.generator.relative_to(project.orez.folder).as_posix()
    assert {path for path in changed if path.endswith(".js") and ".wasmfix" not in path} == {generator}
    assert patcher.patch(read_package(project.orez.folder)).result == "already patched"
    restore(read_package(project.orez.folder))
    assert snapshot(project.orez.folder, times=True, links=True) == before


def test_the_shim_of_a_corrected_generator_is_known_and_replaced_all_the_same(
    make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    patcher.patch(read_package(project.orez.folder))
    start(project)
    found = patcher.assess(read_package(project.zero))
    assert found.generation == 2
    assert any("its generator was corrected by wasmfix" in remark for remark in found.remarks)
    assert patcher.patch(read_package(project.zero)).result == "patched"
    assert project.orez.start(project.zero, project.bedrock) == "left alone"


def test_an_orez_without_a_shim_is_healthy(make_project: MakeProject, patcher: Patcher) -> None:
    orez = write_orez(make_project().root / "other", 2)
    orez.generator.write_text("export const generateCjsShim = () => '';\n")
    assert patcher.patch(read_package(orez.folder)).result == "healthy"


def test_a_generator_that_is_not_javascript_is_left_alone_with_a_note(
    make_project: MakeProject, patcher: Patcher
) -> None:
    orez = make_project().orez
    orez.generator.write_text("export const broken = `")
    outcome = patcher.patch(read_package(orez.folder))
    assert outcome.result == "healthy"
    assert any("shim-template.js" in note for note in outcome.notes)


def test_a_correction_that_would_have_to_be_escaped_is_no_correction() -> None:
    with pytest.raises(ValueError, match="escaped"):
        correct_shims(b"", "`")
    with pytest.raises(NotRecognisedError):
        correct_shims(b"const = ", "")
    # The one that is in the catalogue does not.
    assert correct_shims(b"P.scanStatusV2 = () => []", GENERATOR.files[0].payload.decode()) != b""


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_the_probe_fails_before_and_passes_after(generation: int, scratch: Path, patcher: Patcher) -> None:
    assert GENERATOR.probe is not None
    orez = write_orez(scratch / "node_modules", generation)
    command = [nodejs.node(), str(GENERATOR.probe), str(orez.folder)]
    before = subprocess.run(command, capture_output=True, text=True, check=False)
    assert before.returncode == 1
    assert "endless" in before.stdout or "never ends" in before.stdout
    patcher.patch(read_package(orez.folder))
    after = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (after.returncode, after.stdout) == (0, "")
