"""Packages with holes: what is missing, empty, cut short or a link to nowhere is made, and goes again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import installed
from standalone.run import VERSION, ZERO, MakeProject, run, wasmfix
from trees import snapshot
from wasmfix.verification import verify_package

LIB = installed(ZERO, VERSION) / "node_modules" / ZERO / "lib"
SCRIPTS = sorted(file.relative_to(LIB).as_posix() for file in LIB.rglob("*.js"))
assert len(SCRIPTS) == 13

Damage = Callable[[Path], None]


def empty(file: Path) -> None:
    file.unlink()
    file.write_bytes(b"")


def blank(file: Path) -> None:
    file.unlink()
    file.write_bytes(b" \n\n")


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) - 3])


def dangle(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere.js")


DAMAGES: dict[str, Damage] = {"missing": Path.unlink, "empty": empty, "blank": blank, "cut": cut, "dangling": dangle}


CASES = [("index.js", damage) for damage in DAMAGES]
CASES += [
    (name, damage) for name in ("database.js", "sqlite-error.js", "methods/table.js") for damage in ("missing", "cut")
]


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_a_script_of_lib_that_is_damaged_is_made_up_for(name: str, damage: str, zero_project: MakeProject) -> None:
    project = zero_project()
    package = project / "node_modules" / ZERO
    DAMAGES[damage](package / "lib" / name)
    before = snapshot(package, times=True)
    assert "verified" in wasmfix("patch", project)
    wasmfix("restore", project)
    assert snapshot(package, times=True) == before


@pytest.mark.parametrize(("name", "version"), [(ZERO, "1.1.4"), (ZERO, "1.0.15"), ("better-sqlite3", "12.11.1")])
def test_the_whole_of_lib_is_made_up_for(name: str, version: str, zero_project: MakeProject, node: str) -> None:
    project = zero_project(name, version)
    package = project / "node_modules" / name
    shutil.rmtree(package / "lib")
    before = snapshot(package)
    wasmfix("patch", project, "--no-verify")
    report = verify_package(package, node=node)
    assert report.ok, report.to_json()
    wasmfix("restore", project)
    assert snapshot(package) == before


def test_a_package_with_a_lib_gets_no_standalone_driver(zero_project: MakeProject) -> None:
    project = zero_project()
    wasmfix("patch", project, "--no-verify")
    assert not (project / "node_modules" / ZERO / "wasmfix" / "standalone").exists()


def test_what_is_whole_keeps_its_own_error_class(zero_project: MakeProject, node: str) -> None:
    """database.js is ours then, sqlite-error.js is not: errors are of the class that the package exports."""
    project = zero_project()
    package = project / "node_modules" / ZERO
    own = (package / "lib" / "sqlite-error.js").read_bytes()
    (package / "lib" / "util.js").unlink()
    wasmfix("patch", project, "--no-verify")
    assert (package / "lib" / "sqlite-error.js").read_bytes() == own
    report = verify_package(package, node=node, quick=True)
    assert {check.id: check.status for check in report.checks}["V020"] == "ok"


@st.composite
def cuts(draw: st.DrawFn) -> tuple[str, bytes]:
    """A script of lib/, and what is left of it."""
    name = draw(st.sampled_from(SCRIPTS))
    content = (LIB / name).read_bytes()
    return name, content[: draw(st.integers(0, len(content) - 2))]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=cuts())
def test_wherever_a_script_is_cut_the_package_works_or_is_refused(
    cut: tuple[str, bytes], zero_project: MakeProject
) -> None:
    name, content = cut
    project = zero_project()
    package = project / "node_modules" / ZERO
    (package / "lib" / name).unlink()
    (package / "lib" / name).write_bytes(content)
    before = snapshot(package)
    done = run("patch", project)
    if done.returncode == 2:
        assert "cannot be patched" in done.stderr
    else:
        # 1: it parses and is not what it was, which only its use shows.
        assert ("checks failed" in done.stdout) == (done.returncode == 1), done.stdout
        wasmfix("restore", project)
    assert snapshot(package) == before
    shutil.rmtree(project)
