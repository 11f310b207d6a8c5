"""After `wasmfix patch`, no release of orez touches what we wrote, neither when it starts nor when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from orez.conftest import MakeProject, Project
from orez.tree import write_orez
from trees import snapshot
from wasmfix.patching.assess import State
from wasmfix.patching.run import Patcher, restore
from wasmfix.project.package import read_package

BROKEN = ("generation 1", "generation 2", "generation 2 without backup", "missing", "missing with backup")
SITUATIONS = ("healthy", *BROKEN)


def bring_about(situation: str, project: Project) -> None:
    first, later = (write_orez(project.root / "releases" / str(each), each) for each in (1, 2))
    if situation == "generation 1":
        project.shim(first)
    elif situation != "healthy":
        project.shim(later)
    if situation.startswith("missing"):
        project.index.unlink()
    if situation in ("missing", "generation 2 without backup"):
        project.backup.unlink()


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_release_of_orez_touches_a_patched_package(
    situation: str, make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    bring_about(situation, project)
    assert patcher.patch(read_package(project.zero)).result == "patched"
    before = snapshot(project.zero, times=True)
    for generation in (1, 2, 3):
        orez = write_orez(project.root / "again" / str(generation), generation)
        for mode in ("wasm", "native", "wasm"):
            said = orez.start(project.zero, project.bedrock, mode, project.root / "hook")
            if generation != 3:
                # In native mode it complains that it has no backup, and goes on.
                assert said == ("failed: no backup" if (generation, mode) == (2, "native") else "left alone")
            assert orez.stop(project.zero) == "left alone"
            assert snapshot(project.zero, times=True) == before
    assert patcher.assess(read_package(project.zero)).state is State.PATCHED


@pytest.mark.parametrize("generation", [1, 2])
def test_without_the_marks_orez_would_put_its_shim_there(generation: int, make_project: MakeProject) -> None:
    project = make_project()
    original = project.index.read_bytes()
    orez = write_orez(project.root / "again", generation)
    assert orez.start(project.zero, project.bedrock) == "shimmed"
    assert project.index.read_bytes() != original


def test_a_backup_that_stayed_would_be_put_over_the_marks_when_orez_stops(
    make_project: MakeProject, patcher: Patcher
) -> None:
    project = make_project()
    project.shim()
    original = project.backup.read_bytes()
    patcher.patch(read_package(project.zero))
    project.backup.write_bytes(original)
    assert project.orez.stop(project.zero) == "restored"
    assert project.index.read_bytes() == original
    assert not Path(project.backup).exists()


def test_the_case_of_the_incident_step_by_step(make_project: MakeProject, patcher: Patcher) -> None:
    """A shim of the first generation; patched. The file deleted by hand, the cure of those days; patched again."""
    project = make_project(1)
    project.shim()
    assert (project.zero / "lib" / "database.js").read_text() == "'use strict';\nmodule.exports = require('./index');\n"
    before = snapshot(project.zero)
    assert patcher.patch(read_package(project.zero)).result == "patched"
    patched = snapshot(project.zero)
    project.index.unlink()
    assert patcher.assess(read_package(project.zero)).state is State.PARTIAL
    assert patcher.patch(read_package(project.zero)).result == "updated"
    assert snapshot(project.zero) == patched
    assert project.orez.start(project.zero, project.bedrock) == "left alone"
    restore(read_package(project.zero))
    assert snapshot(project.zero) == before
    # Deleted, with no patch there yet.
    project.index.unlink()
    assert patcher.patch(read_package(project.zero)).result == "patched"
    assert project.orez.start(project.zero, project.bedrock) == "left alone"
